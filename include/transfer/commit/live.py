"""Which run holds which part of a dataset that is copied by windows: lines without overlap, in order."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from itertools import pairwise
from typing import Any

from include.transfer.documents import fits

_INTEGER = re.compile(r"-?\d{1,18}")


@dataclass(frozen=True)
class Live:
    """Consecutive windows of one commit, [since, until): `run` holds the rows, entry `number` committed them.

    Both ends are integers as text, or times that are all written alike in UTC, so that their texts sort.
    """

    since: str
    until: str
    run: str
    number: int = 0

    @classmethod
    def from_dict(cls, stored: Any) -> "Live | None":
        """None: `stored` is no such line."""
        if not isinstance(stored, Mapping):
            return None
        known: dict[str, Any] = {f.name: stored.get(f.name, f.default) for f in fields(cls)}
        if not all(fits(value, int if name == "number" else str) for name, value in known.items()):
            return None
        line = cls(**known)
        return line if place(line.since) < place(line.until) else None

    def covers(self, since: str, until: str) -> bool:
        """Whether all of this window lies in the line."""
        return place(self.since) <= place(since) and place(until) <= place(self.until)

    def overlaps(self, other: "Live") -> bool:
        return place(self.since) < place(other.until) and place(other.since) < place(self.until)


def place(end: str) -> tuple[int, int, str]:
    """What one end of a window sorts by: integers by their value, times by their text."""
    return (0, int(end), "") if _INTEGER.fullmatch(end) else (1, 0, end)


def covered(windows: Iterable[Mapping[str, str]], run: str, number: int = 0) -> list[Live]:
    """The windows of one commit, `since` and `until` each, as lines; consecutive ones are one."""
    return _joined(Live(each["since"], each["until"], run, number) for each in windows)


def laid_over(before: Sequence[Live], new: Sequence[Live]) -> list[Live]:
    """The lines after a commit of `new`: what they cover of `before` is theirs by now."""
    kept = [piece for line in before for piece in _uncovered(line, new)]
    return _joined([*kept, *new])


def runs_of(lines: Iterable[Live]) -> list[str]:
    """Each run once, in the lines' order."""
    return list(dict.fromkeys(line.run for line in lines))


def reached(lines: Sequence[Live], watermark: str | None) -> str | None:
    """How far the lines go from `watermark` on without a gap; None: from their beginning on."""
    for line in lines:
        if watermark is None or place(line.since) <= place(watermark) < place(line.until):
            watermark = line.until
    return watermark


def gaps(lines: Sequence[Live]) -> list[tuple[str, str]]:
    """What lies between the first line and the last and is in none."""
    return [(a.until, b.since) for a, b in pairwise(lines) if place(a.until) < place(b.since)]


def _uncovered(line: Live, new: Sequence[Live]) -> Iterator[Live]:
    """The pieces of `line` that are in none of `new`, whose lines are in order."""
    for other in new:
        if line.overlaps(other):
            if place(line.since) < place(other.since):
                yield replace(line, until=other.since)
            if place(line.until) <= place(other.until):
                return
            line = replace(line, since=other.until)
    yield line


def _joined(lines: Iterable[Live]) -> list[Live]:
    """In order, where one begins at the end of another of the same commit both as one."""
    joined: list[Live] = []
    for line in sorted(lines, key=lambda line: place(line.since)):
        last = joined[-1] if joined else None
        same = last is not None and (last.run, last.number) == (line.run, line.number)
        if last and same and place(line.since) <= place(last.until):
            joined[-1] = replace(last, until=max(last.until, line.until, key=place))
        else:
            joined.append(line)
    return joined
