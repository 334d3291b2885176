"""From rows to the bytes of an object: CSV, NDJSON or Parquet, compressed or not.

Null and empty: NDJSON and Parquet keep every value. CSV writes null as nothing (`a,,b`) and an empty string
as two quotes (`a,"",b`), as PostgreSQL's COPY reads them; text, numbers and dates are written as the API sent
them, booleans as `true` and `false`, nested values as JSON text.
"""

import csv
import gzip
import io
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any, Protocol

import orjson

from include.transfer.dataset import Dataset
from include.transfer.schema.columns import Columns, json_text
from include.transfer.source.json_rows import Block

# What the C writer writes as it should: booleans and nested values are not among it.
_SIMPLE = {str, int, float, type(None)}
_GZIP_LEVEL = 6
_ZSTD_LEVEL = 3


class Encoder(Protocol):
    """Turns blocks into bytes; `start` and `end` frame them."""

    def start(self) -> bytes: ...
    def block(self, block: Block) -> bytes: ...
    def end(self) -> bytes: ...


def encode(blocks: Iterable[Block], columns: Columns, dataset: Dataset) -> Iterator[bytes]:
    """The object's bytes, piece by piece; a batch without rows gives an object that is empty but valid."""
    return _compressed(_encoded(blocks, columns, dataset), dataset.compression)


def _encoded(blocks: Iterable[Block], columns: Columns, dataset: Dataset) -> Iterator[bytes]:
    encoder: Encoder | None = None
    for block in blocks:
        if encoder is None:
            columns.learn(block)
            encoder = _encoder(columns, dataset)
            yield encoder.start()
        yield encoder.block(block)
    if encoder is None:
        encoder = _encoder(columns, dataset)
        yield encoder.start()
    yield encoder.end()


def _encoder(columns: Columns, dataset: Dataset) -> Encoder:
    if dataset.format == "csv":
        return Csv(columns)
    if dataset.format == "ndjson":
        return Ndjson(columns)
    from include.transfer.formats.parquet import Parquet  # 45 MB and 0.1 s that the other formats do not need

    return Parquet(columns)


class Csv:
    """RFC 4180 with `\\n` line ends and a header line."""

    def __init__(self, columns: Columns) -> None:
        self._columns = columns

    def start(self) -> bytes:
        names = self._columns.names
        return (",".join(map(csv_field, names)) + "\n").encode() if names else b""

    def block(self, block: Block) -> bytes:
        values = self._columns.values(block)
        if len(self._columns.names) == 1:
            return "".join(f"{_lone_field(value)}\n" for (value,) in values).encode()
        text = _quickly(values) if set(map(type, chain.from_iterable(values))) <= _SIMPLE else None
        return ("".join(map(_line, values)) if text is None else text).encode()

    def end(self) -> bytes:
        return b""


def _quickly(rows: Sequence[tuple[Any, ...]]) -> str | None:
    """Lines by the C writer, which takes a third of the time; None where it would write them wrong.

    It cannot tell an empty text from null, so rows with one are written apart. Before Python 3.13 it leaves
    carriage returns bare, which is seen in what it wrote.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    start = 0
    for number in [number for number, row in enumerate(rows) if "" in row]:
        writer.writerows(rows[start:number])
        text.write(_line(rows[number]))
        start = number + 1
    writer.writerows(rows[start:] if start else rows)
    lines = text.getvalue()
    return None if "\r" in lines else lines


def _line(row: tuple[Any, ...]) -> str:
    return ",".join(map(csv_field, row)) + "\n"


def csv_field(value: Any) -> str:
    """One value as CSV text."""
    if value is None:
        return ""
    if isinstance(value, str):
        if value == "" or any(mark in value for mark in ',"\r\n'):
            return '"' + value.replace('"', '""') + '"'
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return csv_field(json_text(value)) if isinstance(value, dict | list) else str(value)


def _lone_field(value: Any) -> str:
    """The only value of a line: a bare backslash and dot there end the data for PostgreSQL's COPY."""
    return '"\\."' if value == "\\." else csv_field(value)


class Ndjson:
    """One JSON object a line, values as they came."""

    def __init__(self, columns: Columns) -> None:
        self._columns = columns

    def start(self) -> bytes:
        return b""

    def block(self, block: Block) -> bytes:
        self._columns.values(block)
        try:
            return b"".join([orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in block.rows])
        except TypeError:  # an integer of more than 64 bits, or deep nesting
            return b"".join(map(_json_line, block.rows))

    def end(self) -> bytes:
        return b""


def _json_line(row: dict[str, Any]) -> bytes:
    """Row by row, so that the same row gives the same bytes whatever its neighbours are."""
    try:
        return orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE)
    except TypeError:
        return f"{json_text(row)}\n".encode()


def _compressed(pieces: Iterator[bytes], compression: str) -> Iterator[bytes]:
    if compression == "none":
        return pieces
    return _gzipped(pieces) if compression == "gzip" else _zstandard(pieces)


def _gzipped(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Without name and time in its header, so that the same rows give the same bytes."""
    out = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", compresslevel=_GZIP_LEVEL, fileobj=out, mtime=0) as file:
        for piece in pieces:
            file.write(piece)
            yield out.getvalue()
            out.seek(0)
            out.truncate()
    yield out.getvalue()


def _zstandard(pieces: Iterator[bytes]) -> Iterator[bytes]:
    import zstandard

    compressor = zstandard.ZstdCompressor(level=_ZSTD_LEVEL, write_checksum=True).compressobj()
    for piece in pieces:
        yield compressor.compress(piece)
    yield compressor.flush()
