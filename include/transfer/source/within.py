"""Whether rows lie in the window that was asked for, looked at as they stream by."""

from collections.abc import Generator, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from include.transfer.documents import brief
from include.transfer.errors import OutOfWindow
from include.transfer.source.bodies import in_body
from include.transfer.source.marks import SECOND, Times, unit
from include.transfer.source.paging import pairs
from include.transfer.source.windows import Span, Window

if TYPE_CHECKING:
    from include.transfer.dataset import Dataset
    from include.transfer.source.blocks import Block

_MOST_KEPT = 10_000  # values that are known to lie in the window
_ANY_ZONE = 14 * 3600 * SECOND
_OR_CLOSED = "or correct window's closed, if the API leaves its end out of what is asked for"


def within(dataset: "Dataset", window: Window, span: Span) -> "Dataset":
    """The dataset of the span's rows alone: its filter is a part of the query, and so of what paging asks."""
    asked = window.params(span)
    counted = dataset.count_query
    if dataset.count_body is None:
        return replace(
            dataset,
            query={**dataset.query, **asked},
            count_query=None if counted is None else {**counted, **asked},
        )
    query, body = in_body(dataset.count_body, pairs(asked))
    return replace(
        dataset,
        query={**dataset.query, **asked},
        count_query={**(dataset.query if counted is None else counted), **dict(query)},
        count_body=body,
    )


class Within:
    """The rows of one span of a window."""

    def __init__(self, window: Window, span: Span) -> None:
        self._window, self._span = window, span
        self._known: set[Any] = set()
        fine = unit(window.format)
        # Between two ends that were moved by a unit, what is finer than it would be in neither window.
        self._unit = 0 if window.closed == "since" or fine.days else fine.exact

    @property
    def open(self) -> bool:
        """Whether the source is asked for more than the span: then wanted rows alone are looked at."""
        return bool(self._window.open)

    @property
    def left_out(self) -> "Within":
        """The rows behind an open end."""
        return _LeftOut(self._window, self._span)

    def checked(self, blocks: "Iterator[Block]") -> "Iterator[Block]":
        """The blocks as they come. Raises OutOfWindow for a row that is not of the span."""
        for block in blocks:
            self._look_at(block)
            yield block

    def wanted(self, blocks: "Generator[Block, None, int]") -> "Generator[Block, None, int]":
        """As `checked`; returns what `blocks` do."""
        while True:
            try:
                block = next(blocks)
            except StopIteration as end:
                return int(end.value)
            self._look_at(block)
            yield block

    def _look_at(self, block: "Block") -> None:
        values = [row.get(self._window.field) for row in block.rows]
        try:
            new = set(values) - self._known
        except TypeError:  # an object or an array, which is none of any format
            new = {brief(next(value for value in values if isinstance(value, dict | list)))}
        for value in new:
            self._check(value)
        if len(self._known) < _MOST_KEPT:
            self._known |= new

    def _mark(self, value: Any) -> int:
        window = self._window
        try:
            return window.mark_of(value)
        except (ValueError, OverflowError, TypeError):
            style = window.field_format or window.format
            got = f"a row has {brief(value)} in {window.field!r}, which is no value of the format {style}"
            raise OutOfWindow(got, fix="correct window's field or field_format") from None

    def _is_behind(self, mark: int) -> bool:
        """Whether it is behind the open end."""
        end = self._window.open
        return (end == "until" and mark >= self._span.until) or (end == "since" and mark < self._span.since)

    def _check(self, value: Any) -> None:
        window, span, mark = self._window, self._span, self._mark(value)
        if not span.since <= mark < span.until:
            ends = " and ".join(window.texts(span))
            got = f"a row has {brief(value)} in {window.field!r}, which does not lie between {ends}"
            raise OutOfWindow(got, fix=self._cause(mark))
        if self._unit and mark % self._unit:
            got = (
                f"a row has {brief(value)} in {window.field!r}, finer than the format {window.format} can ask"
            )
            raise OutOfWindow(got, fix="set a finer format, or closed to since if the API takes it so")

    def _cause(self, mark: int) -> str:
        window, span = self._window, self._span
        names = " and ".join(filter(None, (window.since, window.until)))
        if self._is_behind(mark):
            order = "ascending" if window.open == "until" else "descending"
            return f"let the API sort its rows by {window.field}, {order} (the dataset's query); {_OR_CLOSED}"
        if mark == span.until and window.until:
            also = "both" if window.closed == "since" else "until"
            return (
                f"the API takes {window.until} for a part of what is asked for: set window's closed to {also}"
            )
        far = max(span.since - mark, mark - span.until)
        if isinstance(window.axis, Times) and far <= _ANY_ZONE:
            return f"the API reads {names} in another zone than {window.zone}: set window's zone or format"
        either = "" if window.open else ", or one of them"
        return f"the API seems to ignore {names}{either}: correct window's parameters"


class _LeftOut(Within):
    """The rows behind the open end of a span: none of its own."""

    def _check(self, value: Any) -> None:
        if not self._is_behind(self._mark(value)):
            ends = " to ".join(self._window.texts(self._span))
            got = f"behind the rows that were counted comes one with {brief(value)} in {self._window.field!r}"
            raise OutOfWindow(got, where=ends, fix="check total and count_path, and the order of the rows")
