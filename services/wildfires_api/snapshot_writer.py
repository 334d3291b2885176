"""Writing a snapshot folder so that it appears whole or not at all."""

import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np

from services.wildfires_api.dates import Days
from services.wildfires_api.snapshot import DATES, INDEX, META, OFFSET, ROWS, SMALL_ROWS, Meta, SnapshotError

VERSION_DIGITS = 16


class SnapshotWriter:
    """Writes blocks of rows into a hidden folder beside `folder` and swaps it in when the block ends well.

    The folder is locked, so two writers never mix, and what a killed writer left is cleared by the next one.
    Used as a context manager; leaving it with an error removes what was written and keeps the old snapshot.
    """

    def __init__(self, folder: Path, columns: Iterable[str], source: dict[str, Any]) -> None:
        self.folder = folder.absolute()
        self._temp = self.folder.with_name(f".{self.folder.name}.partial")
        self._columns, self._source = list(columns), source
        self._count = self._bytes = 0
        self._hash = hashlib.sha256()
        self._days = Days()
        self._open = ExitStack()

    def __enter__(self) -> "SnapshotWriter":
        """Raises SnapshotError when the folder holds something else or another writer is at work."""
        _refuse_foreign_folder(self.folder)
        self._temp.mkdir(parents=True, exist_ok=True)
        lock = os.open(self._temp, os.O_RDONLY)
        self._open.callback(os.close, lock)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._open.close()
            raise SnapshotError(
                f"Another process is writing {self.folder}. Wait until it ends, or choose another --out."
            ) from None
        self._rows, self._index = (
            self._open.enter_context((self._temp / name).open("wb")) for name in (ROWS, INDEX)
        )
        self._write_offsets([0])
        return self

    def write(self, block: bytes) -> None:
        """Append whole rows, each ended by a newline."""
        ends = list(accumulate(map(len, block.splitlines(keepends=True)), initial=self._bytes))[1:]
        self._rows.write(block)
        self._hash.update(block)
        self._days.add(block)
        self._write_offsets(ends)
        self._bytes += len(block)
        self._count += len(ends)

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                self._finish()
        finally:
            self._open.close()
            shutil.rmtree(self._temp, ignore_errors=True)

    def _finish(self) -> None:
        for file in (self._rows, self._index):
            file.flush()
            os.fsync(file.fileno())
        self._days.write(self._temp / DATES)
        meta = {
            "count": self._count,
            "small": min(SMALL_ROWS, self._count),
            "version": self._hash.hexdigest()[:VERSION_DIGITS],
            "columns": self._columns,
            "source": self._source,
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        (self._temp / META).write_text(json.dumps(meta, indent=1) + "\n", encoding="utf-8")
        self._swap_in()
        self.meta = Meta.read(self.folder / META)

    def _swap_in(self) -> None:
        # Two renames: a reader between them keeps the files it has open.
        old = self.folder.with_name(f".{self.folder.name}.old")
        shutil.rmtree(old, ignore_errors=True)
        if self.folder.exists():
            self.folder.rename(old)
        self._temp.rename(self.folder)
        shutil.rmtree(old, ignore_errors=True)

    def _write_offsets(self, offsets: Sequence[int]) -> None:
        self._index.write(np.array(offsets, OFFSET).tobytes())


def _refuse_foreign_folder(folder: Path) -> None:
    """A snapshot is replaced whole, so nothing but a snapshot or an empty folder may be in its place."""
    if not folder.exists():
        return
    if not folder.is_dir():
        raise SnapshotError(f"{folder} is a file, not a folder. Choose another --out.")
    foreign = sorted({entry.name for entry in folder.iterdir()} - {ROWS, INDEX, DATES, META})
    if foreign:
        raise SnapshotError(
            f"{folder} holds other files ({', '.join(foreign[:3])}), and writing would delete them. "
            "Choose an empty or a new folder."
        )
