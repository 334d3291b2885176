"""Generated rows: the same everywhere, consistent in themselves, and as odd as the real ones."""

import re
from collections import Counter
from collections.abc import Callable
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from include.wildfires import WILDFIRE_TYPES
from services.wildfires_api.fpa_fod import CAUSES, CLASS_BOUNDS, FIRES, NULLS, OWNERS, SIZE_CLASSES
from services.wildfires_api.generator import fires, generate
from services.wildfires_api.generator.frequencies import BOXES, STATES
from services.wildfires_api.snapshot import SnapshotError
from tests.real_fires import real_fires

GOLDEN_VERSION = "e67769943f626237"  # of 1,000 rows with seed 0: changes with any byte of them
TOGETHER = (
    ("COUNTY", "FIPS_CODE", "FIPS_NAME"),
    ("ICS_209_INCIDENT_NUMBER", "ICS_209_NAME"),
    ("MTBS_ID", "MTBS_FIRE_NAME"),
    ("CONT_DATE", "CONT_DOY"),
)
TYPES = {"int64": int, "double": float, "string": str}
Row = dict[str, Any]


def test_the_bytes_never_change(tmp_path: Path) -> None:
    assert generate(1_000, tmp_path / "a").version == GOLDEN_VERSION


def test_another_seed_gives_other_rows(tmp_path: Path) -> None:
    assert generate(1_000, tmp_path / "a", seed=1).version != GOLDEN_VERSION


def test_rows_can_be_had_without_a_folder(rows: list[Row]) -> None:
    assert list(fires(20_000)) == rows


@pytest.mark.parametrize("count", [-1, FIRES + 1])
def test_more_rows_than_there_are_is_an_error(tmp_path: Path, count: int) -> None:
    with pytest.raises(SnapshotError, match=f"{count} rows"):
        generate(count, tmp_path / "a")


def test_no_rows_are_data_too(tmp_path: Path) -> None:
    assert generate(0, tmp_path / "a").count == 0


@pytest.mark.parametrize("real", [False, True], ids=["generated", "real"])
def test_every_row_has_all_columns_in_order_with_their_types(rows: list[Row], real: bool) -> None:
    for row in real_fires() if real else rows:
        assert list(row) == list(WILDFIRE_TYPES)
        for column, value in row.items():
            assert value is None or type(value) is TYPES[WILDFIRE_TYPES[column]], (column, value)


def test_ids_are_unique_and_grow_with_gaps(rows: list[Row]) -> None:
    ids = [row["FOD_ID"] for row in rows]
    assert all(before < after for before, after in pairwise(ids))
    assert ids[0] >= 1
    assert 200_000_000 < ids[-1] <= 300_348_399
    assert len({row["FPA_ID"] for row in rows}) == len(rows)


def test_columns_that_are_null_together(rows: list[Row]) -> None:
    for columns in TOGETHER:
        assert all(len({row[column] is None for column in columns}) == 1 for row in rows), columns


@pytest.mark.parametrize("column", WILDFIRE_TYPES)
def test_null_rates_are_the_published_ones(rows: list[Row], column: str) -> None:
    found = sum(row[column] is None for row in rows)
    assert abs(found - NULLS.get(column, 0) * len(rows) / FIRES) <= 1


def test_causes_owners_and_size_classes_match_their_codes(rows: list[Row]) -> None:
    for row in rows:
        assert row["STAT_CAUSE_DESCR"] == CAUSES[int(row["STAT_CAUSE_CODE"]) - 1]
        assert row["OWNER_DESCR"] == OWNERS[int(row["OWNER_CODE"])]
        low, high = CLASS_BOUNDS[SIZE_CLASSES.index(row["FIRE_SIZE_CLASS"])]
        assert low <= row["FIRE_SIZE"] <= high


def test_dates_agree_with_years_and_days(rows: list[Row]) -> None:
    for row in rows:
        found = date.fromordinal(int(row["DISCOVERY_DATE"] - 1_721_424.5))
        assert (found.year, found.timetuple().tm_yday) == (row["FIRE_YEAR"], row["DISCOVERY_DOY"])
        assert row["DISCOVERY_DATE"] % 1 == 0.5
        if row["CONT_DATE"] is not None:
            contained = date.fromordinal(int(row["CONT_DATE"] - 1_721_424.5))
            assert contained.timetuple().tm_yday == row["CONT_DOY"]
            assert row["CONT_DATE"] >= row["DISCOVERY_DATE"]


def test_no_fire_is_contained_before_it_is_found(rows: list[Row]) -> None:
    same_day = [
        r for r in rows if r["CONT_DATE"] == r["DISCOVERY_DATE"] and r["CONT_TIME"] and r["DISCOVERY_TIME"]
    ]
    assert len(same_day) > 1_000
    assert all(row["CONT_TIME"] >= row["DISCOVERY_TIME"] for row in same_day)


def test_fires_are_in_their_states_box(rows: list[Row]) -> None:
    for row in rows:
        south, north, west, east = BOXES[STATES.index(row["STATE"])]
        assert south <= row["LATITUDE"] <= north
        assert west <= row["LONGITUDE"] <= east


def _names(row: Row) -> str:
    return row["FIRE_NAME"] or ""


ODDITIES: dict[str, tuple[int, Callable[[Row], Any]]] = {
    "names that look like nulls": (20, lambda r: _names(r) in {"NA", "N/A", "NULL"}),
    "quotes in a name": (20, lambda r: '"' in _names(r)),
    "quotes, a comma and padding in one name": (5, lambda r: re.search(r'^".*,.*" +$', _names(r))),
    "names of digits with zeros before": (5, lambda r: re.fullmatch(r"0\d+", _names(r))),
    "padded names": (20, lambda r: _names(r).endswith("  ")),
    "padded source ids": (100, lambda r: r["FPA_ID"].endswith("  ")),
    "reporting units with zeros before": (500, lambda r: re.fullmatch(r"0\d{3}", r["SOURCE_REPORTING_UNIT"])),
    "reporting units with a space after": (50, lambda r: r["SOURCE_REPORTING_UNIT"].endswith(" ")),
    "times with zeros before": (100, lambda r: re.fullmatch(r"0\d{3}", r["DISCOVERY_TIME"] or "")),
    "FIPS codes with zeros before": (1_000, lambda r: re.fullmatch(r"0\d\d", r["FIPS_CODE"] or "")),
    "empty text beside nulls": (1, lambda r: r["CONT_TIME"] == ""),
    "counties as numbers": (500, lambda r: re.fullmatch(r"[1-9]\d*", r["COUNTY"] or "")),
    "counties in capitals": (500, lambda r: re.fullmatch(r"[A-Z. ]+", r["COUNTY"] or "")),
    "counties in mixed case": (1_000, lambda r: re.fullmatch(r"[A-Z][a-z]+", r["COUNTY"] or "")),
    "padded counties": (300, lambda r: (r["COUNTY"] or "").endswith("  ")),
    "no-break spaces": (1, lambda r: "\u00a0" in (r["COMPLEX_NAME"] or "")),
    "the smallest size there is": (1, lambda r: r["FIRE_SIZE"] == 1e-05),
    "coordinates with many digits": (50, lambda r: len(repr(r["LATITUDE"])) > 14),
}


@pytest.mark.parametrize("oddity", ODDITIES)
def test_oddities_of_the_real_data_are_there(rows: list[Row], oddity: str) -> None:
    at_least, is_odd = ODDITIES[oddity]
    assert sum(bool(is_odd(row)) for row in rows) >= at_least


def test_names_are_upper_case_and_at_most_50_characters(rows: list[Row]) -> None:
    names = [row["FIRE_NAME"] for row in rows if row["FIRE_NAME"] is not None]
    assert max(map(len, names)) <= 50
    assert all(name == name.upper() for name in names)
    assert Counter(names).most_common(1)[0][1] < len(names) / 50
