"""An object read back: its bytes hashed, its rows counted by parsing, its columns compared.

It shares no code with what wrote the object: csv, json and pyarrow read what the encoders made.
"""

import csv
import gzip
import hashlib
import io
import json
import tempfile
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO, cast

import zstandard

_BLOCK = 1 << 20
_LARGEST_FIELD = 64 << 20  # csv's own limit is 128 KB; a nested value is one field
_ARROW = {"string": "string", "int64": "int64", "double": "double", "boolean": "bool"}


class Unreadable(Exception):
    """The bytes are not what the object's name says; the text says where and why."""


@dataclass(frozen=True)
class Contents:
    """What an object holds."""

    bytes: int
    sha256: str
    rows: int


class _Hashed(io.RawIOBase):
    """Pieces as a stream that counts and hashes what is read through it."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self.size = 0
        self.digest = hashlib.sha256()
        self._pieces = pieces
        self._held = memoryview(b"")

    def close(self) -> None:
        """Not by whoever buffers it: what is left is read, and hashed, after the rows."""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        into = cast(memoryview, buffer)
        if not self._held:
            self._held = memoryview(next(self._pieces, b""))
        data, self._held = self._held[: len(into)], self._held[len(into) :]
        into[: len(data)] = data
        self.size += len(data)
        self.digest.update(data)
        return len(data)


def read_back(
    pieces: Iterator[bytes], key: str, columns: Sequence[str], types: Mapping[str, str]
) -> Contents:
    """Read an object to its end. Raises Unreadable where it is not rows of `columns`.

    `types`: of a Parquet object's columns, as its receipt has them. Memory does not depend on the object's
    size; Parquet, which is read from its end, is kept in a temporary file meanwhile.
    """
    stream = _Hashed(pieces)
    try:
        rows = _rows(stream, key, columns, types)
    except Unreadable:
        raise
    except (OSError, EOFError, ValueError, csv.Error, zlib.error, zstandard.ZstdError) as error:
        raise Unreadable(f"cannot be read: {' '.join(str(error).split())[:200]}") from error
    while stream.read(_BLOCK):
        pass
    return Contents(stream.size, stream.digest.hexdigest(), rows)


def _rows(stream: _Hashed, key: str, columns: Sequence[str], types: Mapping[str, str]) -> int:
    if key.endswith(".parquet"):
        return _parquet_rows(stream, columns, types)
    plain: io.BufferedReader[Any] = io.BufferedReader(_unpacked(stream, key), _BLOCK)
    name = key.removesuffix(".gz").removesuffix(".zst")
    return _csv_rows(plain, columns) if name.endswith(".csv") else _ndjson_rows(plain, columns)


def _unpacked(stream: _Hashed, key: str) -> io.RawIOBase:
    packed = cast(BinaryIO, io.BufferedReader(stream, _BLOCK))
    if key.endswith(".gz"):
        return cast(io.RawIOBase, gzip.GzipFile(fileobj=packed))
    if key.endswith(".zst"):
        reader = zstandard.ZstdDecompressor().stream_reader(packed, read_across_frames=True)
        return cast(io.RawIOBase, reader)
    return stream


def _csv_rows(plain: "io.BufferedReader[Any]", columns: Sequence[str]) -> int:
    csv.field_size_limit(_LARGEST_FIELD)
    lines = csv.reader(io.TextIOWrapper(plain, encoding="utf-8", newline=""), strict=True)
    header, width, rows = next(lines, []), len(columns), 0
    if header != list(columns):
        raise Unreadable(f"its header is {', '.join(header)[:200]!r}; expected {', '.join(columns)[:200]!r}")
    for rows, line in enumerate(lines, 1):
        if len(line) != width and (line or width != 1):  # of one column, a null is an empty line
            raise Unreadable(f"row {rows - 1:,} of it has {len(line)} fields; expected {width}")
    return rows


def _ndjson_rows(plain: Iterable[bytes], columns: Sequence[str]) -> int:
    names, rows = set(columns), 0
    for rows, line in enumerate(plain, 1):
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise Unreadable(f"row {rows - 1:,} of it is not JSON: {error}; expected an object") from error
        if not isinstance(row, dict) or set(row) != names:
            raise Unreadable(f"row {rows - 1:,} of it has other columns than {', '.join(columns)[:200]}")
    return rows


def _parquet_rows(stream: _Hashed, columns: Sequence[str], types: Mapping[str, str]) -> int:
    import pyarrow.parquet as pq  # 45 MB that the other formats do not need

    with tempfile.TemporaryFile() as file:
        while block := stream.read(_BLOCK):
            file.write(block)
        reader = pq.ParquetFile(file)
        held = {field.name: str(field.type) for field in reader.schema_arrow}
        if list(held) != list(columns):
            raise Unreadable(f"its columns are {', '.join(held)[:200]}; expected {', '.join(columns)[:200]}")
        for name, kind in types.items():
            if held.get(name) != _ARROW.get(kind):
                raise Unreadable(f"its column {name} is of {held.get(name)}; expected {kind}")
        return sum(batch.num_rows for batch in reader.iter_batches())
