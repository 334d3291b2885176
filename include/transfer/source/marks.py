"""Marks: the points at which windows meet, as whole numbers, and how requests, rows and keys spell them.

A mark of time is its microseconds since 1970 in UTC; one of an integer key is the key.
"""

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from include.transfer.schema.numbers import ExactNumber

SECOND = 1_000_000
DAY = 86_400 * SECOND
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_JULIAN_EPOCH = Decimal("2440587.5")  # the Julian day of 1970-01-01T00:00Z
_LARGEST = 10**14  # of a number that is a time: the year 5138 in milliseconds
_LONGEST = 366_000  # days
_DIGITS = 18  # of an integer key
_DURATION = re.compile(
    r"P(?=.)(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?=.)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?"
)


class _Unreadable(ValueError):
    """Why a text or value is no mark or step; who reads it says where it stands."""


@dataclass(frozen=True)
class Step:
    """A length: calendar `months` and `days`, and `exact` marks (microseconds, or units of a key)."""

    months: int = 0
    days: int = 0
    exact: int = 0

    def __bool__(self) -> bool:
        return bool(self.months or self.days or self.exact)

    @property
    def about(self) -> int:
        """Its length in marks, about."""
        return round(self.months * 30.436875 * DAY) + self.days * DAY + self.exact

    def times(self, count: int) -> "Step":
        return Step(self.months * count, self.days * count, self.exact * count)


class Axis(Protocol):
    """What windows are cut along: time, or an integer key."""

    def step(self, text: str) -> Step:
        """The length that a setting names: `P1M`, `PT1H`, `100000`. Raises ValueError."""

    def read(self, text: str) -> int:
        """The mark that `start`, a run's interval or the commit log names. Raises ValueError."""

    def text(self, mark: int) -> str:
        """As logs, manifests and messages have it."""

    def moved(self, mark: int, by: Step) -> int:
        """The mark that far behind; before, where the step is negative."""


class Numbers:
    """An integer key, of 0 or more."""

    def step(self, text: str) -> Step:
        return Step(exact=self.read(text))

    def read(self, text: str) -> int:
        if not re.fullmatch(rf"[0-9]{{1,{_DIGITS}}}", text):
            raise _Unreadable("it is no whole number of 0 or more")
        return int(text)

    def text(self, mark: int) -> str:
        return str(mark)

    def moved(self, mark: int, by: Step) -> int:
        return mark + by.exact


@dataclass(frozen=True)
class Times:
    """Time; `zone`: whose calendar has the days and months, and the zone of what names none."""

    zone: ZoneInfo

    def step(self, text: str) -> Step:
        match = _DURATION.fullmatch(text)
        if not match:
            raise _Unreadable("it is no duration such as P1D, PT1H or P1M")
        years, months, weeks, days, hours, minutes, seconds = (int(each or 0) for each in match.groups())
        exact = (hours * 3600 + minutes * 60 + seconds) * SECOND
        step = Step(years * 12 + months, weeks * 7 + days, exact)
        if step.about > _LONGEST * DAY:
            raise _Unreadable("it is longer than 1,000 years")
        return step

    def read(self, text: str) -> int:
        when = datetime.fromisoformat(text)
        if not 1800 <= when.year <= 3000:  # so that no calendar ends behind a step
            raise _Unreadable("it is not in the years 1800 to 3000")
        return self.mark(when) // SECOND * SECOND

    def mark(self, when: datetime) -> int:
        """The mark of a time; without a zone of its own it is in this one."""
        aware = when if when.tzinfo else when.replace(tzinfo=self.zone)
        return (aware - _EPOCH) // timedelta(microseconds=1)

    def time(self, mark: int) -> datetime:
        """In this zone. Raises OverflowError outside of the years 1 to 9999."""
        return (_EPOCH + timedelta(microseconds=mark)).astimezone(self.zone)

    def text(self, mark: int) -> str:
        spec = "seconds" if mark % SECOND == 0 else "microseconds"
        utc = _EPOCH + timedelta(microseconds=mark)
        return utc.replace(tzinfo=None).isoformat(timespec=spec) + "Z"

    def moved(self, mark: int, by: Step) -> int:
        """By the calendar first: a day is one by the clock on the wall; of a shorter month its last day."""
        if by.months or by.days:
            local = self.time(mark).replace(tzinfo=None, fold=0)
            mark = self.mark(_months_later(local, by.months) + timedelta(days=by.days))
        return mark + by.exact


def _months_later(when: datetime, months: int) -> datetime:
    year, month = divmod(when.year * 12 + when.month - 1 + months, 12)
    if not 1 <= year <= 9999:
        raise _Unreadable("beyond the years 1 to 9999")
    return when.replace(year=year, month=month + 1, day=min(when.day, monthrange(year, month + 1)[1]))


def short(text: str) -> str:
    """A mark's text as a part of a key, which sorts: `20150101`, `20150101T063000Z`, `000000000000100000`."""
    return text.zfill(_DIGITS) if text.isdigit() else re.sub("[-:]", "", text.removesuffix("T00:00:00Z"))


FORMATS = ("date", "time", "epoch", "epoch_ms", "julian", "integer")  # or a pattern of strftime


def unit(style: str) -> Step:
    """The smallest step that a format can say. A Julian day is a date here."""
    if style == "integer":
        return Step(exact=1)
    if style in ("time", "epoch") or "%S" in style or "%s" in style:
        return Step(exact=SECOND)
    if style == "epoch_ms":
        return Step(exact=SECOND // 1_000)
    if "%M" in style or "%H" in style:
        return Step(exact=(60 if "%M" in style else 3600) * SECOND)
    return Step(days=1)


def spelled(axis: Axis, style: str, mark: int) -> str:
    """A mark as a request has it; `style`: of `FORMATS`, or a pattern. Raises ValueError where it cannot."""
    said = _spelled(axis, style, mark)
    if found(axis, style, Decimal(said) if style == "julian" else said) != mark:
        raise _Unreadable(f"as {said} it is not {axis.text(mark)}")
    return said


def _spelled(axis: Axis, style: str, mark: int) -> str:
    if style in ("epoch", "epoch_ms"):
        return str(mark // unit(style).exact)
    if style == "julian":
        return f"{(_JULIAN_EPOCH + Decimal(mark) / DAY).normalize():f}"
    if not isinstance(axis, Times):
        return str(mark)
    local = axis.time(mark)
    if style == "date":
        return local.date().isoformat()
    return axis.text(mark) if style == "time" else local.strftime(style)


def found(axis: Axis, style: str, value: Any) -> int:
    """The mark of a row's value. Raises ValueError for what the style cannot read."""
    if isinstance(value, bool) or value is None:
        raise _Unreadable("it is none")
    if not isinstance(axis, Times):
        return axis.read(str(value))
    if style in ("epoch", "epoch_ms", "julian"):
        return _of_number(style, value)
    if not isinstance(value, str):
        raise _Unreadable("it is no text")
    if style in ("date", "time"):
        return axis.mark(datetime.fromisoformat(value.strip()))
    return axis.mark(datetime.strptime(value, style))


def _of_number(style: str, value: Any) -> int:
    try:
        number = Decimal(value.text if isinstance(value, ExactNumber) else str(value))
    except InvalidOperation:
        raise _Unreadable("it is no number") from None
    if not number.is_finite() or abs(number) > _LARGEST:
        raise _Unreadable("it is no number of a time")
    return round((number - _JULIAN_EPOCH) * DAY) if style == "julian" else int(number * unit(style).exact)
