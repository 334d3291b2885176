"""A dataset's windows along time: covered, empty, copied again, missing, being copied; and the watermark."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from math import ceil, floor

from include.lake_page.axis import Axis, axis_of, mark_of
from include.lake_page.commits import Commits
from include.lake_page.stored_windows import StoredWindow
from include.transfer.commit.entry import Entry
from include.transfer.commit.live import gaps, place
from include.transfer.dataset import Dataset
from include.transfer.store.keys import Prefix

COVERED, EMPTY, AGAIN, MISSING, COPYING = (
    "covered",
    "empty",
    "late or copied again",
    "missing",
    "being copied",
)
_ABOVE = (COPYING, MISSING, AGAIN)  # is seen wherever there is any of it; of the others the larger part is
KINDS = (COVERED, EMPTY, AGAIN, MISSING, COPYING)
COLUMNS = 1_000
MOST_TOLD = 5  # ranges of a kind
MOST_RUNS = 24  # whose manifests say which of their windows are empty
MOST_MARK = 40  # characters

Range = tuple[str, str]


@dataclass(frozen=True)
class Band:
    """`x`, `width`: in percent of the line."""

    x: float
    width: float
    kind: str  # a class of the style sheet
    label: str


@dataclass(frozen=True)
class Told:
    """A kind's ranges as texts, and how many more there are."""

    kind: str
    ranges: tuple[str, ...]
    more: int


@dataclass(frozen=True)
class Timeline:
    """`watermark_x`, ticks: in percent of the line."""

    bands: tuple[Band, ...]
    ticks: tuple[tuple[float, str], ...]
    watermark: str
    watermark_x: float | None
    told: tuple[Told, ...]

    @property
    def text(self) -> str:
        """The line for those who do not see it."""
        parts = (
            f"{each.kind}: {', '.join(each.ranges)}{' and more' if each.more else ''}" for each in self.told
        )
        return "; ".join([*parts, f"watermark: {self.watermark or 'none'}"])


def runs_to_read(entry: Entry, any_run: Prefix) -> list[Prefix]:
    """The runs whose windows are looked at one by one: those that hold rows and were committed last."""
    newest = {line.run: line.number for line in sorted(entry.windows, key=lambda line: line.number)}
    names = sorted(newest, key=lambda run: -newest[run])[:MOST_RUNS]
    return [prefix for name in names if (prefix := any_run.of(name))]


def draw(
    entry: Entry,
    log: Commits,
    windows: Mapping[Prefix, Sequence[StoredWindow]],
    missing: Sequence[Range],
    copying: Sequence[Range],
    end: str,
) -> Timeline | None:
    """The time line as of `entry`; None where its windows are of no time or number that can be drawn.

    `windows`: of the runs that were read; `missing`: before the first window; `copying`: what runs at work
    take; `end`: where the last window ends some day, or "".
    """
    ranges = {
        COVERED: [(line.since, line.until) for line in entry.windows],
        EMPTY: list(_empty(entry, windows)),
        AGAIN: list(_again(entry, log)),
        MISSING: [*missing, *gaps(entry.windows)],
        COPYING: list(copying),
    }
    axis = axis_of(
        [*(mark for each in ranges.values() for ends in each for mark in ends), *([end] if end else [])]
    )
    if axis is None:
        return None
    told = (_told(kind, _merged(ranges[kind])) for kind in KINDS)
    at = mark_of(entry.watermark or "")
    return Timeline(
        tuple(_bands(axis, ranges)),
        tuple(axis.ticks()),
        _shown(entry.watermark or ""),
        None if at is None else round(100 * axis.place(at), 2),
        tuple(each for each in told if each.ranges),
    )


def _empty(entry: Entry, windows: Mapping[Prefix, Sequence[StoredWindow]]) -> Iterator[Range]:
    starts = [place(line.since) for line in entry.windows]
    for prefix, listed in windows.items():
        for each in listed:
            at = bisect_right(starts, place(each.since)) - 1
            line = entry.windows[at] if at >= 0 else None
            if each.rows == 0 and line and line.run == prefix.run and line.covers(each.since, each.until):
                yield each.since, each.until


def _again(entry: Entry, log: Commits) -> Iterator[Range]:
    """Live windows that replaced others, by the newest commits; and those that came after later ones."""
    for commit in log.found:
        yield from ((line.since, line.until) for line in commit.replaced)
    least: int | None = None
    for line in reversed(entry.windows):
        if least is not None and line.number > least:
            yield line.since, line.until
        least = line.number if least is None else min(least, line.number)


def _bands(axis: Axis, ranges: Mapping[str, Iterable[Range]]) -> Iterator[Band]:
    """Bands of equal columns, so that they are few however many windows there are."""
    columns: list[dict[str, float]] = [{} for _ in range(COLUMNS)]
    for kind, each in ranges.items():
        for since, until in each:
            begin, end = (COLUMNS * axis.place(axis.read(mark)) for mark in (since, until))
            for number in range(floor(begin), min(COLUMNS, max(ceil(end), floor(begin) + 1))):
                part = min(end, number + 1) - max(begin, number)
                columns[number][kind] = columns[number].get(kind, 0.0) + part
    merged = {kind: _merged(each) for kind, each in ranges.items()}
    at = 0
    for kind, group in groupby(map(_kind, columns)):
        width = len(list(group))
        if kind:
            x, wide = 100 * at / COLUMNS, 100 * width / COLUMNS
            label = _label(axis, kind, merged[kind], at / COLUMNS, (at + width) / COLUMNS)
            yield Band(round(x, 2), round(wide, 2), kind.replace(" ", "-"), label)
        at += width


def _label(axis: Axis, kind: str, ranges: Sequence[Range], begin: float, end: float) -> str:
    """The ranges of this kind that the band is of, from the first to the last."""
    first = bisect_right(ranges, begin, key=lambda each: axis.place(axis.read(each[1])))
    last = bisect_left(ranges, end, key=lambda each: axis.place(axis.read(each[0]))) - 1
    first, last = min(first, len(ranges) - 1), max(last, 0)
    return f"{kind}: {_shown(ranges[first][0])} to {_shown(ranges[max(first, last)][1])}"


def _kind(column: Mapping[str, float]) -> str:
    above = next((kind for kind in _ABOVE if kind in column), "")
    return above or max(column, key=lambda kind: (column[kind], kind == EMPTY), default="")


def _merged(ranges: Iterable[Range]) -> list[Range]:
    merged: list[Range] = []
    for since, until in sorted(ranges, key=lambda each: place(each[0])):
        if merged and place(since) <= place(merged[-1][1]):
            merged[-1] = (merged[-1][0], max(merged[-1][1], until, key=place))
        else:
            merged.append((since, until))
    return merged


def _told(kind: str, ranges: Sequence[Range]) -> Told:
    shown = tuple(f"{_shown(since)} to {_shown(until)}" for since, until in ranges[:MOST_TOLD])
    return Told(kind, shown, len(ranges) - len(shown))


def _shown(mark: str) -> str:
    return mark.removesuffix("T00:00:00Z")[:MOST_MARK]


def declared(dataset: Dataset, entry: Entry) -> tuple[list[Range], str]:
    """What is missing between the window's start and the first one, and where the last one ends some day."""
    window = dataset.window
    if window is None or not entry.windows:
        return [], ""
    first = entry.windows[0].since
    start = window.axis.text(window.read(window.start)) if window.start else first
    end = window.axis.text(window.read(window.end)) if window.end else ""
    return ([(start, first)] if place(start) < place(first) else []), end


def planned_range(window: str) -> Range | None:
    """The ends of a window as an object's key has it; None: of none that can be read."""
    ends = [_long(part) for part in window.split("_")]
    return (ends[0], ends[1]) if len(ends) == 2 and all(ends) else None


def _long(short: str) -> str:
    if len(short) == 18 and short.isdigit():
        return str(int(short))
    date, _, time = short.removesuffix("Z").partition("T")
    if len(date) != 8 or len(time or "000000") != 6:
        return ""
    time = time or "000000"
    return f"{date[:4]}-{date[4:6]}-{date[6:]}T{time[:2]}:{time[2:4]}:{time[4:]}Z"
