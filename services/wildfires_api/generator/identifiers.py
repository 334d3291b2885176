"""The identifiers of a fire in the systems that reported it."""

from collections.abc import Callable

from services.wildfires_api.generator.names import pick
from services.wildfires_api.generator.published import FOD_ID_QUARTILES
from services.wildfires_api.generator.sources import (
    CAL_FIRE,
    FISH_WILDLIFE,
    FOREST_SERVICE,
    ICS_209,
    INTERIOR,
    STATE,
    Unit,
)

CODE_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"
CODE_SIGNS = CODE_LETTERS + "0123456789"


def fod_id(row: int, rows: int, random: Callable[[], float]) -> int:
    """An id that grows with the row, with gaps, along the published quartiles. Needs rows <= FIRES."""
    low, high = _fod_floor(row, rows), _fod_floor(row + 1, rows)
    return low + int(random() * max(high - low, 1))


def _fod_floor(row: int, rows: int) -> int:
    quarter, within = divmod(4 * row, rows)
    if quarter == 4:
        return FOD_ID_QUARTILES[4] + 1
    low, high = FOD_ID_QUARTILES[quarter : quarter + 2]
    return low + (high - low) * within // rows


def fpa_id(profile: int, unit: Unit, year: int, row: int, incident: str | None) -> str:
    """The unique id in the source's own form; `row` keeps it unique."""
    number = 300_000 + row
    if profile == FOREST_SERVICE:
        return f"FS-{number}"
    if profile == INTERIOR:
        return f"W-{number}"
    if profile == FISH_WILDLIFE:
        return f"FWS-{year}{unit.letters}{number}"
    if profile == STATE:
        return f"SFO-{year}{unit.source_unit.strip()}{incident or ''}{'-' if incident else ''}{row}"
    if profile == CAL_FIRE:
        return f"CDF_{year}_{row % 58 + 1:02}_{row % 3000:04}_{number:06}      "
    if profile == ICS_209:
        return f"ICS209_{year}_{unit.letters}-{number}"
    return f"FA-{year}-{unit.letters}{number}"


def incident_id(profile: int, unit: Unit, year: int, random: Callable[[], float]) -> str:
    """LOCAL_INCIDENT_ID: numbers with and without zeros, dashes, letters, dates."""
    number, draw = int(random() * 3000) + 1, random()
    if profile == CAL_FIRE:
        return f"{unit.letters}{number:06}"
    if profile == FOREST_SERVICE:
        forms = (f"{number % 300}", f"{number % 300:03}", f"{unit.letters}-{number % 999}", f"{number:06}")
    else:
        forms = (f"{number:05}", f"{year}{number:06}", f"{number % 500}", f"D{number % 9}/{number % 99:02}")
    if draw < 0.992:
        return forms[int(draw / 0.248)]
    odd = (
        "1,2,3,4",
        f"20({year % 100})1-{number % 999:03}",
        f"{unit.letters} {number:04}",
        f"EC {number % 99:02}",
    )
    return odd[int((draw - 0.992) * 500) % 4]


def fire_code(random: Callable[[], float]) -> str:
    """Four letters and digits; now and then digits only, with zeros before."""
    draw = random()
    if draw < 0.02:
        return f"{int(draw * 50 * 10_000):04}"
    return (
        pick(CODE_LETTERS, random)
        + pick(CODE_SIGNS, random)
        + pick(CODE_SIGNS, random)
        + pick(CODE_SIGNS, random)
    )


def report_id(random: Callable[[], float]) -> str:
    """LOCAL_FIRE_REPORT_ID: a small number, one in twenty with zeros before."""
    draw = random()
    number = int(random() * random() * 400) + 1
    return f"{number:03}" if draw < 0.05 else str(number)


def ics_209_number(state: str, unit: Unit, random: Callable[[], float]) -> str:
    """ICS_209_INCIDENT_NUMBER, mostly as state, office and number."""
    draw, number = random(), int(random() * 9000) + 1
    if draw < 0.15:
        return f"{number + 100_000}"
    return f"{state}-{unit.letters}-{number:06}" if draw < 0.4 else f"{state}-{unit.letters}-{number}"


def mtbs_id(state: str, latitude: float, longitude: float, day: str) -> str:
    """MTBS_ID: state, place in thousandths of a degree, and day as YYYYMMDD."""
    return f"{state}{int(latitude * 100):04}{abs(int(longitude * 100)):05}0{day}"
