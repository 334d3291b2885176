"""Loading the real data: the FPA-FOD, 4th edition, as SQLite (table Fires) or as CSV."""

import contextlib
import csv
import json
import math
import sqlite3
from collections.abc import Generator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from include.wildfires import WILDFIRE_TYPES
from services.wildfires_api.snapshot import Meta, SnapshotError
from services.wildfires_api.snapshot_writer import SnapshotWriter

SQLITE_MAGIC = b"SQLite format 3\0"
TABLE = "Fires"
DROPPED = ("OBJECTID", "Shape")  # row number and geometry BLOB: FOD_ID and the coordinates say the same
ROWS_PER_BLOCK = 5_000

# Not orjson, which writes an infinite number as null.
_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


class SchemaMismatch(SnapshotError):
    """The file's columns are not those of the FPA-FOD, 4th edition."""

    def __init__(self, where: str, missing: Sequence[str], unknown: Sequence[str]) -> None:
        self.missing, self.unknown = missing, unknown
        problems = [f"{what} {', '.join(names)}" for what, names in vars(self).items() if names]
        super().__init__(
            f"{where} does not have the columns of the FPA-FOD, 4th edition: {'; '.join(problems)}.\n"
            "Load FPA_FOD_20170508 (doi 10.2737/RDS-2013-0009.4); other editions have other columns."
        )


def load(file: Path, folder: Path) -> Meta:
    """Write a snapshot from `file`. Values keep SQLite's types: text stays text (`0511`), null stays null.

    In a CSV an empty field is a null and numbers are read by their column. SQLite rows are ordered by FOD_ID,
    CSV rows keep the file's order. Raises SnapshotError, SchemaMismatch for the columns of another edition.
    """
    if not file.is_file():
        raise SnapshotError(f"No file {file}. Give the FPA-FOD's SQLite file, or a CSV with its columns.")
    with file.open("rb") as opened:
        is_sqlite = opened.read(len(SQLITE_MAGIC)) == SQLITE_MAGIC
    source = {"kind": "loaded", "file": file.name}
    with (
        contextlib.closing(_sqlite_rows(file) if is_sqlite else _csv_rows(file)) as rows,
        SnapshotWriter(folder, WILDFIRE_TYPES, source) as writer,
    ):
        while block := list(islice(rows, ROWS_PER_BLOCK)):
            writer.write(b"".join(map(_encoded, block)))
    return writer.meta


def _check_columns(found: Sequence[str], where: str) -> None:
    missing = [name for name in WILDFIRE_TYPES if name not in found]
    unknown = [name for name in found if name not in (*WILDFIRE_TYPES, *DROPPED) or found.count(name) > 1]
    if missing or unknown:
        raise SchemaMismatch(where, missing, unknown)


def _encoded(row: dict[str, Any]) -> bytes:
    try:
        return f"{_encode(row)}\n".encode()
    except (TypeError, ValueError) as error:
        raise SnapshotError(
            f"JSON cannot hold a value of the row with FOD_ID {row['FOD_ID']}: {error}."
        ) from error


def _sqlite_rows(file: Path) -> Generator[dict[str, Any]]:
    try:
        with contextlib.closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as database:
            found = [name for _, name, *_ in database.execute(f"PRAGMA table_info({TABLE})")]
            _check_columns(found, f"Table {TABLE} of {file}")
            chosen = ", ".join(WILDFIRE_TYPES)
            for values in database.execute(f"SELECT {chosen} FROM {TABLE} ORDER BY FOD_ID"):  # noqa: S608 (constants)
                yield dict(zip(WILDFIRE_TYPES, values, strict=True))
    except sqlite3.Error as error:
        raise SnapshotError(f"Cannot read {file} as SQLite: {error}. Is the download complete?") from error


def _csv_rows(file: Path) -> Generator[dict[str, Any]]:
    try:
        with file.open(encoding="utf-8-sig", newline="") as opened:
            lines = csv.reader(opened)
            header = next(lines, [])
            _check_columns(header, str(file))
            kept = [(name, header.index(name)) for name in WILDFIRE_TYPES]
            for fields in lines:
                where = f"{file}, line {lines.line_num}"
                if len(fields) != len(header):
                    raise SnapshotError(
                        f"{where} has {len(fields)} of {len(header)} fields. Is the file cut?"
                    )
                yield {name: _value(name, fields[at], where) for name, at in kept}
    except (UnicodeDecodeError, csv.Error) as error:
        raise SnapshotError(f"{file} is neither SQLite nor a CSV in UTF-8: {error}.") from error


def _value(column: str, text: str, where: str) -> str | float | None:
    kind = WILDFIRE_TYPES[column]
    if text == "":
        return None
    if kind == "string":
        return text
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    # pandas writes whole numbers beside nulls as 33.0, R writes large ones as 322e3.
    if not math.isfinite(number) or (kind == "int64" and not number.is_integer()):
        raise SnapshotError(f"{where}: {column} is {text!r}, not a value of type {kind}.")
    return int(number) if kind == "int64" else number
