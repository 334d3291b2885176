"""Columns of numbers and times for a block of the frame."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import numpy as np

from services.wildfires_api.fpa_fod import CLASS_BOUNDS, FOD_ID_QUARTILES
from services.wildfires_api.generator import frequencies as seen
from services.wildfires_api.generator.frame import STATE_OF_GROUP, YEAR_OF_GROUP, Floats, Frame
from services.wildfires_api.generator.quotas import Integers

Columns = dict[str, Sequence[Any]]

USUAL_ACRES_SHARE = np.array((0.97, 0.85, 0.75, 0.6, 0.45, 0.3, 0))  # by size class
EMPTY_TIME_SHARE = 0.0004  # of CONT_TIME, beside nulls
FIRST_YEAR, MINUTES_A_DAY = 1992, 24 * 60
JULIAN_DAY_OF_ORDINAL_ZERO = 1_721_424.5  # Julian day minus proleptic Gregorian ordinal
MONTH_STARTS = np.array(  # proleptic ordinals of a year's months and of the next year's first day
    [
        [date(year + month // 12, month % 12 + 1, 1).toordinal() for month in range(13)]
        for year in range(FIRST_YEAR, 2016)
    ]
)
CLOCK = [f"{minute // 60:02}{minute % 60:02}" for minute in range(MINUTES_A_DAY)]


def fod_ids(block: Frame, draws: seen.Draws) -> list[int]:
    """Ids that grow with the row, with gaps, along the published quartiles."""
    edges = np.arange(block.first, block.first + len(block) + 1)
    quarter, within = np.divmod(4 * edges, block.rows)
    quartiles = np.array((*FOD_ID_QUARTILES, FOD_ID_QUARTILES[-1]))
    floors = quartiles[quarter] + np.diff(quartiles)[quarter] * within // block.rows
    return [*map(int, floors[:-1] + draws.below(np.maximum(np.diff(floors), 1)))]


def acres(block: Frame, draws: seen.Draws) -> Floats:
    """Sizes as people report them: mostly a few round figures, small ones likelier."""
    size_class, draw, skew = block.size_class, draws.uniform(), draws.uniform()
    usual = draws.choose(seen.USUAL_ACRES, size_class)
    low, high = np.array(CLASS_BOUNDS)[size_class].T
    exact = low + (high - low) * skew * skew
    exact = np.where((size_class == 0) | (draw > 0.98), np.round(exact, 2), np.round(exact, 1))
    exact = np.clip(exact, np.maximum(low, 0.01), high)
    small = np.where(draw < USUAL_ACRES_SHARE[size_class], usual, exact)
    return np.where(block.large_acres > 0, block.large_acres, small)


def coordinates(block: Frame, draws: seen.Draws) -> Columns:
    """Degrees inside the state's box; read in degrees, minutes and seconds, or with some decimals."""
    decimals = draws.choose(seen.DECIMALS)
    south, north, west, east = seen.BOXES[STATE_OF_GROUP[block.group]].T
    found = {}
    for name, low, high in (("LATITUDE", south, north), ("LONGITUDE", west, east)):
        # Two draws averaged: fewer fires along the edges of the box.
        exact = low + (high - low) * (draws.uniform() + draws.uniform()) / 2
        degrees = np.round(np.round(exact * 3600) / 3600, 8)
        for each in np.unique(decimals):
            chosen = (block.system > 0) & (decimals == each)
            degrees[chosen] = np.round(exact[chosen], each)
        found[name] = np.clip(degrees, low, high).tolist()
    return found


def dates(block: Frame, draws: seen.Draws) -> Columns:
    """Discovery, and containment, which is never before it."""
    starts = MONTH_STARTS[YEAR_OF_GROUP[block.group] - FIRST_YEAR]
    month, row = draws.choose(seen.MONTHS, block.cause), np.arange(len(block))
    day = starts[row, month] + draws.below(starts[row, month + 1] - starts[row, month])
    minute = _minutes(draws)
    ended = day + draws.choose(seen.DAYS_TO_CONTAINMENT, block.size_class)
    later = minute + 5 * draws.below(48)
    same_day = np.where(later < MINUTES_A_DAY, later, minute)
    ended_minute = np.where(ended > day, _minutes(draws), same_day).tolist()
    ended_start = np.where(ended < starts[:, 12], starts[:, 0], starts[:, 12])
    is_empty = (draws.uniform() < EMPTY_TIME_SHARE).tolist()
    return {
        "DISCOVERY_DATE": (day + JULIAN_DAY_OF_ORDINAL_ZERO).tolist(),
        "DISCOVERY_DOY": (day - starts[:, 0] + 1).tolist(),
        "DISCOVERY_TIME": [CLOCK[at] for at in minute.tolist()],
        "CONT_DATE": (ended + JULIAN_DAY_OF_ORDINAL_ZERO).tolist(),
        "CONT_DOY": (ended - ended_start + 1).tolist(),
        "CONT_TIME": ["" if empty else CLOCK[at] for at, empty in zip(ended_minute, is_empty, strict=True)],
    }


def _minutes(draws: seen.Draws) -> Integers:
    minutes: Integers = 60 * draws.choose(seen.HOURS) + draws.choose(seen.MINUTES)
    return minutes
