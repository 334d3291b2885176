"""An object read back: its bytes hashed, its rows counted by parsing, its columns compared."""

import csv
import hashlib
import io
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO, cast

from include.transfer.formats import FORMATS, compression
from include.transfer.formats.unreadable import Unreadable

_BLOCK = 1 << 20


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
    pieces: Iterator[bytes],
    format_: str,
    compressed: str,
    columns: Sequence[str],
    types: Mapping[str, str],
) -> Contents:
    """Read an object to its end. Raises Unreadable where it is not rows of `columns`.

    `types`: of a Parquet object's columns, as its receipt has them. Memory does not depend on the object's
    size; Parquet, which is read from its end, is kept in a temporary file meanwhile.
    """
    from zstandard import ZstdError

    stream = _Hashed(pieces)
    packed = cast(BinaryIO, io.BufferedReader(cast(Any, stream), _BLOCK))
    try:
        plain = compression.decompressed(packed, compressed)
        rows = FORMATS[format_].count_rows(plain, columns, types)
    except Unreadable:
        raise
    except (OSError, EOFError, ValueError, csv.Error, zlib.error, ZstdError) as error:
        raise Unreadable(f"cannot be read: {' '.join(str(error).split())[:200]}") from error
    while stream.read(_BLOCK):
        pass
    return Contents(stream.size, stream.digest.hexdigest(), rows)
