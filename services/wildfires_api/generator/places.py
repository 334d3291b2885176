"""Where a fire was: coordinates inside its state's box, and the county in the forms it is reported in."""

from collections.abc import Callable
from functools import cache

from services.wildfires_api.generator.published import table
from services.wildfires_api.generator.sources import FISH_WILDLIFE, State

UPPER_STATES = {"AR", "CA", "FL", "GA", "KY", "MO", "NJ", "SD"}  # states that report counties in capitals
SERIAL_STATES = {"OK", "PR"}  # states that report a serial number of their own
CHAR_20_STATES = {"AL", "TX"}  # states whose system pads names to 20 characters
COUNTY_WIDTH, WIDE_WIDTH = 20, 50


@cache
def counties() -> dict[str, tuple[tuple[str, str], ...]]:
    """FIPS code (three digits, text) and name of counties by state."""
    found: dict[str, list[tuple[str, str]]] = {}
    for row in table("counties"):
        found.setdefault(row["state"], []).append((row["fips"], row["name"]))
    return {state: tuple(known) for state, known in found.items()}


def county(state: str, profile: int, random: Callable[[], float]) -> tuple[str, str, str]:
    """COUNTY as reported, FIPS_CODE and FIPS_NAME."""
    known = counties()[state]
    at = int(random() * random() * len(known))  # a few counties have most of the fires
    code, name = known[at]
    draw = random()
    if profile <= FISH_WILDLIFE:
        return str(int(code)), code, name
    if state in SERIAL_STATES:
        return str(at + 1), code, name
    return _reported(name, state, draw), code, name


def _reported(name: str, state: str, draw: float) -> str:
    if draw < 0.002:
        return f"{name} (See {int(draw * 40_000) + 1})"
    if draw < 0.006:
        return f"{name} County"
    if draw < 0.010:
        return name.replace("St.", "Saint")
    if draw < 0.012:
        return name.upper().ljust(WIDE_WIDTH)
    if state in UPPER_STATES and draw < 0.7:
        return name.upper()
    if state in CHAR_20_STATES and draw < 0.8:
        return name.ljust(COUNTY_WIDTH)
    return name


def coordinates(state: State, in_seconds: bool, random: Callable[[], float]) -> tuple[float, float]:
    """Latitude and longitude in degrees; read in degrees, minutes and seconds, or with some decimals."""
    # Two draws averaged: fewer fires along the edges of the box.
    down, across = (random() + random()) / 2, (random() + random()) / 2
    latitude = state.south + (state.north - state.south) * down
    longitude = state.west + (state.east - state.west) * across
    draw = random()
    if in_seconds:
        decimals = 8 if draw < 0.97 else 13
        latitude, longitude = (
            round(round(degrees * 3600) / 3600, decimals) for degrees in (latitude, longitude)
        )
    else:
        decimals = 4 if draw < 0.45 else 6 if draw < 0.8 else 2 if draw < 0.9 else 5 if draw < 0.99 else 14
        latitude, longitude = round(latitude, decimals), round(longitude, decimals)
    return min(max(latitude, state.south), state.north), min(max(longitude, state.west), state.east)
