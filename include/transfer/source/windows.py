"""Windows: how an API is asked for the rows of a part of time, or of a range of an integer key.

A dataset's `window` says which parameters carry the ends, which field of a row must lie between them, and how
time is cut. Everything here is pure; what a run has to copy is decided in windowed/plan.py.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from include.transfer.errors import BadSettings
from include.transfer.source.described import described
from include.transfer.source.marks import FORMATS, Axis, Numbers, Step, Times, found, short, spelled, unit

CLOSED = ("since", "until", "both", "none")
_LENGTHS = ("step", "lookback", "settle")


@dataclass(frozen=True, order=True)
class Span:
    """Marks [since, until)."""

    since: int
    until: int


@dataclass(frozen=True, kw_only=True)
class Window:
    """`?since=2026-01-01&until=2026-02-01`: the rows whose `field` lies between the two.

    `since`, `until`: the parameters; in a body `body:range.gte`. `format`: how they are spelled (date; time:
    ISO 8601 in UTC; epoch; epoch_ms; julian: a Julian day; integer; or a pattern of strftime), `field_format`
    how the row's field is, where that is another way. `zone`: whose calendar has the days, and the zone of
    values without one. `closed`: which ends the API takes for a part of what is asked for.

    `start`: where the first window begins; `end`: where the last one ends, if the source is complete.
    `step`: how long a window is (P1D, PT1H, P1M; of an integer key a number). `lookback`: how far behind the
    newest window each run copies again; `settle`: how far behind its own time a run stays.

    An API may take one end alone: then the other's parameter is empty. What is asked for goes on behind the
    window, so that its rows are those that come first, as many as the counts on its two sides differ by:
    rows must come sorted by the field, away from the end that is asked for. Each is looked at, and so are the
    ones behind the last, which are left out. It takes a `total`, and paging by numbers.
    """

    field: str = ""
    since: str = "since"
    until: str = "until"
    format: str = "time"
    field_format: str = ""
    zone: str = "UTC"
    closed: str = "since"
    start: str = ""
    end: str = ""
    step: str = "P1D"
    lookback: str = ""
    settle: str = ""

    def wrong(self) -> str:
        """What keeps its settings from being used; empty: nothing."""
        missing = [name for name in ("field", "step") if not getattr(self, name)]
        if missing or not (self.since or self.until):
            return f"window needs {', '.join(missing) or 'since or until'}"
        if self.since == self.until:
            return "window's since and until are one parameter"
        if self.closed not in CLOSED:
            return f"window's closed is {self.closed!r}, not one of {', '.join(CLOSED)}"
        for name in ("format", "field_format"):
            style = getattr(self, name)
            if style and style not in FORMATS and "%" not in style:
                return f"window's {name} is {style!r}, not one of {', '.join(FORMATS)}, nor a pattern with %"
        if self.field_format and (self.format == "integer") != (self.field_format == "integer"):
            return "window's format and field_format: both are integer, or none is"
        return next(filter(None, self._unread()), "")

    def _unread(self) -> Iterator[str]:
        try:
            ZoneInfo(self.zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            yield f"window's zone is {self.zone!r}, which is no zone such as UTC or Europe/Berlin"
            return
        readers = dict.fromkeys(_LENGTHS, self.axis.step) | dict.fromkeys(("start", "end"), self.axis.read)
        for name, read in readers.items():
            value = getattr(self, name)
            try:
                if value and not read(value) and name == "step":
                    yield "window's step is 0"
            except (ValueError, OverflowError) as error:
                yield f"window's {name} is {value!r}: {error}"

    @property
    def open(self) -> str:
        """The end that the API takes no parameter for, `since` or `until`; empty: none."""
        return next((name for name in ("since", "until") if not getattr(self, name)), "")

    def behind(self, span: Span) -> Span:
        """What an open filter asks for beside the span, by its one end."""
        mark = span.until if self.open == "until" else span.since
        return Span(mark, mark)

    @property
    def axis(self) -> Axis:
        return Numbers() if self.format == "integer" else Times(ZoneInfo(self.zone))

    def read(self, text: str) -> int:
        """The mark that a text names. Raises BadSettings."""
        try:
            return self.axis.read(text)
        except (ValueError, OverflowError) as error:
            raise BadSettings(f"it is {text!r}: {error}", where="an end of a window") from None

    def span(self, since: str, until: str) -> Span:
        """The marks between two texts. Raises BadSettings."""
        return Span(self.read(since), self.read(until))

    def texts(self, span: Span) -> tuple[str, str]:
        """The ends as logs, manifests and messages have them."""
        return self.axis.text(span.since), self.axis.text(span.until)

    def key(self, span: Span) -> str:
        """The window as a part of an object's key: `20150101_20150201`."""
        return "_".join(map(short, self.texts(span)))

    def label(self, span: Span) -> str:
        """The window as a person says it: `2015-01` where it is a month."""
        since, until = self.texts(span)
        axis = self.axis
        if isinstance(axis, Times):
            first = axis.time(span.since)
            for length, pattern in (
                (Step(months=12), "%Y"),
                (Step(months=1), "%Y-%m"),
                (Step(days=1), "%Y-%m-%d"),
            ):
                said = first.strftime(pattern)
                if span.until == axis.moved(span.since, length) and found(axis, pattern, said) == span.since:
                    return said
        return "–".join(each.removesuffix("T00:00:00Z") for each in (since, until))

    def moved(self, mark: int, length: str, *, back: bool = False) -> int:
        """The mark by a setting's length behind this one, or before it; none: the same."""
        return self.axis.moved(mark, self.axis.step(length).times(-1 if back else 1)) if length else mark

    def floor(self, mark: int, anchor: int) -> int:
        """The last border at or before the mark; borders are whole steps from `anchor`."""
        return self._border(anchor, self._index(mark, anchor))

    def steps(self, span: Span, anchor: int) -> int:
        """How many windows a range has, if each is one step; its ends may cut one."""
        return self._index(span.until - 1, anchor) - self._index(span.since, anchor) + 1

    def cut(self, span: Span, anchor: int, most: int) -> list[Span]:
        """The windows of a range, cut at its borders; so many steps in one that they are at most `most`."""
        if span.until <= span.since:
            return []
        first, steps = self._index(span.since, anchor), self.steps(span, anchor)
        together = -(-steps // most)
        inner = [self._border(anchor, number) for number in range(first + together, first + steps, together)]
        borders = dict.fromkeys([span.since, *inner, span.until])  # a day that a zone left out has no length
        return [Span(*ends) for ends in pairwise(borders)]

    def _border(self, anchor: int, number: int) -> int:
        # From the anchor at once: the months behind a 31st would drift if each were counted from the last.
        return self.axis.moved(anchor, self.axis.step(self.step).times(number))

    def _index(self, mark: int, anchor: int) -> int:
        """The number of the last border at or before the mark."""
        step = self.axis.step(self.step)
        number = (mark - anchor) // step.about
        while self._border(anchor, number) > mark:
            number -= 1
        while self._border(anchor, number + 1) <= mark:
            number += 1
        return number

    def params(self, span: Span) -> dict[str, str]:
        """The parameters that ask for the rows of the span. Raises BadSettings where they cannot say it."""
        axis, fine = self.axis, unit(self.format)
        ends = {self.since: span.since, self.until: span.until}
        if self.closed not in ("since", "both"):
            ends[self.since] = axis.moved(span.since, fine.times(-1))
        if self.closed in ("until", "both"):
            ends[self.until] = axis.moved(span.until, fine.times(-1))
        try:
            return {name: spelled(axis, self.format, mark) for name, mark in ends.items() if name}
        except (ValueError, OverflowError) as error:
            raise BadSettings(
                f"the format {self.format} cannot say {' or '.join(self.texts(span))}: {error}",
                where="window",
                fix="set a finer format, or a step and start of whole units",
            ) from None

    def mark_of(self, value: Any) -> int:
        """The mark of a row's field. Raises ValueError."""
        return found(self.axis, self.field_format or self.format, value)


def wrong_with_open_end(window: Window | None, chained: object) -> str:
    """What keeps a filter of one end from being used; empty: nothing."""
    if window is None or not window.open or not chained:
        return ""
    return (
        f"window has no {window.open}: the rows behind it are left out by their number, which takes a total "
        "and paging by offset or page"
    )


def window_of(given: Any) -> Window | None:
    """The window that a dataset's `window` describes: a Window, an object of its settings, or none.

    Raises BadSettings for an unknown setting, or a value of the wrong kind or that no window can have.
    """
    window = given if given is None or isinstance(given, Window) else _described(given)
    if window and (wrong := window.wrong()):
        raise BadSettings(wrong, where="window")
    return window


def _described(given: Any) -> Window:
    numbers = ("start", "end", *_LENGTHS)  # of an integer key
    if isinstance(given, Mapping):
        whole = {name: str(given[name]) for name in numbers if type(given.get(name)) is int}
        given = {**given, **whole}
    return described(Window, given, "window")
