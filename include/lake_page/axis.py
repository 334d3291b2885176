"""The axis of a time line: times, or numbers of an integer key, as a part of the whole; and its ticks."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import ceil

MOST_TICKS = 6
_INTEGER = re.compile(r"-?\d{1,18}")
_HOUR, _DAY = 3_600, 86_400
_MONTH = 30.4 * _DAY
_EXACT = [step * _HOUR for step in (1, 3, 6, 12)] + [step * _DAY for step in (1, 2, 7, 14)]
_MONTHS = (1, 3, 6, 12, 24, 60, 120, 240, 600, 1_200, 6_000, 24_000)

Mark = tuple[bool, float]  # whether it is a time; seconds since 1970 in UTC, or the number


def mark_of(text: str) -> Mark | None:
    """What an end of a window names; None: nothing that can be drawn."""
    if _INTEGER.fullmatch(text):
        return False, float(text)
    try:
        at = datetime.fromisoformat(text)
        # In UTC the first and the last day that a zone has may be out of range.
        at = at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
        return True, at.replace(microsecond=0).timestamp()
    except (ValueError, OverflowError):
        return None


def axis_of(texts: Iterable[str]) -> "Axis | None":
    """The axis of all these ends; None where one cannot be drawn, or they are of two kinds."""
    marks = {text: mark_of(text) for text in texts}
    found = [mark for mark in marks.values() if mark]
    if not found or len(found) < len(marks) or len({time for time, _ in found}) > 1:
        return None
    places = [at for _, at in found]
    return Axis(found[0][0], min(places), max(places)) if min(places) < max(places) else None


@dataclass(frozen=True)
class Axis:
    """From `first` to `last`, as marks have them."""

    times: bool
    first: float
    last: float

    def read(self, text: str) -> Mark:
        return mark_of(text) or (self.times, self.first)

    def place(self, mark: Mark) -> float:
        """From 0 to 1."""
        return min(1.0, max(0.0, (mark[1] - self.first) / (self.last - self.first)))

    def ticks(self) -> Iterator[tuple[float, str]]:
        """A few round places, in percent of the axis, and their names."""
        for at, name in self._times() if self.times else self._numbers():
            if self.first <= at <= self.last:
                yield round(100 * self.place((self.times, at)), 2), name

    def _numbers(self) -> Iterator[tuple[float, str]]:
        step = 1
        while (self.last - self.first) / step > MOST_TICKS:
            step *= 5 if str(step)[0] == "1" else 2
        for number in range(int(self.first) // step, int(self.last) // step + 1):
            yield number * step, f"{number * step:,}"

    def _times(self) -> Iterator[tuple[float, str]]:
        length = self.last - self.first
        exact = next((step for step in _EXACT if length / step <= MOST_TICKS), 0)
        if exact:
            pattern = "%m-%d %H:%M" if exact < _DAY else "%Y-%m-%d"
            for number in range(ceil(self.first / exact), int(self.last // exact) + 1):
                yield number * exact, _time(number * exact).strftime(pattern)
            return
        step = next((step for step in _MONTHS if length / (step * _MONTH) <= MOST_TICKS), _MONTHS[-1])
        yield from self._months(step)

    def _months(self, step: int) -> Iterator[tuple[float, str]]:
        begin, end = _time(self.first), _time(self.last)
        first, last = ((at.year * 12 + at.month - 1) // step for at in (begin, end))
        for number in range(max(first, -(-12 // step)), last + 1):
            year, month = divmod(number * step, 12)
            at = datetime(year, month + 1, 1, tzinfo=UTC)
            yield at.timestamp(), f"{year:04}" if step % 12 == 0 else f"{year:04}-{month + 1:02}"


def _time(seconds: float) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
