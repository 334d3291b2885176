"""Styles of servers, one small class each: how they take an offset or page, how they count, how they end.

A new style is one class with `answer`, its settings, and a line in `HONEST` or `LYING`, here or in totals.py.
"""

import json
import random
from typing import Any, ClassVar

import requests

from tests.servers.faults import Fault
from tests.servers.http_server import Request
from tests.servers.scripted_http import ScriptedSource

Answer = tuple[int, dict[str, str], Any]
BY_PAGE = {"paging": {"style": "page", "size": 25}}


class Style:
    """`?start=50&limit=25` and a count of its own: what a dataset's defaults describe."""

    settings: ClassVar[dict[str, Any]] = {}
    size: ClassVar[int] = 230

    def __init__(self) -> None:
        self.rows = [self.row(n) for n in range(self.size)]
        self.asked = 0

    def session(self, url: str) -> requests.Session:
        """What asks the server at `url`."""
        session = requests.Session()
        session.trust_env = False
        return session

    def refusal(self, request: Request) -> Answer | None:
        """The answer to a request that is neither counted nor given rows."""
        return None

    def row(self, n: int) -> dict[str, Any]:
        return {"id": n, "name": f"näme {n}", "at": n / 7}

    def text(self, row: dict[str, Any]) -> str:
        return json.dumps(row)

    @property
    def total(self) -> int:
        return len(self.rows)

    def count(self) -> Answer:
        return 200, {}, self.total

    def slice(self, start: int, limit: int) -> list[dict[str, Any]]:
        return self.rows[start : start + limit]

    def answer(self, start: int, limit: int, request: Request) -> Answer:
        return 200, {}, self.slice(start, limit)


class Served(ScriptedSource):
    """A style on a port. Every answer is made here."""

    def __init__(self, style: Style) -> None:
        super().__init__()
        self.style = style

    def take_fault(self, request: Request) -> Fault:
        super().take_fault(request)
        style, query = self.style, request.query
        style.asked += request.asks_for == "rows"
        if refusal := style.refusal(request):
            status, headers, body = refusal
        elif request.asks_for == "count":
            status, headers, body = style.count()
        else:
            position = query.get("start", query.get("page", "0"))
            status, headers, body = style.answer(int(position), int(query.get("limit", 10_000)), request)
        text = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
        return Fault(
            "status", code=status, headers={"Content-Type": "application/json", **headers}, text=text
        )


class TotalInTheBody(Style):
    settings: ClassVar = {"count_path": "/api/get?limit=1", "total": "body:meta.total", "rows_key": "items"}

    def answer(self, start: int, limit: int, request: Request) -> Answer:
        return 200, {}, {"items": self.slice(start, limit), "meta": {"total": self.total}}


class TotalInAHeader(Style):
    settings: ClassVar = {"count_path": "/api/get?limit=1", "total": "header:X-Total-Count"}

    def answer(self, start: int, limit: int, request: Request) -> Answer:
        return 200, {"X-Total-Count": str(self.total)}, self.slice(start, limit)


class GivesAllWhateverIsAsked(Style):
    """It takes no notice of parameters, and one batch holds all rows."""

    settings: ClassVar = {"paging": {}, "batch_size": 1_000}

    def slice(self, start: int, limit: int) -> list[dict[str, Any]]:
        return self.rows


class CountsFromOne(Style):
    """SCIM (RFC 7644, 3.4.2.4): a start below 1 is taken for 1."""

    settings: ClassVar = {"paging": {"first": 1, "size": 25}}

    def slice(self, start: int, limit: int) -> list[dict[str, Any]]:
        return super().slice(max(1, start) - 1, limit)


class PagesFromOne(Style):
    settings: ClassVar = BY_PAGE

    def slice(self, start: int, limit: int) -> list[dict[str, Any]]:
        return super().slice((max(1, start) - 1) * limit, limit)


class PagesFromZero(Style):
    settings: ClassVar = {"paging": {"style": "page", "size": 25, "first": 0}}

    def slice(self, start: int, limit: int) -> list[dict[str, Any]]:
        return super().slice(start * limit, limit)


class DividesOffsetByLimit(Style):
    """Spring's PageRequest.of(offset / limit, limit)."""

    def slice(self, start: int, limit: int) -> list[dict[str, Any]]:
        return super().slice(start // limit * limit, limit)


class CapsTheLimit(Style):
    def slice(self, start: int, limit: int) -> list[dict[str, Any]]:
        return super().slice(start, min(limit, 7))


class GivesItsLastPageBeyondTheEnd(PagesFromOne):
    """As Django's Paginator.get_page does."""

    def slice(self, start: int, limit: int) -> list[dict[str, Any]]:
        return super().slice(min(start, -(-self.total // limit)), limit)


class RefusesBeyondTheEnd(Style):
    status: ClassVar[int] = 416

    def answer(self, start: int, limit: int, request: Request) -> Answer:
        if start >= self.total:
            return self.status, {}, {"detail": "Invalid page."}
        return super().answer(start, limit, request)


class HasNoPageBeyondTheEnd(RefusesBeyondTheEnd):
    status: ClassVar = 404


class HasNoContentBeyondTheEnd(RefusesBeyondTheEnd):
    status: ClassVar = 204


class SaysBeyondTheEndThatThereIsNone(Style):
    def answer(self, start: int, limit: int, request: Request) -> Answer:
        return super().answer(start, limit, request) if start < self.total else (200, {}, {"message": "none"})


class AnswersLineByLine(Style):
    settings: ClassVar = {"accept": "application/x-ndjson"}

    def answer(self, start: int, limit: int, request: Request) -> Answer:
        lines = b"".join(json.dumps(row).encode() + b"\n" for row in self.slice(start, limit))
        return 200, {"Content-Type": "application/x-ndjson"}, lines


class HasNoLimit(Style):
    """One size of page, and no parameter for it."""

    settings: ClassVar = {"paging": {"limit_param": "", "size": 25}}

    def slice(self, start: int, limit: int) -> list[dict[str, Any]]:
        return super().slice(start, 25)


class IsBusyNowAndThen(Style):
    def answer(self, start: int, limit: int, request: Request) -> Answer:
        busy = self.asked % 3 == 0
        return (429, {"Retry-After": "0"}, {}) if busy else super().answer(start, limit, request)


class RefusesLargePages(DividesOffsetByLimit):
    status: ClassVar[int] = 413

    def answer(self, start: int, limit: int, request: Request) -> Answer:
        return super().answer(start, limit, request) if limit <= 10 else (self.status, {}, {})


class DoesNotMakeLargePagesInTime(RefusesLargePages):
    status: ClassVar = 504


class RefusesLargePagesWithoutAPageSize(RefusesLargePages):
    settings: ClassVar = {"paging": "offset"}

    def slice(self, start: int, limit: int) -> list[dict[str, Any]]:
        return Style.slice(self, start, limit)


class HasEqualRows(Style):
    settings: ClassVar = {"duplicates": "allow"}

    def row(self, n: int) -> dict[str, Any]:
        return {"colour": "red", "size": n // 2}


HONEST = [
    Style,
    TotalInTheBody,
    TotalInAHeader,
    GivesAllWhateverIsAsked,
    CountsFromOne,
    PagesFromOne,
    PagesFromZero,
    DividesOffsetByLimit,
    CapsTheLimit,
    GivesItsLastPageBeyondTheEnd,
    RefusesBeyondTheEnd,
    HasNoPageBeyondTheEnd,
    HasNoContentBeyondTheEnd,
    SaysBeyondTheEndThatThereIsNone,
    AnswersLineByLine,
    HasNoLimit,
    IsBusyNowAndThen,
    RefusesLargePages,
    DoesNotMakeLargePagesInTime,
    RefusesLargePagesWithoutAPageSize,
    HasEqualRows,
]


# Servers, or settings, that would give wrong rows -----------------------------------------------


class IgnoresTheOffset(Style):
    def slice(self, start: int, limit: int) -> list[dict[str, Any]]:
        return super().slice(0, limit)


class CountsFromOneAskedFromZero(CountsFromOne):
    settings: ClassVar = {}


class CountsFromZeroAskedFromOne(Style):
    settings: ClassVar = {"paging": {"first": 1, "size": 25}}


class PagesFromOneAskedFromZero(PagesFromOne):
    settings: ClassVar = {"paging": {"style": "page", "size": 25, "first": 0}}


class PagesFromZeroAskedFromOne(PagesFromZero):
    settings: ClassVar = BY_PAGE


class TakesTheFirstOfTwoPages(PagesFromOne):
    """The dataset's query has a page, too."""

    settings: ClassVar = BY_PAGE | {"rows_path": "/api/get?page=1"}

    def slice(self, start: int, limit: int) -> list[dict[str, Any]]:
        return super().slice(1, limit)


class SortsByWhatIsNotUnique(Style):
    """Ties come in another order with every query."""

    def slice(self, start: int, limit: int) -> list[dict[str, Any]]:
        ties = random.Random(start).sample(self.rows, self.total)
        return sorted(ties, key=lambda row: int(row["id"]) % 3)[start : start + limit]


class DividesOffsetByAnyLimit(DividesOffsetByLimit):
    """Without a size the last batch asks for fewer rows than the others."""

    settings: ClassVar = {"paging": "offset"}


class FiltersAfterPaging(Style):
    """Its total counts rows that it does not show."""

    def slice(self, start: int, limit: int) -> list[dict[str, Any]]:
        return [row for row in super().slice(start, limit) if row["id"] % 10]


class HidesRowsAndRepeatsItsLastPage(GivesItsLastPageBeyondTheEnd):
    @property
    def total(self) -> int:
        return len(self.rows) + 3

    def slice(self, start: int, limit: int) -> list[dict[str, Any]]:
        return PagesFromOne.slice(self, min(start, -(-len(self.rows) // limit)), limit)


class CapsItsTotal(Style):
    @property
    def total(self) -> int:
        return 200


class EstimatesItsTotal(Style):
    @property
    def total(self) -> int:
        return 210


class EstimatesItsTotalByPage(EstimatesItsTotal, PagesFromOne):
    pass


class CountsThePageAlone(TotalInTheBody):
    settings: ClassVar = TotalInTheBody.settings | {"total": "body:count"}

    def answer(self, start: int, limit: int, request: Request) -> Answer:
        found = self.slice(start, limit)
        return 200, {}, {"items": found, "count": len(found)}


class CountsNothing(Style):
    @property
    def total(self) -> int:
        return 0


class ShiftsUnderABrokenBody(Style):
    """A row comes in front while an answer breaks off; another goes, so that the total stays."""

    def answer(self, start: int, limit: int, request: Request) -> Answer:
        status, headers, body = super().answer(start, limit, request)
        if self.asked != 6:  # three are plan's sample
            return status, headers, body
        self.rows = [{"id": -1, "name": "new", "at": 0.5}, *self.rows[:-1]]
        return status, headers, json.dumps(body, ensure_ascii=False).encode()[:-40]


class EditsARowMeanwhile(Style):
    """In place, behind the back of the request that brought it: neither count nor version tells."""

    def answer(self, start: int, limit: int, request: Request) -> Answer:
        if self.asked == 9:
            self.rows[0] |= {"name": "edited"}
        return super().answer(start, limit, request)


class SwapsPagesWithinABatch(Style):
    """Each row comes once, and never from the same place again: no order can be asked for."""

    def slice(self, start: int, limit: int) -> list[dict[str, Any]]:
        found = super().slice(start, limit)
        return found[::-1] if self.asked % 2 else found


class HasEqualRowsAgainstItsSettings(HasEqualRows):
    settings: ClassVar = {}


LYING = [
    IgnoresTheOffset,
    CountsFromOneAskedFromZero,
    CountsFromZeroAskedFromOne,
    PagesFromOneAskedFromZero,
    PagesFromZeroAskedFromOne,
    TakesTheFirstOfTwoPages,
    SortsByWhatIsNotUnique,
    DividesOffsetByAnyLimit,
    FiltersAfterPaging,
    HidesRowsAndRepeatsItsLastPage,
    CapsItsTotal,
    EstimatesItsTotal,
    EstimatesItsTotalByPage,
    CountsThePageAlone,
    CountsNothing,
    ShiftsUnderABrokenBody,
    EditsARowMeanwhile,
    SwapsPagesWithinABatch,
    HasEqualRowsAgainstItsSettings,
]
