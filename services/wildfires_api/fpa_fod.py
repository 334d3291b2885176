"""The published figures of the FPA-FOD, 4th edition, which generated rows reproduce.

Source: Short, K. C. 2017. Spatial wildfire occurrence data for the United States, 1992-2015
[FPA_FOD_20170508]. 4th edition. Fort Collins, CO: Forest Service Research Data Archive.
https://doi.org/10.2737/RDS-2013-0009.4 (public domain).

Fires per state, year and cause (`data/state_year.tsv`, with acres burned, rounded) and nulls per column
(`data/nulls.tsv`) were counted in that file. They agree: cells sum to the totals by year, state and cause.
"""

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

DATA = Path(__file__).parent / "data"


def table(name: str) -> list[dict[str, str]]:
    """The rows of one of the package's tab-separated files."""
    with (DATA / f"{name}.tsv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


FIRES = 1_880_465
EDITION = "FPA-FOD, 4th edition (Short 2017, https://doi.org/10.2737/RDS-2013-0009.4)"
SIZE_CLASSES = "ABCDEFG"
# Whole numbers for the published shares (six decimals: each count is certain to within one fire).
FIRES_PER_CLASS = (666_919, 939_376, 220_077, 28_427, 14_107, 7_786, 3_773)
CLASS_BOUNDS = (  # acres, the smallest and the largest of each class
    (0.00001, 0.25),
    (0.26, 9.9),
    (10.0, 99.9),
    (100.0, 299.9),
    (300.0, 999.9),
    (1000.0, 4999.9),
    (5000.0, 606_945.0),
)
FOD_ID_QUARTILES = (1, 505_500, 1_067_761, 19_106_390, 300_348_399)  # minimum, 25 %, 50 %, 75 %, maximum
OWNERS = tuple(row["name"] for row in table("owners"))  # OWNER_DESCR by OWNER_CODE
CAUSES = tuple(table("state_year")[0])[3:]  # STAT_CAUSE_DESCR; STAT_CAUSE_CODE is the position, from 1
# SQL NULLs; a column that is not named has none. FIRE_NAME's are published as 50.9 %: within a thousand.
NULLS = {column: int(row["nulls"]) for row in table("nulls") for column in row["columns"].split()}


@dataclass(frozen=True)
class StateYear:
    """The fires of one state and year: acres burned, and fires per cause in the order of CAUSES."""

    state: str
    year: int
    acres: int
    fires: tuple[int, ...]


@cache
def state_years() -> tuple[StateYear, ...]:
    """All 1,214 pairs of a state and a year with fires, sorted; their fires sum to FIRES."""
    return tuple(
        StateYear(
            row["state"], int(row["year"]), int(row["acres"]), tuple(int(row[cause]) for cause in CAUSES)
        )
        for row in table("state_year")
    )
