"""Servers with a filter of one end, sorted away from it, rightly and wrongly: see windows.py."""

from datetime import datetime
from typing import Any, ClassVar

from tests.conformance.styles import Answer
from tests.conformance.windows import WINDOW, ByTime

SINCE = {**WINDOW, "until": ""}
UNTIL = {**WINDOW, "since": ""}


class SinceAlone(ByTime):
    """`?since=…`, the earliest rows first; those behind a window come with it."""

    settings: ClassVar = {**ByTime.settings, "window": SINCE}

    @property
    def matching(self) -> list[dict[str, Any]]:
        since = self.read(self.query["since"])
        return self.ordered([row for row in self.rows if self.is_asked_for(row, since)])

    def ordered(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return sorted(rows, key=lambda row: (self.at(row), row["id"]))

    def is_asked_for(self, row: dict[str, Any], since: datetime) -> bool:
        return since <= self.at(row)


class SinceAloneInPages(SinceAlone):
    settings: ClassVar = {**SinceAlone.settings, "paging": {"style": "page", "size": 7}, "batch_size": 14}

    def slice(self, start: int, limit: int) -> list[dict[str, Any]]:
        return super().slice((max(1, start) - 1) * limit, limit)


class SinceAloneIsOpen(SinceAlone):
    """`since` is no part of what is asked for."""

    settings: ClassVar = {
        **ByTime.settings,
        "window": {**SINCE, "closed": "none", "format": "epoch", "field_format": "time"},
    }

    def read(self, text: str) -> datetime:
        return datetime.fromtimestamp(int(text), self.at(self.rows[0]).tzinfo)

    def is_asked_for(self, row: dict[str, Any], since: datetime) -> bool:
        return since < self.at(row)


class UntilAlone(SinceAlone):
    """`?until=…`, the latest rows first."""

    settings: ClassVar = {**ByTime.settings, "window": UNTIL}

    def __init__(self) -> None:
        super().__init__()  # what is expected is the days in order, and of each the latest first
        self.rows.sort(key=lambda row: (self.at(row).date(), -row["id"]))

    @property
    def matching(self) -> list[dict[str, Any]]:
        until = self.read(self.query["until"])
        return self.ordered([row for row in self.rows if self.at(row) < until])[::-1]


class SinceAloneUnsorted(SinceAlone):
    def ordered(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return sorted(rows, key=lambda row: -row["id"])


class SinceAloneIgnored(SinceAlone):
    def is_asked_for(self, row: dict[str, Any], since: datetime) -> bool:
        return True


class SinceAloneFiltersTheCountAlone(SinceAlone):
    def slice(self, start: int, limit: int) -> list[dict[str, Any]]:
        return self.rows[start : start + limit]


class SinceAloneFiltersTheRowsAlone(SinceAlone):
    def count(self) -> Answer:
        return 200, {}, len(self.rows)


class SinceAloneCountsTooFew(SinceAlone):
    """Of any answer a row less, but for the empty one."""

    @property
    def total(self) -> int:
        return len(self.matching) - (str(self.query["since"]) < "2026-01-02")


class SinceAloneLeavesItOut(SinceAlone):
    """The row at the border is in no window, or in the one before."""

    def is_asked_for(self, row: dict[str, Any], since: datetime) -> bool:
        return since < self.at(row)


class UntilAloneIgnored(UntilAlone):
    @property
    def matching(self) -> list[dict[str, Any]]:
        return self.ordered(self.rows)[::-1]


HONEST = [SinceAlone, SinceAloneInPages, SinceAloneIsOpen, UntilAlone]
LYING = [
    SinceAloneUnsorted,
    SinceAloneIgnored,
    SinceAloneFiltersTheCountAlone,
    SinceAloneFiltersTheRowsAlone,
    SinceAloneCountsTooFew,
    SinceAloneLeavesItOut,
    UntilAloneIgnored,
]
