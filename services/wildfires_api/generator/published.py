"""The published figures of the FPA-FOD, 4th edition, which generated data reproduces.

Source: Short, K. C. 2017. Spatial wildfire occurrence data for the United States, 1992-2015
[FPA_FOD_20170508]. 4th edition. Fort Collins, CO: Forest Service Research Data Archive.
https://doi.org/10.2737/RDS-2013-0009.4 (public domain).

Fires per state, year and cause (`data/state_year.tsv`, with acres burned, rounded) and nulls per column were
counted in that file. They agree: its cells sum to the totals by year, state and cause.
The boxes of `data/states.tsv` hold the coordinates seen in samples of it; its columns per mille are shares
of federal services among a state's fires in a random sample, drawn towards zero where that is small.
"""

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FIRES = 1_880_465

COLUMNS = (
    "FOD_ID",
    "FPA_ID",
    "SOURCE_SYSTEM_TYPE",
    "SOURCE_SYSTEM",
    "NWCG_REPORTING_AGENCY",
    "NWCG_REPORTING_UNIT_ID",
    "NWCG_REPORTING_UNIT_NAME",
    "SOURCE_REPORTING_UNIT",
    "SOURCE_REPORTING_UNIT_NAME",
    "LOCAL_FIRE_REPORT_ID",
    "LOCAL_INCIDENT_ID",
    "FIRE_CODE",
    "FIRE_NAME",
    "ICS_209_INCIDENT_NUMBER",
    "ICS_209_NAME",
    "MTBS_ID",
    "MTBS_FIRE_NAME",
    "COMPLEX_NAME",
    "FIRE_YEAR",
    "DISCOVERY_DATE",
    "DISCOVERY_DOY",
    "DISCOVERY_TIME",
    "STAT_CAUSE_CODE",
    "STAT_CAUSE_DESCR",
    "CONT_DATE",
    "CONT_DOY",
    "CONT_TIME",
    "FIRE_SIZE",
    "FIRE_SIZE_CLASS",
    "LATITUDE",
    "LONGITUDE",
    "OWNER_CODE",
    "OWNER_DESCR",
    "STATE",
    "COUNTY",
    "FIPS_CODE",
    "FIPS_NAME",
)

CAUSES = (  # STAT_CAUSE_CODE is the position, from 1
    "Lightning",
    "Equipment Use",
    "Smoking",
    "Campfire",
    "Debris Burning",
    "Railroad",
    "Arson",
    "Children",
    "Miscellaneous",
    "Fireworks",
    "Powerline",
    "Structure",
    "Missing/Undefined",
)

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

# SQL NULLs; a column that is not named has none.
NULLS = {
    "LOCAL_FIRE_REPORT_ID": 1_459_286,
    "LOCAL_INCIDENT_ID": 820_821,
    "FIRE_CODE": 1_555_741,
    "FIRE_NAME": 957_157,  # published as 50.9 %: within a thousand rows
    "ICS_209_INCIDENT_NUMBER": 1_854_748,
    "ICS_209_NAME": 1_854_748,
    "MTBS_ID": 1_869_462,
    "MTBS_FIRE_NAME": 1_869_462,
    "COMPLEX_NAME": 1_875_282,
    "DISCOVERY_TIME": 882_638,
    "CONT_DATE": 891_531,
    "CONT_DOY": 891_531,
    "CONT_TIME": 972_173,
    "COUNTY": 678_148,
    "FIPS_CODE": 678_148,
    "FIPS_NAME": 678_148,
}
# After a round trip through CSV more values are missing than in SQLite. That the surplus is text which looks
# like a null, and empty text in CONT_TIME, is inferred.
NA_LIKE_NAMES = 3_322
EMPTY_CONT_TIMES = 380

DATA = Path(__file__).parent / "data"


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
    rows = table("state_year")
    return tuple(
        StateYear(
            row["state"],
            int(row["year"]),
            int(row["acres"]),
            tuple(int(row[f"cause_{c}"]) for c in range(1, 14)),
        )
        for row in rows
    )


def table(name: str) -> list[dict[str, str]]:
    """The rows of one of the package's tab-separated files."""
    with (DATA / f"{name}.tsv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


# FOD_ID at the published quartiles (minimum, 25 %, 50 %, 75 %, maximum).
FOD_ID_QUARTILES = (1, 505_500, 1_067_761, 19_106_390, 300_348_399)
