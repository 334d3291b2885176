"""Which values are missing: a column's nulls as often as published, together where they belong together."""

from __future__ import annotations  # array[int] cannot be evaluated before Python 3.12

from array import array
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import IntFlag

from services.wildfires_api.apportion import apportion
from services.wildfires_api.generator.published import (
    CAUSES,
    EMPTY_CONT_TIMES,
    FIRES,
    NA_LIKE_NAMES,
    NULLS,
    SIZE_CLASSES,
    state_years,
)
from services.wildfires_api.generator.sources import PROFILES

FIRE_CODES_SINCE = 2003  # federal fire codes came into use then


class Has(IntFlag):
    """The values a row has."""

    REPORT_ID = 1
    INCIDENT_ID = 2
    FIRE_CODE = 4
    NAME = 8
    NA_LIKE_NAME = 16
    DISCOVERY_TIME = 32
    CONTAINMENT = 64  # CONT_DATE and CONT_DOY
    CONT_TIME = 128
    EMPTY_CONT_TIME = 256
    COUNTY = 512  # COUNTY, FIPS_CODE and FIPS_NAME
    ICS_209 = 1024  # both columns
    MTBS = 2048  # both columns
    COMPLEX = 4096


@dataclass(frozen=True)
class Rule:
    """`total` of all FIRES have `value`, only rows that have `within`, by the weights of their stratum."""

    value: Has
    total: int
    weights: tuple[int, ...]
    within: Has | None = None
    by_class: bool = False


def _by_source(old: Sequence[int], recent: Sequence[int] | None = None) -> tuple[int, ...]:
    return tuple(old) + tuple(recent or old)


# Weights are per mille of a stratum's rows: a source profile (in the order of PROFILES) before and since
# FIRE_CODES_SINCE, or a size class. What they do not add up to, apportionment scales.
RULES = (
    Rule(Has.REPORT_ID, FIRES - NULLS["LOCAL_FIRE_REPORT_ID"], _by_source((1000, 600, 5, 2, 900, 5, 5))),
    Rule(Has.INCIDENT_ID, FIRES - NULLS["LOCAL_INCIDENT_ID"], _by_source((940, 5, 5, 640, 980, 450, 500))),
    Rule(
        Has.FIRE_CODE,
        FIRES - NULLS["FIRE_CODE"],
        _by_source((100, 100, 100, 1, 1, 5, 1), (960, 940, 980, 2, 2, 50, 2)),
    ),
    Rule(Has.NAME, FIRES - NULLS["FIRE_NAME"], _by_source((1000, 1000, 1000, 300, 600, 1000, 50))),
    Rule(Has.NA_LIKE_NAME, NA_LIKE_NAMES, _by_source((1, 1, 1, 5, 2, 1, 5)), within=Has.NAME),
    Rule(
        Has.DISCOVERY_TIME, FIRES - NULLS["DISCOVERY_TIME"], _by_source((1000, 990, 970, 360, 700, 1000, 300))
    ),
    Rule(Has.CONTAINMENT, FIRES - NULLS["CONT_DATE"], _by_source((1000, 970, 970, 365, 650, 300, 300))),
    Rule(
        Has.CONT_TIME,
        FIRES - NULLS["CONT_TIME"],
        _by_source((998, 995, 995, 840, 990, 800, 800)),
        within=Has.CONTAINMENT,
    ),
    Rule(Has.EMPTY_CONT_TIME, EMPTY_CONT_TIMES, _by_source((0, 0, 0, 1, 1, 0, 1)), within=Has.CONT_TIME),
    Rule(Has.COUNTY, FIRES - NULLS["COUNTY"], _by_source((450, 250, 400, 800, 50, 950, 900))),
    Rule(
        Has.ICS_209,
        FIRES - NULLS["ICS_209_NAME"],
        (0, 2, 12, 150, 400, 700, 920),
        by_class=True,
    ),
    Rule(Has.MTBS, FIRES - NULLS["MTBS_ID"], (0, 0, 0, 1, 40, 700, 950), by_class=True),
    Rule(
        Has.COMPLEX,
        FIRES - NULLS["COMPLEX_NAME"],
        (0, 90, 100, 150, 150, 250, 350),
        Has.ICS_209,
        by_class=True,
    ),
)


def deal(
    cells: array[int], classes: bytearray, profiles: bytearray, random: Callable[[], float]
) -> array[int]:
    """One Has value a row. Each rule's total (scaled to the rows) is met exactly, by selection sampling."""
    strata = _strata(cells, profiles)
    rules = _pools(len(cells), strata, classes)
    patterns = array("H", bytes(2 * len(cells)))
    for row, (stratum, size_class) in enumerate(zip(strata, classes, strict=True)):
        pattern = 0
        for value, within, by_class, pools in rules:
            if within and not pattern & within:
                continue
            pool = pools[size_class if by_class else stratum]
            left, picks = pool
            if picks and random() * left < picks:
                pattern |= value
                pool[1] = picks - 1
            pool[0] = left - 1
        patterns[row] = pattern
    return patterns


def _strata(cells: array[int], profiles: bytearray) -> bytearray:
    recent = [len(PROFILES) * (group.year >= FIRE_CODES_SINCE) for group in state_years() for _ in CAUSES]
    return bytearray(recent[cell] + profile for cell, profile in zip(cells, profiles, strict=True))


def _pools(rows: int, strata: bytearray, classes: bytearray) -> list[tuple[int, int, bool, list[list[int]]]]:
    """For each rule, [rows left, picks left] of every stratum."""
    by_stratum, by_class = Counter(strata), Counter(classes)
    everyone = {
        False: [by_stratum[s] for s in range(2 * len(PROFILES))],
        True: [by_class[c] for c in range(len(SIZE_CLASSES))],
    }
    picks_of: dict[Has, list[int]] = {}
    rules = []
    for rule in RULES:
        room = picks_of[rule.within] if rule.within else everyone[rule.by_class]
        total = min(scaled(rule.total, rows), sum(room))
        picks = apportion(total, [n * w for n, w in zip(room, rule.weights, strict=True)], room)
        picks_of[rule.value] = picks
        pools = [[n, pick] for n, pick in zip(room, picks, strict=True)]
        rules.append((int(rule.value), int(rule.within or 0), rule.by_class, pools))
    return rules


def scaled(total: int, rows: int) -> int:
    """`total` of all published fires, for `rows` fires: rounded half up."""
    return (2 * total * rows + FIRES) // (2 * FIRES)
