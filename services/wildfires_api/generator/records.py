"""Rows from a plan: one record a fire, all columns consistent with one another."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from random import Random
from typing import Any, NamedTuple

from services.wildfires_api.generator import identifiers, seasons
from services.wildfires_api.generator.acres import acres
from services.wildfires_api.generator.names import complex_name, fire_name, na_like_name, pick
from services.wildfires_api.generator.nulls import Has
from services.wildfires_api.generator.places import coordinates, county
from services.wildfires_api.generator.plan import Plan
from services.wildfires_api.generator.published import CAUSES, SIZE_CLASSES, StateYear, state_years
from services.wildfires_api.generator.sources import (
    FOREST_SERVICE,
    OWNERS,
    OWNERS_BY_PROFILE,
    Unit,
    states,
    units,
)
from services.wildfires_api.writer import encode_row

# Plain integers: testing an IntFlag costs more than the rest of a row.
(
    REPORT_ID,
    INCIDENT_ID,
    FIRE_CODE,
    NAME,
    NA_LIKE_NAME,
    DISCOVERY_TIME,
    CONTAINMENT,
    CONT_TIME,
    EMPTY_CONT_TIME,
    COUNTY,
    ICS_209,
    MTBS,
    COMPLEX,
) = map(int, Has)

Draw = Callable[[], float]


class Fire(NamedTuple):
    """What the plan says of one fire."""

    row: int
    place: StateYear
    cause: int
    size_class: int
    acres: float
    profile: int
    has: int
    unit: Unit


@dataclass(frozen=True)
class Block:
    """Consecutive rows of a plan of `rows` rows, as a worker gets them; `first` is their number."""

    seed: int
    first: int
    rows: int
    part: Plan


def encoded(block: Block) -> bytes:
    """The block's rows, a JSON object and a newline each."""
    return b"".join(map(encode_row, records(block)))


def records(block: Block) -> Iterator[dict[str, Any]]:
    """The block's rows; the same whoever makes them, in whatever order of blocks."""
    random = Random(block.seed * 1_000_003 + block.first + 1).random  # noqa: S311 (data, not secrets)
    part = block.part
    dealt = zip(part.cells, part.classes, part.profiles, part.patterns, strict=True)
    for row, (cell, size_class, profile, pattern) in enumerate(dealt, block.first):
        group, cause = divmod(cell, len(CAUSES))
        fod_id = identifiers.fod_id(row, block.rows, random)
        state_year = state_years()[group]
        unit = pick(units(state_year.state)[profile], random)
        size = part.large.get(row) or acres(size_class, random)
        fire = Fire(row, state_year, cause, size_class, size, profile, pattern, unit)
        yield _record(fod_id, fire, random)


def _record(fod_id: int, fire: Fire, random: Draw) -> dict[str, Any]:
    state, has, unit = fire.place.state, fire.has, fire.unit
    incident = (
        identifiers.incident_id(fire.profile, unit, fire.place.year, random) if has & INCIDENT_ID else None
    )
    latitude, longitude = coordinates(states()[state], fire.profile == FOREST_SERVICE, random)
    owner = pick(OWNERS_BY_PROFILE[fire.profile], random) if unit.owner is None else unit.owner
    county_text, fips, county_name = (
        county(state, fire.profile, random) if has & COUNTY else (None, None, None)
    )
    times = _times(fire, random)
    names = _names(fire, times["DISCOVERY_DATE"], latitude, longitude, random)
    return {
        "FOD_ID": fod_id,
        "FPA_ID": identifiers.fpa_id(fire.profile, unit, fire.place.year, fire.row, incident),
        "SOURCE_SYSTEM_TYPE": unit.system_type,
        "SOURCE_SYSTEM": unit.system,
        "NWCG_REPORTING_AGENCY": unit.agency,
        "NWCG_REPORTING_UNIT_ID": unit.unit_id,
        "NWCG_REPORTING_UNIT_NAME": unit.unit_name,
        "SOURCE_REPORTING_UNIT": unit.source_unit,
        "SOURCE_REPORTING_UNIT_NAME": unit.source_name,
        "LOCAL_FIRE_REPORT_ID": identifiers.report_id(random) if has & REPORT_ID else None,
        "LOCAL_INCIDENT_ID": incident,
        "FIRE_CODE": identifiers.fire_code(random) if has & FIRE_CODE else None,
        **names,
        "FIRE_YEAR": fire.place.year,
        **times,
        "FIRE_SIZE": fire.acres,
        "FIRE_SIZE_CLASS": SIZE_CLASSES[fire.size_class],
        "LATITUDE": latitude,
        "LONGITUDE": longitude,
        "OWNER_CODE": float(owner),
        "OWNER_DESCR": OWNERS[owner],
        "STATE": state,
        "COUNTY": county_text,
        "FIPS_CODE": fips,
        "FIPS_NAME": county_name,
    }


def _names(fire: Fire, julian_day: float, latitude: float, longitude: float, random: Draw) -> dict[str, Any]:
    """FIRE_NAME to COMPLEX_NAME; the same fire has much the same name everywhere."""
    has, state = fire.has, fire.place.state
    name = None
    if has & NAME:
        name = na_like_name(random) if has & NA_LIKE_NAME else fire_name(random)
    complex_fire = complex_name(random) if has & COMPLEX else None
    ics = has & ICS_209
    day = date.fromordinal(int(julian_day - seasons.JULIAN_DAY_OF_ORDINAL_ZERO)) if has & MTBS else None
    known_as = complex_fire or name or ""
    if (ics or day) and not known_as:  # others named it; the mapping project calls the rest so
        known_as = fire_name(random) if random() < 0.98 else "UNNAMED"
    return {
        "FIRE_NAME": name,
        "ICS_209_INCIDENT_NUMBER": identifiers.ics_209_number(state, fire.unit, random) if ics else None,
        "ICS_209_NAME": (known_as if random() < 0.6 else known_as.title()) if ics else None,
        "MTBS_ID": identifiers.mtbs_id(state, latitude, longitude, f"{day:%Y%m%d}") if day else None,
        "MTBS_FIRE_NAME": (f"{complex_fire} ({name})" if complex_fire and name else known_as)
        if day
        else None,
        "COMPLEX_NAME": complex_fire,
    }


def _times(fire: Fire, random: Draw) -> dict[str, Any]:
    """DISCOVERY_DATE to CONT_TIME; containment is never before discovery."""
    has = fire.has
    found, minute = seasons.discovery(fire.place.year, fire.cause, random)
    day, julian = seasons.day_of_year(found)
    contained, contained_day, contained_minute = None, None, None
    if has & CONTAINMENT:
        ended, contained_minute = seasons.containment(found, minute, fire.size_class, random)
        contained_day, contained = seasons.day_of_year(ended)
    return {
        "DISCOVERY_DATE": julian,
        "DISCOVERY_DOY": day,
        "DISCOVERY_TIME": seasons.clock(minute) if has & DISCOVERY_TIME else None,
        "STAT_CAUSE_CODE": fire.cause + 1.0,
        "STAT_CAUSE_DESCR": CAUSES[fire.cause],
        "CONT_DATE": contained,
        "CONT_DOY": contained_day,
        "CONT_TIME": ("" if has & EMPTY_CONT_TIME else seasons.clock(contained_minute))
        if has & CONT_TIME
        else None,
    }
