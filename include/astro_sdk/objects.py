"""An object of the lake as typed record batches, proven against its receipt before its first row is given."""

import csv
import gzip
import hashlib
import io
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO, cast

# Read once, when pyarrow is loaded: give freed memory back at once.
os.environ.setdefault("MIMALLOC_PURGE_DELAY", "0")

import pyarrow as pa
import pyarrow.csv
import pyarrow.json
import pyarrow.parquet
import zstandard

from include.report.committed import Committed, StoredObject
from include.report.errors import RunDamaged
from include.wildfires import WILDFIRE_TYPES

ROWS = 20_000  # of a record batch at the most: some 5 MB
_BLOCK = 1 << 20  # of text that is parsed at once, Arrow reads some ahead; no row may be longer
_COPY_BYTES = 1 << 20
_HEADER_BYTES = 1 << 16

_ARROW = {"string": pa.string(), "int64": pa.int64(), "double": pa.float64(), "boolean": pa.bool_()}
SCHEMA = pa.schema([(name, _ARROW[kind]) for name, kind in WILDFIRE_TYPES.items()])
_NAMES = set(SCHEMA.names)


@contextmanager
def proven(stored: StoredObject, source: BinaryIO) -> Iterator[BinaryIO]:
    """The object's bytes in a temporary file, once their number and SHA-256 are those of the receipt.

    A file, since a hash is known only at the end, and no row may count before that; Parquet is read from its
    end anyhow. Raises RunDamaged.
    """
    digest = hashlib.sha256()
    size = 0
    with tempfile.TemporaryFile(prefix="wildfire-lake-") as file:
        while piece := source.read(_COPY_BYTES):
            digest.update(piece)
            size += len(piece)
            file.write(piece)
        if (size, digest.hexdigest()) != (stored.bytes, stored.sha256):
            raise RunDamaged(
                f"{stored.key} has {size:,} bytes and SHA-256 {digest.hexdigest()}; the manifest says "
                f"{stored.bytes:,} and {stored.sha256}; the object was changed after the commit; nothing of "
                f"this run is loaded; copy the dataset again"
            )
        file.seek(0)
        yield cast(BinaryIO, file)


def batches(committed: Committed, stored: StoredObject, file: BinaryIO) -> Iterator[pa.RecordBatch]:
    """The object's rows, at most `ROWS` at once, typed by the contract: `0511` stays text.

    Null and empty text are told apart in every format; CSV's convention is that of PostgreSQL's COPY. Raises
    RunDamaged where header, values or the number of rows are not what the manifest says.
    """
    readers = {"csv": _csv, "ndjson": _ndjson, "parquet": _parquet}
    rows = 0
    try:
        for batch in readers[committed.format](stored, _plain(file, committed.compression)):
            for start in range(0, batch.num_rows, ROWS):
                yield batch.slice(start, ROWS)
            rows += batch.num_rows
    except (pa.ArrowException, OSError, EOFError, zstandard.ZstdError, UnicodeDecodeError) as error:
        raise RunDamaged(f"{stored.key} cannot be read as {committed.format}: {str(error)[:500]}") from error
    if rows != stored.rows:
        raise RunDamaged(f"{stored.key} holds {rows:,} rows; its receipt says {stored.rows:,}")


def _plain(file: BinaryIO, compression: str) -> BinaryIO:
    if compression == "gzip":
        return cast(BinaryIO, gzip.GzipFile(fileobj=file))
    if compression == "zstd":
        reader = zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True)
        return cast(BinaryIO, io.BufferedReader(cast(Any, reader), _COPY_BYTES))
    return file


def _csv(stored: StoredObject, file: BinaryIO) -> Iterator[pa.RecordBatch]:
    # Before any row: Arrow goes by position, so columns in another order would be swapped without a word.
    line = file.readline(_HEADER_BYTES).decode()
    _same_columns(stored, next(csv.reader([line]), []))
    yield from pyarrow.csv.open_csv(
        file,
        read_options=pyarrow.csv.ReadOptions(column_names=SCHEMA.names, block_size=_BLOCK, use_threads=False),
        parse_options=pyarrow.csv.ParseOptions(newlines_in_values=True),
        convert_options=pyarrow.csv.ConvertOptions(
            column_types=SCHEMA,
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
            true_values=["true"],
            false_values=["false"],
        ),
    )


def _ndjson(stored: StoredObject, file: BinaryIO) -> Iterator[pa.RecordBatch]:
    # Arrow refuses a key too many, and takes one that is missing for a null: the first row decides.
    buffered = io.BufferedReader(cast(Any, file), _HEADER_BYTES)
    line, end, _ = buffered.peek(_HEADER_BYTES).partition(b"\n")
    if end:
        names = _keys(line)
        _same_columns(stored, sorted(names, key=SCHEMA.get_field_index) if set(names) == _NAMES else names)
    yield from pyarrow.json.open_json(
        buffered,
        read_options=pyarrow.json.ReadOptions(block_size=_BLOCK, use_threads=False),
        parse_options=pyarrow.json.ParseOptions(
            explicit_schema=SCHEMA, newlines_in_values=False, unexpected_field_behavior="error"
        ),
    )


def _keys(line: bytes) -> list[str]:
    try:
        row = json.loads(line)
    except ValueError:
        row = None
    return list(row) if isinstance(row, dict) else []


def _parquet(stored: StoredObject, file: BinaryIO) -> Iterator[pa.RecordBatch]:
    reader = pyarrow.parquet.ParquetFile(file)
    _same_columns(stored, reader.schema_arrow.names)
    for batch in reader.iter_batches(batch_size=ROWS, use_threads=False):
        yield batch.cast(SCHEMA)


def _same_columns(stored: StoredObject, names: list[str]) -> None:
    if names != SCHEMA.names:
        missing = [name for name in SCHEMA.names if name not in names]
        extra = [name for name in names if name not in SCHEMA.names]
        how = f"missing {missing}, unexpected {extra}" if missing or extra else f"in another order: {names}"
        raise RunDamaged(
            f"{stored.key} has other columns than the manifest, {how[:500]}; "
            f"expected {', '.join(SCHEMA.names)}"
        )
