"""What objects say, independent of their bytes: so that different ways to write rows can be compared.

Every value of every row becomes text, numbers as the double they are; the texts are hashed. Read with Arrow,
which none of the copy's own code for CSV and NDJSON uses. CSV alone cannot tell null from empty in every
way's hands, so there the two count as one.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.json
import pyarrow.parquet

from include.wildfires import WILDFIRE_TYPES
from services.local.errors import StackError

BLOCK_BYTES = 8 << 20
BLOCK_ROWS = 20_000
_NULL = "\x00"  # control characters: no text of the rows holds them
_BETWEEN, _END = (pa.scalar(mark, pa.large_string()) for mark in "\x1f\x1e")
SCHEMA = pa.schema(
    [(name, pa.string() if kind == "string" else pa.float64()) for name, kind in WILDFIRE_TYPES.items()]
)


class WrongCopy(StackError):
    """A way moved other rows than the source has: its figures mean nothing."""


@dataclass(frozen=True)
class Content:
    rows: int
    sha256: str


def content(files: Iterable[tuple[Path, str]], *, ordered: bool = True) -> Content:
    """Rows and hash of (path, format) in turn; without `ordered`, of the rows however they lie.

    Formats that differ in what null is give different hashes: see `source_content`.
    """
    texts = (_texts(batch, format) for path, format in files for batch in _batches(path, format))
    return _hashed(texts, ordered=ordered)


def source_content(blocks: Iterable[bytes], format: str, *, ordered: bool = True) -> Content:
    """The same of the source's rows, NDJSON in blocks of whole lines, as `format` must hold them."""
    return _hashed((_texts(batch, format) for block in blocks for batch in _ndjson(block)), ordered=ordered)


def _hashed(texts: Iterable[pa.StringArray], *, ordered: bool) -> Content:
    if not ordered:
        whole = pa.concat_arrays([pa.array([], pa.large_string()), *texts])
        texts = [whole.take(pc.sort_indices(whole))]
    digest, rows = hashlib.sha256(), 0
    for text in texts:
        _, offsets, data = text.buffers()
        ends = memoryview(offsets).cast("q")
        digest.update(memoryview(data)[ends[text.offset] : ends[text.offset + len(text)]])
        rows += len(text)
    return Content(rows, digest.hexdigest())


def _texts(batch: pa.RecordBatch, format: str) -> pa.LargeStringArray:
    """One text a row."""
    null = "" if format == "csv" else _NULL
    columns = [
        pc.fill_null(batch.column(name).cast(field_type(name)).cast(pa.large_string()), null)
        for name in SCHEMA.names
    ]
    return pc.binary_join_element_wise(*columns, _END, _BETWEEN)


def field_type(name: str) -> pa.DataType:
    return SCHEMA.field(name).type


def _batches(path: Path, format: str) -> Iterator[pa.RecordBatch]:
    if format == "parquet":
        with pa.parquet.ParquetFile(path) as file:
            yield from file.iter_batches(BLOCK_ROWS, columns=SCHEMA.names)
    elif format == "ndjson":
        with path.open("rb") as file:
            for block in _whole_lines(file):
                yield from _ndjson(block)
    else:
        yield from _csv(path)


def _csv(path: Path) -> Iterator[pa.RecordBatch]:
    with pa.csv.open_csv(
        path,
        read_options=pa.csv.ReadOptions(block_size=BLOCK_BYTES),
        parse_options=pa.csv.ParseOptions(newlines_in_values=True),
        convert_options=pa.csv.ConvertOptions(
            column_types=SCHEMA, include_columns=SCHEMA.names, null_values=[""], strings_can_be_null=False
        ),
    ) as reader:
        yield from reader


def _whole_lines(file: io.BufferedReader) -> Iterator[bytes]:
    while block := file.read(BLOCK_BYTES):
        yield block + file.readline()


def _ndjson(block: bytes) -> list[pa.RecordBatch]:
    options = pa.json.ParseOptions(explicit_schema=SCHEMA, unexpected_field_behavior="ignore")
    return pa.json.read_json(
        io.BytesIO(block), pa.json.ReadOptions(block_size=len(block) + 1), options
    ).to_batches()
