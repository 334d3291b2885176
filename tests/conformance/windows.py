"""Servers that filter by time, rightly and wrongly: see styles.py. Of ten days the fourth has no row."""

from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from tests.conformance.styles import Answer, Style
from tests.servers.http_server import Request

START = datetime(2026, 1, 1, tzinfo=UTC)
WINDOW = {"field": "at", "start": "2026-01-01", "end": "2026-01-11"}


class ByTime(Style):
    """`?since=…&until=…`, the first closed and the second open, of rows and of the count."""

    settings: ClassVar = {"window": WINDOW, "key": ["id"]}
    query: ClassVar[dict[str, str]] = {}

    def refusal(self, request: Request) -> Answer | None:
        self.query = request.query  # type: ignore[misc]
        return None

    def row(self, n: int) -> dict[str, Any]:
        day = n // 26 + (n >= 78)
        return {"id": n, "at": self.spelled(START + timedelta(days=day, minutes=n % 26 * 55))}

    def spelled(self, at: datetime) -> Any:
        return at.isoformat()

    def read(self, text: str) -> datetime:
        return datetime.fromisoformat(text)

    def at(self, row: dict[str, Any]) -> datetime:
        return datetime.fromisoformat(row["at"])

    def matches(self, row: dict[str, Any], since: datetime, until: datetime) -> bool:
        return since <= self.at(row) < until

    @property
    def matching(self) -> list[dict[str, Any]]:
        ends = (self.read(self.query[name]) for name in ("since", "until"))
        since, until = ends
        return [row for row in self.rows if self.matches(row, since, until)]

    @property
    def total(self) -> int:
        return len(self.matching)

    def slice(self, start: int, limit: int) -> list[dict[str, Any]]:
        return self.matching[start : start + limit]


class ByTimeInPages(ByTime):
    settings: ClassVar = {**ByTime.settings, "paging": {"style": "page", "size": 7}, "batch_size": 14}

    def slice(self, start: int, limit: int) -> list[dict[str, Any]]:
        return super().slice((max(1, start) - 1) * limit, limit)


class ByTimeWithoutTotal(ByTime):
    settings: ClassVar = {**ByTime.settings, "total": "none", "batch_size": 10}


class ByTimeOnLink(ByTime):
    """What a Link header names has the filter in it."""

    settings: ClassVar = {**ByTime.settings, "total": "none", "paging": {"style": "link"}}

    def answer(self, start: int, limit: int, request: Request) -> Answer:
        rows = self.slice(start, 10)
        ends = "&".join(f"{name}={self.query[name]}" for name in ("since", "until"))
        more = {"Link": f'</api/get?{ends}&start={start + 10}>; rel="next"'} if len(rows) == 10 else {}
        return 200, more, rows


class BetweenClosedDates(ByTime):
    """`?since=2026-01-01&until=2026-01-01` is the first of January, in New York."""

    settings: ClassVar = {
        **ByTime.settings,
        "window": {**WINDOW, "format": "date", "closed": "both", "zone": "America/New_York"},
    }

    def spelled(self, at: datetime) -> Any:
        return at.replace(tzinfo=None).isoformat()

    def at(self, row: dict[str, Any]) -> datetime:
        return datetime.fromisoformat(row["at"][:10])

    def matches(self, row: dict[str, Any], since: datetime, until: datetime) -> bool:
        return since <= self.at(row) <= until


class BySeconds(ByTime):
    """Seconds since 1970, in rows milliseconds; `since` is open and `until` closed."""

    settings: ClassVar = {
        **ByTime.settings,
        "window": {
            **WINDOW,
            "format": "epoch",
            "field_format": "epoch_ms",
            "closed": "until",
            "step": "PT36H",
        },
    }

    def spelled(self, at: datetime) -> Any:
        return int(at.timestamp()) * 1_000

    def read(self, text: str) -> datetime:
        return datetime.fromtimestamp(int(text), UTC)

    def at(self, row: dict[str, Any]) -> datetime:
        return datetime.fromtimestamp(row["at"] // 1_000, UTC)

    def matches(self, row: dict[str, Any], since: datetime, until: datetime) -> bool:
        return since < self.at(row) <= until


class ByKey(ByTime):
    settings: ClassVar = {
        "window": {"field": "id", "format": "integer", "start": 0, "end": 300, "step": 40},
        "key": ["id"],
    }

    def read(self, text: str) -> Any:
        return int(text)

    def at(self, row: dict[str, Any]) -> Any:
        return row["id"]


class IgnoresTheFilter(ByTime):
    def matches(self, row: dict[str, Any], since: datetime, until: datetime) -> bool:
        return True


class IgnoresUntil(ByTime):
    def matches(self, row: dict[str, Any], since: datetime, until: datetime) -> bool:
        return since <= self.at(row)


class ReadsAnotherZone(ByTime):
    def matches(self, row: dict[str, Any], since: datetime, until: datetime) -> bool:
        return super().matches(row, since + timedelta(hours=5), until + timedelta(hours=5))


class TakesUntilToo(ByTime):
    def matches(self, row: dict[str, Any], since: datetime, until: datetime) -> bool:
        return since <= self.at(row) <= until


class LeavesSinceOut(ByTime):
    """The rows at the borders are in no window."""

    def matches(self, row: dict[str, Any], since: datetime, until: datetime) -> bool:
        return since < self.at(row) < until


class FiltersTheCountAlone(ByTime):
    def slice(self, start: int, limit: int) -> list[dict[str, Any]]:
        return self.rows[start : start + limit]


class FiltersTheRowsAlone(ByTime):
    def count(self) -> Answer:
        return 200, {}, len(self.rows)


class FiltersTheFirstPageAlone(ByTime):
    settings: ClassVar = {**ByTime.settings, "paging": {"size": 10}}

    def slice(self, start: int, limit: int) -> list[dict[str, Any]]:
        return super().slice(start, limit) if not start else self.rows[start : start + limit]


HONEST = [
    ByTime,
    ByTimeInPages,
    ByTimeWithoutTotal,
    ByTimeOnLink,
    BetweenClosedDates,
    BySeconds,
    ByKey,
]
LYING = [
    IgnoresTheFilter,
    IgnoresUntil,
    ReadsAnotherZone,
    TakesUntilToo,
    LeavesSinceOut,
    FiltersTheCountAlone,
    FiltersTheRowsAlone,
    FiltersTheFirstPageAlone,
]
