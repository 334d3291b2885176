"""Reading a dataset folder: rows.ndjson (one JSON object a line), rows.idx (offsets) and meta.json."""

import json
import os
import random
import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.wildfires_api.errors import DatasetInvalid, DatasetMissing

ROWS, INDEX, META = "rows.ndjson", "rows.idx", "meta.json"
OFFSET_BYTES = 8  # little-endian uint64
CHUNK_BYTES = 512 * 1024
SMALL_ROWS = 20_000


@dataclass(frozen=True)
class Meta:
    """What meta.json says: rows, rows of the small dataset, content version, column names, provenance."""

    count: int
    small: int
    version: str
    columns: tuple[str, ...]
    source: dict[str, Any]
    created: str

    @classmethod
    def read(cls, path: Path) -> "Meta":
        """Raises DatasetMissing or DatasetInvalid."""
        try:
            found = json.loads(path.read_bytes())
            return cls(**(found | {"columns": tuple(found["columns"])}))
        except (FileNotFoundError, NotADirectoryError):
            raise DatasetMissing(
                f"There is no dataset in {path.parent} ({path.name} is missing). Make one first:\n"
                f"  python -m services.wildfires_api generate --rows 20000 --out {path.parent}\n"
                f"or load the real file:\n"
                f"  python -m services.wildfires_api load FPA_FOD.sqlite --out {path.parent}"
            ) from None
        except (ValueError, TypeError, KeyError) as error:
            raise DatasetInvalid(
                f"{path} is not a dataset's description ({error}). Generate it again."
            ) from error


class Dataset:
    """One opened version of the data.

    Its files stay open until the last response that reads them is done, so replacing the folder never
    disturbs a response under way. Reads go through pread: nothing is mapped, so memory stays flat.
    """

    def __init__(self, folder: Path) -> None:
        """Raises DatasetMissing or DatasetInvalid."""
        self.meta = Meta.read(folder / META)
        try:
            self._rows = os.open(folder / ROWS, os.O_RDONLY | os.O_CLOEXEC)
            weakref.finalize(self, os.close, self._rows)
            self._index = os.open(folder / INDEX, os.O_RDONLY | os.O_CLOEXEC)
            weakref.finalize(self, os.close, self._index)
        except OSError as error:
            raise DatasetInvalid(f"{folder} is not a whole dataset: {error}. Generate it again.") from error
        self._check_sizes(folder)

    def _check_sizes(self, folder: Path) -> None:
        expected = (self.meta.count + 1) * OFFSET_BYTES
        found = os.fstat(self._index).st_size
        if found != expected:
            raise DatasetInvalid(
                f"{folder / INDEX} has {found} bytes, {expected} expected for {self.meta.count} rows. "
                "Generate the dataset again."
            )
        rows_bytes, size = self.offset(self.meta.count), os.fstat(self._rows).st_size
        if rows_bytes != size:
            raise DatasetInvalid(
                f"{folder / ROWS} has {size} bytes, {rows_bytes} expected. Generate it again."
            )

    def offset(self, row: int) -> int:
        """The byte at which row number `row` begins; `count` gives the end of the file."""
        return int.from_bytes(os.pread(self._index, OFFSET_BYTES, row * OFFSET_BYTES), "little")

    def byte_range(self, start: int, limit: int, count: int) -> tuple[int, int]:
        """Where rows [start, start + limit) of the first `count` lie; an empty range beyond the end."""
        first = min(start, count)
        return self.offset(first), self.offset(min(first + limit, count))

    def slices(self, begin: int, end: int, size: int = CHUNK_BYTES) -> Iterator[bytes]:
        """The bytes [begin, end) of rows.ndjson, `size` at a time, cut anywhere."""
        while begin < end:
            piece = os.pread(self._rows, min(size, end - begin), begin)
            if not piece:
                raise DatasetInvalid(f"{ROWS} ended at byte {begin}: it was changed while it was read")
            begin += len(piece)
            yield piece

    def lines(self, start: int, limit: int, count: int, rows: int) -> Iterator[bytes]:
        """Rows [start, start + limit) of the first `count`, whole, at most `rows` at a time."""
        stop = min(start + limit, count)
        for first in range(start, stop, rows):
            begin, end = self.byte_range(first, rows, stop)
            yield b"".join(self.slices(begin, end))

    def sample(self, limit: int, seed: int, rows: int) -> Iterator[bytes]:
        """`limit` different rows in an order that only `seed` decides, at most `rows` at a time."""
        count = self.meta.count
        chosen = random.Random(seed).sample(range(count), min(limit, count))  # noqa: S311 (not a secret)
        for first in range(0, len(chosen), rows):
            yield b"".join(b"".join(self.lines(row, 1, count, 1)) for row in chosen[first : first + rows])


class DataFolder:
    """A folder whose dataset may be replaced at any time: `current` is what it holds now."""

    def __init__(self, folder: Path) -> None:
        """Raises DatasetMissing or DatasetInvalid."""
        self.folder = folder
        self._stamp = self._read_stamp()
        self._dataset = Dataset(folder)

    def current(self) -> Dataset:
        """The newest whole dataset: while the folder is being replaced, the one before."""
        stamp = self._read_stamp()
        if stamp is not None and stamp != self._stamp:
            try:
                self._dataset = Dataset(self.folder)
                self._stamp = stamp
            except (DatasetMissing, DatasetInvalid):
                return self._dataset
        return self._dataset

    def _read_stamp(self) -> tuple[int, int, int] | None:
        try:
            found = (self.folder / META).stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_ino, found.st_size
