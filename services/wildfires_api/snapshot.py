"""Reading a snapshot folder: rows.ndjson (one JSON object a line), rows.idx (offsets) and meta.json.

dates.idx (dates.py) is opened beside them.
"""

import json
import mmap
import os
import random
import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from services.wildfires_api.fpa_fod import EDITION, FIRES

ROWS, INDEX, DATES, META = "rows.ndjson", "rows.idx", "dates.idx", "meta.json"
OFFSET = np.dtype("<u8")
ENTRY = np.dtype("<i4")  # of dates.idx: the day since 1970, the row's number
CHUNK_BYTES = 512 * 1024
SMALL_ROWS = 20_000
Integers = npt.NDArray[np.integer[Any]]


class SnapshotError(Exception):
    """What is wrong with a folder, a file to load or a request to generate, and what to do."""


class SnapshotMissing(SnapshotError):
    """The folder holds no snapshot."""


@dataclass(frozen=True)
class Meta:
    """What meta.json says: rows, rows of the small part, content version, column names, provenance."""

    count: int
    small: int
    version: str
    columns: tuple[str, ...]
    source: dict[str, Any]
    created: str

    @property
    def provenance(self) -> str:
        """What the rows are: generated, or of a file; ASCII, as a header takes it."""
        if self.source.get("kind") == "generated":
            seed = f" (seed {self.source['seed']})" if "seed" in self.source else ""
            return f"Generated rows, not real fires{seed}"
        file = str(self.source.get("file", "an unnamed file")).encode("ascii", "replace").decode()
        if self.count == FIRES:
            return f"{EDITION}, all {FIRES:,} fires of {file}"
        return f"Rows of {file} in the columns of the {EDITION}"

    @classmethod
    def read(cls, path: Path) -> "Meta":
        """Raises SnapshotMissing, or SnapshotError for a file of something else."""
        try:
            found = json.loads(path.read_bytes())
            return cls(**(found | {"columns": tuple(found["columns"])}))
        except (FileNotFoundError, NotADirectoryError):
            command = "python -m services.wildfires_api"
            raise SnapshotMissing(
                f"No data in {path.parent}: {path.name} is missing. Generate rows or load the real file:\n"
                f"  {command} generate --rows 20000 --out {path.parent}\n"
                f"  {command} load FPA_FOD_20170508.sqlite --out {path.parent}"
            ) from None
        except (ValueError, TypeError, KeyError) as error:
            raise SnapshotError(f"Cannot read {path}: {error}. Generate or load the data again.") from error


class Snapshot:
    """One opened version of the data.

    Its files stay open until the last response that reads them is done, so replacing the folder never
    disturbs a response under way. Rows are read by pread, only their indexes are mapped: memory stays flat.
    """

    def __init__(self, folder: Path) -> None:
        """Raises SnapshotMissing, or SnapshotError when the files do not belong together."""
        self.meta = Meta.read(folder / META)
        try:
            index_bytes = (folder / INDEX).stat().st_size
            self._check_size(folder / INDEX, index_bytes, (self.meta.count + 1) * OFFSET.itemsize)
            self._index = _mapped(folder / INDEX, OFFSET)
            self._rows = os.open(folder / ROWS, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise SnapshotError(f"{folder} is incomplete: {error}. Generate or load it again.") from error
        weakref.finalize(self, os.close, self._rows)
        there = (folder / DATES).exists()
        self.dates = _mapped(folder / DATES, ENTRY).reshape(-1, 2) if there else None
        self._check_size(folder / ROWS, os.fstat(self._rows).st_size, self.offset(self.meta.count))

    def _check_size(self, path: Path, found: int, expected: int) -> None:
        if found != expected:
            raise SnapshotError(
                f"{path} has {found} bytes, but {self.meta.count} rows need {expected}. "
                "Generate or load it again."
            )

    def offset(self, row: int) -> int:
        """The byte at which row number `row` begins; `count` gives the end of the file."""
        return int(self._index[row])

    def byte_range(self, start: int, limit: int, count: int) -> tuple[int, int]:
        """Where rows [start, start + limit) of the first `count` lie; an empty range beyond the end."""
        first = min(start, count)
        return self.offset(first), self.offset(min(first + limit, count))

    def line(self, row: int) -> bytes:
        """One row."""
        begin, end = self._index[row : row + 2].tolist()
        return os.pread(self._rows, end - begin, begin)

    def slices(self, begin: int, end: int) -> Iterator[bytes]:
        """The bytes [begin, end) of rows.ndjson, CHUNK_BYTES at a time, cut anywhere."""
        while begin < end:
            piece = os.pread(self._rows, min(CHUNK_BYTES, end - begin), begin)
            if not piece:
                raise SnapshotError(f"{ROWS} ended at byte {begin}: it was changed while it was read")
            begin += len(piece)
            yield piece

    def lines(self, start: int, limit: int, size: int) -> Iterator[bytes]:
        """Rows [start, start + limit), whole, at most `size` at a time."""
        stop = min(start + limit, self.meta.count)
        for first in range(start, stop, size):
            yield b"".join(self.slices(*self.byte_range(first, size, stop)))

    def sample(self, limit: int, seed: int, size: int) -> Iterator[bytes]:
        """`limit` different rows in an order that only `seed` decides, at most `size` at a time."""
        count = self.meta.count
        chosen = random.Random(seed).sample(range(count), min(limit, count))  # noqa: S311 (not a secret)
        for first in range(0, len(chosen), size):
            yield b"".join(line for row in chosen[first : first + size] for line in self.lines(row, 1, 1))


def _mapped(path: Path, kind: np.dtype[Any]) -> Integers:
    """A file of numbers, of which only what is looked at is read; it stays readable when it is replaced."""
    with path.open("rb") as file:
        if os.fstat(file.fileno()).st_size == 0:  # which cannot be mapped
            return np.empty(0, kind)
        return np.frombuffer(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ), kind)


class SnapshotFolder:
    """A folder whose snapshot may be replaced at any time: `current` is what it holds now."""

    def __init__(self, folder: Path) -> None:
        """Raises SnapshotError."""
        self.folder = folder
        self._stamp = self._read_stamp()
        self._snapshot = Snapshot(folder)

    def current(self) -> Snapshot:
        """The newest whole snapshot: while the folder is being replaced, the one before."""
        stamp = self._read_stamp()
        if stamp is not None and stamp != self._stamp:
            try:
                self._snapshot = Snapshot(self.folder)
                self._stamp = stamp
            except SnapshotError:
                return self._snapshot
        return self._snapshot

    def _read_stamp(self) -> tuple[int, int, int] | None:
        try:
            found = (self.folder / META).stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_ino, found.st_size
