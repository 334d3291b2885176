"""Loading the real data: the FPA-FOD, 4th edition, as SQLite (table Fires) or as CSV."""

import contextlib
import csv
import math
import sqlite3
from collections.abc import Callable, Generator, Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from services.wildfires_api.dataset import Meta
from services.wildfires_api.errors import DatasetError, SchemaMismatch
from services.wildfires_api.generator.published import COLUMNS
from services.wildfires_api.writer import DatasetWriter, encode_row

SQLITE_MAGIC = b"SQLite format 3\0"
TABLE = "Fires"
DROPPED = ("OBJECTID", "Shape")  # row number and geometry BLOB: FOD_ID and the coordinates say the same
INTEGERS = {"FOD_ID", "FIRE_YEAR", "DISCOVERY_DOY", "CONT_DOY"}
REALS = {"DISCOVERY_DATE", "STAT_CAUSE_CODE", "CONT_DATE", "FIRE_SIZE", "LATITUDE", "LONGITUDE", "OWNER_CODE"}
ROWS_PER_BLOCK = 5_000


def load(file: Path, folder: Path, progress: Callable[[int], object] = lambda rows: None) -> Meta:
    """Write a dataset from `file`. Values keep SQLite's types: text stays text (`0511`), null stays null.

    In a CSV an empty field is a null and numbers are read by their column. SQLite rows are ordered by FOD_ID,
    CSV rows keep the file's order. Raises DatasetError, or SchemaMismatch for the columns of another edition.
    """
    if not file.is_file():
        raise DatasetError(
            f"There is no file {file}. Give the FPA-FOD's SQLite file, or a CSV with its columns."
        )
    with file.open("rb") as opened:
        is_sqlite = opened.read(len(SQLITE_MAGIC)) == SQLITE_MAGIC
    rows = _sqlite_rows(file) if is_sqlite else _csv_rows(file)
    with (
        contextlib.closing(rows),
        DatasetWriter(folder, COLUMNS, {"kind": "loaded", "file": file.name}) as writer,
    ):
        while block := list(islice(rows, ROWS_PER_BLOCK)):
            writer.write(b"".join(map(_encoded, block)))
            progress(len(block))
    return writer.meta


def check_columns(found: Sequence[str], where: str) -> None:
    """Raises SchemaMismatch, naming every missing and unknown column."""
    missing = [name for name in COLUMNS if name not in found]
    unknown = [name for name in found if name not in (*COLUMNS, *DROPPED)]
    repeated = sorted({name for name in found if found.count(name) > 1})
    problems = [
        f"{what}: {', '.join(names)}"
        for what, names in (("missing", missing), ("unknown", unknown), ("repeated", repeated))
        if names
    ]
    if problems:
        raise SchemaMismatch(
            f"{where} does not have the columns of the FPA-FOD, 4th edition (1992-2015).\n  "
            + "\n  ".join(problems)
            + "\nOther editions have other columns: load FPA_FOD_20170508 (doi 10.2737/RDS-2013-0009.4)."
        )


def _encoded(row: dict[str, Any]) -> bytes:
    try:
        return encode_row(row)
    except (TypeError, ValueError) as error:
        raise DatasetError(
            f"The row with FOD_ID {row['FOD_ID']} holds a value that JSON cannot: {error}."
        ) from error


def _sqlite_rows(file: Path) -> Generator[dict[str, Any]]:
    try:
        with contextlib.closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as database:
            found = [name for _, name, *_ in database.execute(f"PRAGMA table_info({TABLE})")]
            if not found:
                raise SchemaMismatch(f"{file} has no table {TABLE}; the FPA-FOD's SQLite file has one.")
            check_columns(found, f"Table {TABLE} of {file}")
            chosen = ", ".join(COLUMNS)
            for values in database.execute(f"SELECT {chosen} FROM {TABLE} ORDER BY FOD_ID"):  # noqa: S608 (constants)
                yield dict(zip(COLUMNS, values, strict=True))
    except sqlite3.Error as error:
        raise DatasetError(f"{file} cannot be read as SQLite: {error}. Is the download complete?") from error


def _csv_rows(file: Path) -> Generator[dict[str, Any]]:
    try:
        with file.open(encoding="utf-8-sig", newline="") as opened:
            lines = csv.reader(opened)
            header = next(lines, [])
            check_columns(header, str(file))
            kept = [(header.index(name), name, _reader(name)) for name in COLUMNS]
            for fields in lines:
                yield _csv_row(fields, kept, len(header), f"{file}, line {lines.line_num}")
    except (UnicodeDecodeError, csv.Error) as error:
        raise DatasetError(f"{file} is neither SQLite nor a CSV in UTF-8: {error}.") from error


def _csv_row(
    fields: list[str], kept: Iterable[tuple[int, str, Callable[[str], Any]]], width: int, where: str
) -> dict[str, Any]:
    if len(fields) != width:
        raise DatasetError(f"{where} has {len(fields)} fields, {width} expected. Is the file cut?")
    row = {}
    for at, name, read in kept:
        text = fields[at]
        try:
            row[name] = None if text == "" else read(text)
        except ValueError as error:
            raise DatasetError(f"{where}: {name} is {text!r}, {error}.") from error
    return row


def _reader(column: str) -> Callable[[str], Any]:
    if column in INTEGERS:
        return _integer
    return _real if column in REALS else str


def _real(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ValueError("a number is expected")
    return value


def _integer(text: str) -> int:
    # pandas writes whole numbers beside nulls as 33.0, R writes large ones as 322e3.
    value = _real(text)
    if not value.is_integer():
        raise ValueError("a whole number is expected")
    return int(value)
