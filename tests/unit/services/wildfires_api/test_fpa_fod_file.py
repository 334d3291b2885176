"""Loading the real file, as SQLite or CSV, and refusing what is not it."""

import csv
import json
import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from include.wildfires import WILDFIRE_TYPES
from services.wildfires_api.fpa_fod import FIRES
from services.wildfires_api.fpa_fod_file import SchemaMismatch, load
from services.wildfires_api.snapshot import SnapshotError
from tests.project_files import PROJECT
from tests.real_fires import SAMPLE, real_fires

COLUMNS = tuple(WILDFIRE_TYPES)

FIRE: dict[str, Any] = dict.fromkeys(COLUMNS) | {
    "FOD_ID": 7,
    "FPA_ID": "FS-7",
    "SOURCE_REPORTING_UNIT": "0511",
    "FIRE_NAME": "NA",
    "COMPLEX_NAME": "ELK\u00a0COMPLEX",
    "FIRE_YEAR": 2005,
    "DISCOVERY_DATE": 2453403.5,
    "DISCOVERY_DOY": 33,
    "DISCOVERY_TIME": "0845",
    "STAT_CAUSE_CODE": 9.0,
    "CONT_DOY": 33,
    "CONT_TIME": "",
    "FIRE_SIZE": 1e-05,
    "LATITUDE": 40.03694444,
    "LONGITUDE": -121.00583333,
    "OWNER_CODE": 5.0,
    "STATE": "CA",
    "FIPS_CODE": "005",
}


def loaded(file: Path, tmp_path: Path) -> list[dict[str, Any]]:
    load(file, tmp_path / "out")
    return [json.loads(line) for line in (tmp_path / "out" / "rows.ndjson").read_bytes().splitlines()]


def sqlite_file(path: Path, columns: tuple[str, ...], *fires: dict[str, Any]) -> Path:
    with sqlite3.connect(path) as database:
        database.execute(f"CREATE TABLE Fires ({', '.join(columns)})")
        marks = ", ".join("?" * len(columns))
        database.executemany(
            f"INSERT INTO Fires VALUES ({marks})", [[fire.get(name) for name in columns] for fire in fires]
        )
    database.close()
    return path


def csv_file(path: Path, header: tuple[str, ...], *lines: list[str]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *lines])
    return path


def fields(**values: str) -> list[str]:
    numbers = {"FOD_ID": "7", "FIRE_YEAR": "2005", "FIRE_SIZE": "0.1"}
    return [(numbers | values).get(name, "") for name in COLUMNS]


def test_sqlite_values_keep_their_types_and_nulls(tmp_path: Path) -> None:
    shape = {"OBJECTID": 1, "Shape": b"\x00\x01\xad"}
    file = sqlite_file(tmp_path / "fires.sqlite", ("OBJECTID", *COLUMNS, "Shape"), FIRE | shape)
    assert loaded(file, tmp_path) == [FIRE]


def test_sqlite_rows_come_in_the_order_of_their_ids(tmp_path: Path) -> None:
    file = sqlite_file(tmp_path / "fires.sqlite", COLUMNS, *(FIRE | {"FOD_ID": n} for n in (9, 2, 5)))
    assert [row["FOD_ID"] for row in loaded(file, tmp_path)] == [2, 5, 9]


def test_a_database_without_the_table_is_refused(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "other.sqlite") as database:
        database.execute("CREATE TABLE Floods (x)")
    database.close()
    with pytest.raises(SchemaMismatch) as caught:
        load(tmp_path / "other.sqlite", tmp_path / "out")
    assert tuple(caught.value.missing) == COLUMNS


def test_a_cut_database_is_refused(tmp_path: Path) -> None:
    file = sqlite_file(tmp_path / "fires.sqlite", COLUMNS, *[FIRE] * 200)
    file.write_bytes(file.read_bytes()[:20_000])
    with pytest.raises(SnapshotError, match="as SQLite"):
        load(file, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_csv_text_stays_text_and_numbers_are_read(tmp_path: Path) -> None:
    line = fields(
        FOD_ID="322e3",
        SOURCE_REPORTING_UNIT="0511",
        FIRE_NAME='"VALLEY, F#83"   ',
        DISCOVERY_TIME="0845",
        CONT_DOY="33.0",
        STAT_CAUSE_CODE="9",
        FIRE_SIZE="1e-05",
    )
    (row,) = loaded(csv_file(tmp_path / "fires.csv", COLUMNS, line), tmp_path)
    assert row["FOD_ID"] == 322_000
    assert row["SOURCE_REPORTING_UNIT"] == "0511"
    assert row["FIRE_NAME"] == '"VALLEY, F#83"   '
    assert row["DISCOVERY_TIME"] == "0845"
    assert (row["CONT_DOY"], type(row["CONT_DOY"])) == (33, int)
    assert (row["STAT_CAUSE_CODE"], type(row["STAT_CAUSE_CODE"])) == (9.0, float)
    assert row["FIRE_SIZE"] == 1e-05
    assert row["COUNTY"] is None


def test_csv_columns_may_stand_in_any_order_and_with_what_is_dropped(tmp_path: Path) -> None:
    header = ("Shape", *reversed(COLUMNS), "OBJECTID")
    line = ["b'\\x00'", *reversed(fields()), "1"]
    (row,) = loaded(csv_file(tmp_path / "fires.csv", header, line), tmp_path)
    assert (tuple(row), row["FIRE_SIZE"]) == (COLUMNS, 0.1)


@pytest.mark.parametrize(
    ("line", "column"),
    [
        (fields(FIRE_SIZE="large"), "FIRE_SIZE is 'large'"),
        (fields(LATITUDE="nan"), "LATITUDE is 'nan'"),
        (fields(FIRE_YEAR="2005.5"), "FIRE_YEAR is '2005.5'"),
        (fields()[:-1], "36 of 37 fields"),
    ],
)
def test_a_wrong_csv_line_is_named(tmp_path: Path, line: list[str], column: str) -> None:
    with pytest.raises(SnapshotError, match=f"line 2.*{column}"):
        load(csv_file(tmp_path / "fires.csv", COLUMNS, line), tmp_path / "out")


def test_what_json_cannot_hold_is_refused(tmp_path: Path) -> None:
    file = sqlite_file(tmp_path / "fires.sqlite", COLUMNS, FIRE | {"FIRE_SIZE": float("inf")})
    with pytest.raises(SnapshotError, match="FOD_ID 7"):
        load(file, tmp_path / "out")


def test_the_6th_editions_columns_are_named(tmp_path: Path) -> None:
    with pytest.raises(SchemaMismatch) as caught:
        load(PROJECT / "tests/data/fpa_fod_6th_edition.csv", tmp_path / "out")
    assert {"STAT_CAUSE_CODE", "STAT_CAUSE_DESCR", "OWNER_CODE"} <= set(caught.value.missing)
    assert "NWCG_GENERAL_CAUSE" in caught.value.unknown
    assert "STATE" not in (*caught.value.missing, *caught.value.unknown)


def test_a_repeated_column_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SchemaMismatch) as caught:
        load(csv_file(tmp_path / "fires.csv", (*COLUMNS, "STATE")), tmp_path / "out")
    assert set(caught.value.unknown) == {"STATE"}


def test_a_file_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "fires.zip").write_bytes(b"PK\x03\x04\xff\xfe\x00")
    with pytest.raises(SnapshotError, match="neither SQLite nor a CSV"):
        load(tmp_path / "fires.zip", tmp_path / "out")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SnapshotError, match=r"none\.sqlite"):
        load(tmp_path / "none.sqlite", tmp_path / "out")


def test_real_records_keep_every_value(tmp_path: Path) -> None:
    assert loaded(SAMPLE, tmp_path) == real_fires()


def test_what_was_loaded_is_said_with_its_file_and_the_dois_edition(tmp_path: Path) -> None:
    meta = load(sqlite_file(tmp_path / "fires \u00e9.sqlite", COLUMNS, FIRE), tmp_path / "out")
    part, whole = meta.provenance, replace(meta, count=FIRES).provenance
    for said in (part, whole):
        assert said.isascii()
        assert "10.2737/RDS-2013-0009.4" in said
        assert "fires ?.sqlite" in said
    assert part.startswith("Rows of")
    assert whole.startswith("FPA-FOD")
