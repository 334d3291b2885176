"""The rows of a snapshot by discovery date: dates.idx, each row's day and number in the order of the days."""

import re
from array import array
from bisect import bisect_left
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import numpy as np

from services.wildfires_api.snapshot import DATES, ENTRY, Integers, Snapshot, SnapshotError

EPOCH = date(1970, 1, 1)
_JULIAN_EPOCH = 2_440_587.5  # the Julian day of 1970-01-01
_DISCOVERED = re.compile(rb'"DISCOVERY_DATE":([0-9.]+)')
_UNKNOWN = -(2**31)
_BLOCK_ROWS = 5_000
_LATE_DAYS = 7
_ONE_IN = 5


class Days:
    """Takes rows in their order, and then writes them by day. A row without a date is in no window."""

    def __init__(self) -> None:
        self._days = array("i")

    def add(self, block: bytes) -> None:
        """The next rows, whole lines."""
        found = map(_DISCOVERED.search, block.splitlines())
        self._days.extend(int(float(day[1]) - _JULIAN_EPOCH) if day else _UNKNOWN for day in found)

    def write(self, path: Path) -> None:
        days = np.array(self._days, ENTRY)
        rows = np.argsort(days, kind="stable")[np.count_nonzero(days == _UNKNOWN) :]
        np.stack([days[rows], rows], axis=1).astype(ENTRY).tofile(path)


def ensure(folder: Path) -> None:
    """Write the index of a snapshot of an earlier release, which has none. Raises SnapshotMissing."""
    if (folder / DATES).exists():
        return
    snapshot, days = Snapshot(folder), Days()
    for block in snapshot.lines(0, snapshot.meta.count, _BLOCK_ROWS):
        days.add(block)
    partial = folder / f".{DATES}.partial"
    days.write(partial)
    partial.rename(folder / DATES)


class ByDate:
    """The rows of a snapshot in the order of their days.

    `as_of`: as they were known on the morning of that day: without what was discovered later, without one row
    in 5 that came in a week late, and with another one in 5 as it was before its acres were corrected.
    """

    def __init__(self, snapshot: Snapshot, as_of: date | None) -> None:
        self._snapshot = snapshot
        self._as_of = (as_of - EPOCH).days if as_of else None
        if snapshot.dates is None:
            raise SnapshotError(f"There is no {DATES}. Generate or load the data again.")
        self._entries = snapshot.dates

    def count(self, since: date | None, until: date | None) -> int:
        return len(self._known(since, until))

    def rows(
        self, since: date | None, until: date | None, start: int, limit: int, size: int
    ) -> Iterator[bytes]:
        """The rows [start, start + limit) of those discovered from `since` on and before `until`."""
        wanted = self._known(since, until)[start : start + limit]
        for first in range(0, len(wanted), size):
            yield b"".join(self._row(day, row) for day, row in wanted[first : first + size].tolist())

    def _known(self, since: date | None, until: date | None) -> Integers:
        """Day and row of each that is in the range, and not late."""
        ends = [] if until is None else [(until - EPOCH).days]
        ends += [] if self._as_of is None else [self._as_of]
        last = self._first_from(min(ends)) if ends else len(self._entries)
        first = min(self._first_from((since - EPOCH).days) if since else 0, last)
        found = self._entries[first:last]
        if self._as_of is None:
            return found
        late = (found[:, 0] > self._as_of - _LATE_DAYS) & (found[:, 1] % _ONE_IN == 1)
        known: Integers = found[~late]
        return known

    def _first_from(self, day: int) -> int:
        """The first place whose day is `day` or later."""
        return bisect_left(self._entries, day, key=lambda entry: entry[0])

    def _row(self, day: int, row: int) -> bytes:
        line = self._snapshot.line(row)
        if self._as_of is not None and day > self._as_of - _LATE_DAYS and row % _ONE_IN == 2:
            return re.sub(rb'"FIRE_SIZE":[^,]+', b'"FIRE_SIZE":0.1', line)
        return line
