"""The rows of a snapshot by discovery date: dates.idx, each row's day and number in the order of the days."""

import os
import re
import sys
from array import array
from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from itertools import islice
from pathlib import Path

from services.wildfires_api.snapshot import DATES, ROWS, Snapshot, SnapshotError

EPOCH = date(1970, 1, 1)
_JULIAN_EPOCH = 2_440_587.5  # the Julian day of 1970-01-01
_ENTRY = 8  # bytes: the day since 1970 and the row's number, little-endian int32 each
_DISCOVERED = re.compile(rb'"DISCOVERY_DATE":([0-9.]+|null)')
_BLOCK = 4 << 20
_ENTRIES = 4_096  # read at a time
_LATE_DAYS = 7
_ONE_IN = 5


class Days:
    """Takes rows in their order, and then writes them by day. A row without a date is in no window."""

    def __init__(self) -> None:
        self._rows: defaultdict[int, array[int]] = defaultdict(lambda: array("i"))
        self._count = 0

    def add(self, block: bytes) -> None:
        """The next rows, whole lines."""
        for line in block.splitlines():
            found = _DISCOVERED.search(line)
            if found and found[1] != b"null":
                self._rows[int(float(found[1]) - _JULIAN_EPOCH)].append(self._count)
            self._count += 1

    def write(self, path: Path) -> None:
        with path.open("wb") as file:
            for day in sorted(self._rows):
                pairs = array("i", (number for row in self._rows[day] for number in (day, row)))
                if sys.byteorder == "big":
                    pairs.byteswap()
                file.write(pairs.tobytes())


def ensure(folder: Path) -> None:
    """Write the index of a snapshot of an earlier release, which has none."""
    if (folder / DATES).exists() or not (folder / ROWS).exists():
        return
    days, rest = Days(), b""
    with (folder / ROWS).open("rb") as file:
        while block := file.read(_BLOCK):
            whole, newline, rest = (rest + block).rpartition(b"\n")
            days.add(whole + newline)
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
        self._file = snapshot.dates
        self._size = os.fstat(self._file).st_size // _ENTRY

    def count(self, since: date | None, until: date | None) -> int:
        first, last = self._range(since, until)
        if self._as_of is None:
            return last - first
        recent = self._entries(max(first, self._first_from(self._as_of - _LATE_DAYS)), last)
        return last - first - sum(self._is_late(day, row) for day, row in recent)

    def rows(
        self, since: date | None, until: date | None, start: int, limit: int, size: int
    ) -> Iterator[bytes]:
        """The rows [start, start + limit) of those discovered from `since` on and before `until`."""
        first, last = self._range(since, until)
        if self._as_of is None:
            first, start = min(first + start, last), 0
        known = (entry for entry in self._entries(first, last) if not self._is_late(*entry))
        wanted = islice(known, start, start + limit)
        while block := [self._row(day, row) for day, row in islice(wanted, size)]:
            yield b"".join(block)

    def _entries(self, first: int, last: int) -> Iterator[tuple[int, int]]:
        """Day and row at each place, read in blocks."""
        while first < last:
            pairs = array("i", os.pread(self._file, min(last - first, _ENTRIES) * _ENTRY, first * _ENTRY))
            if sys.byteorder == "big":
                pairs.byteswap()
            yield from zip(pairs[::2], pairs[1::2], strict=True)
            first += len(pairs) // 2

    def _range(self, since: date | None, until: date | None) -> tuple[int, int]:
        ends = [] if until is None else [(until - EPOCH).days]
        ends += [] if self._as_of is None else [self._as_of]
        last = self._first_from(min(ends)) if ends else self._size
        return min(self._first_from((since - EPOCH).days) if since else 0, last), last

    def _first_from(self, day: int) -> int:
        """The first place whose day is `day` or later."""
        low, high = 0, self._size
        while low < high:
            middle = (low + high) // 2
            low, high = (middle + 1, high) if self._day(middle) < day else (low, middle)
        return low

    def _day(self, place: int) -> int:
        return int.from_bytes(os.pread(self._file, 4, place * _ENTRY), "little", signed=True)

    def _is_late(self, day: int, row: int) -> bool:
        return self._as_of is not None and day > self._as_of - _LATE_DAYS and row % _ONE_IN == 1

    def _row(self, day: int, row: int) -> bytes:
        line = self._snapshot.line(row)
        if self._as_of is not None and day > self._as_of - _LATE_DAYS and row % _ONE_IN == 2:
            return re.sub(rb'"FIRE_SIZE":[^,]+', b'"FIRE_SIZE":0.1', line)
        return line
