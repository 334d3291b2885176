"""Servers whose answers lead from one to the next, and those that say no total: see styles.py."""

from typing import Any, ClassVar

from tests.conformance.styles import BY_PAGE, Answer, GivesItsLastPageBeyondTheEnd, PagesFromOne, Style
from tests.servers.http_server import Request


class Chain(Style):
    """Each answer names the next. Answers have up to 25 rows, as asked for."""

    settings: ClassVar = {
        "total": "none",
        "rows_key": "items",
        "paging": {"style": "cursor", "token": "body:next"},
    }
    page_rows: ClassVar[int] = 25

    def at(self, request: Request) -> int:
        """The first row that a request asks for."""
        return int(request.query.get("cursor", "t0")[1:])

    def answer(self, start: int, limit: int, request: Request) -> Answer:
        at = self.at(request)
        rows = self.slice(at, self.page_rows)
        return self.led(rows, at + self.page_rows if at + self.page_rows < self.total else None, request)

    def led(self, rows: list[dict[str, Any]], following: int | None, request: Request) -> Answer:
        """An answer that leads on to a row, or nowhere."""
        return 200, {}, {"items": rows, "next": following and f"t{following}"}


class NamesTheNextInFrontOfItsRows(Chain):
    settings: ClassVar = Chain.settings | {"paging": {"style": "cursor", "token": "body:meta.next"}}

    def led(self, rows: list[dict[str, Any]], following: int | None, request: Request) -> Answer:
        return 200, {}, {"meta": {"next": f"t{following}"} if following else {}, "items": rows}


class NamesTheNextInAHeader(Chain):
    settings: ClassVar = {"total": "none", "paging": {"style": "cursor", "token": "header:X-Next"}}

    def led(self, rows: list[dict[str, Any]], following: int | None, request: Request) -> Answer:
        return 200, {"X-Next": f"t{following}"} if following else {}, rows


class ContinuesBehindARow(Chain):
    """Stripe: `starting_after` the last row, and whether there is more."""

    settings: ClassVar = Chain.settings | {
        "rows_key": "data",
        "paging": {"style": "cursor", "token": "row:id", "param": "after", "more": "body:has_more"},
    }

    def at(self, request: Request) -> int:
        return int(request.query.get("after", -1)) + 1

    def led(self, rows: list[dict[str, Any]], following: int | None, request: Request) -> Answer:
        return 200, {}, {"data": rows, "has_more": following is not None}


class ContinuesBehindARowUntilThereIsNone(ContinuesBehindARow):
    settings: ClassVar = {"total": "none", "paging": {"style": "cursor", "token": "row:id", "param": "after"}}

    def led(self, rows: list[dict[str, Any]], following: int | None, request: Request) -> Answer:
        return 200, {}, rows


class NamesANextOneForEver(Chain):
    """Crossref: the end is an answer without rows. Solr: and its token is the one that was sent."""

    settings: ClassVar = Chain.settings | {
        "paging": {"style": "cursor", "token": "body:next", "first": "*", "until": "empty"}
    }

    def at(self, request: Request) -> int:
        return int(request.query["cursor"].replace("*", "t0")[1:])

    def led(self, rows: list[dict[str, Any]], following: int | None, request: Request) -> Answer:
        return super().led(rows, self.at(request) + len(rows), request)


class LinksInAHeader(Chain):
    """RFC 8288, as GitHub does."""

    settings: ClassVar = {"total": "none", "paging": {"style": "link", "size": 25, "limit_param": "per_page"}}

    def led(self, rows: list[dict[str, Any]], following: int | None, request: Request) -> Answer:
        links = ['<http://elsewhere.example/>; rel="last"']
        if following:
            links.append(f'</api/get?per_page=25&cursor=t{following}>; rel="next"')
        return 200, {"Link": ", ".join(links)}, rows


class LinksInTheBody(Chain):
    """JSON:API; Django REST framework gives whole URLs."""

    settings: ClassVar = Chain.settings | {"paging": {"style": "link", "url": "body:links.next"}}

    def led(self, rows: list[dict[str, Any]], following: int | None, request: Request) -> Answer:
        host = request.headers["host"]
        link = f"http://{host}/api/get?cursor=t{following}" if following else None
        return 200, {}, {"items": rows, "links": {"next": link}}


class ListsItsLinks(LinksInTheBody):
    """FHIR: links in an array, each with what it is."""

    settings: ClassVar = Chain.settings | {"paging": {"style": "link", "url": "body:link[relation=next].url"}}

    def led(self, rows: list[dict[str, Any]], following: int | None, request: Request) -> Answer:
        links = [{"relation": "self", "url": f"http://{request.headers['host']}/api/get"}]
        if following:
            links.append({"relation": "next", "url": f"{links[0]['url']}?cursor=t{following}"})
        return 200, {}, {"link": links, "items": rows}


class LinksAsODataDoes(LinksInTheBody):
    """A key with dots in it."""

    settings: ClassVar = Chain.settings | {"paging": {"style": "link", "url": "body:/@odata.nextLink"}}

    def led(self, rows: list[dict[str, Any]], following: int | None, request: Request) -> Answer:
        link = {"@odata.nextLink": f"/api/get?cursor=t{following}"} if following else {}
        return 200, {}, {"items": rows, **link}


class CountsWhatItChains(Chain):
    settings: ClassVar = Chain.settings | {"total": "body"}


class AnswersAllAtOnce(Style):
    settings: ClassVar = {"total": "none", "paging": "none"}


class HasNoTotal(Style):
    """The end is an answer without rows."""

    settings: ClassVar = {"total": "none", "paging": {"size": 25}}


class HasPagesAndNoTotal(PagesFromOne):
    settings: ClassVar = BY_PAGE | {"total": "none"}


class RefusesPagesBehindTheLast(HasPagesAndNoTotal):
    def answer(self, start: int, limit: int, request: Request) -> Answer:
        rows = self.slice(start, limit)
        return (200, {}, rows) if rows else (404, {}, {"detail": "Invalid page."})


class HasNoRows(Chain):
    total: ClassVar[int] = 0  # type: ignore[assignment]

    def __init__(self) -> None:
        super().__init__()
        self.rows = []


HONEST = [
    Chain,
    NamesTheNextInFrontOfItsRows,
    NamesTheNextInAHeader,
    ContinuesBehindARow,
    ContinuesBehindARowUntilThereIsNone,
    NamesANextOneForEver,
    LinksInAHeader,
    LinksInTheBody,
    ListsItsLinks,
    LinksAsODataDoes,
    CountsWhatItChains,
    AnswersAllAtOnce,
    HasNoTotal,
    HasPagesAndNoTotal,
    RefusesPagesBehindTheLast,
    HasNoRows,
]


# Servers that would give wrong rows ---------------------------------------------------------------------


class LeadsInACircle(Chain):
    def answer(self, start: int, limit: int, request: Request) -> Answer:
        at = self.at(request)
        return self.led([self.row(at), self.row(-at - self.asked)], (at + 1) % 7 + 1, request)


class NamesTheSameTokenAgain(Chain):
    def led(self, rows: list[dict[str, Any]], following: int | None, request: Request) -> Answer:
        return super().led(rows, 25 if self.at(request) == 25 else following, request)


class NamesANextOneBehindNothing(Chain):
    def led(self, rows: list[dict[str, Any]], following: int | None, request: Request) -> Answer:
        return super().led(rows, following or self.total + self.asked, request)


class LinksToAnotherHost(LinksInTheBody):
    def led(self, rows: list[dict[str, Any]], following: int | None, request: Request) -> Answer:
        return 200, {}, {"items": rows, "links": {"next": "http://elsewhere.example/api/get?cursor=t25"}}


class ForgetsItsToken(Chain):
    """Every answer is the first."""

    def at(self, request: Request) -> int:
        return 0


class ChainsFewerThanItCounts(CountsWhatItChains):
    @property
    def total(self) -> int:
        return len(self.rows) + (1 if self.asked == 0 else 0)

    def answer(self, start: int, limit: int, request: Request) -> Answer:
        status, headers, body = super().answer(start, limit, request)
        body["items"] = body["items"][:-1] or body["items"]
        return status, headers, body


class GivesItsLastPageForEver(GivesItsLastPageBeyondTheEnd):
    settings: ClassVar = BY_PAGE | {"total": "none"}


LYING = [
    LeadsInACircle,
    NamesTheSameTokenAgain,
    NamesANextOneBehindNothing,
    LinksToAnotherHost,
    ForgetsItsToken,
    ChainsFewerThanItCounts,
    GivesItsLastPageForEver,
]
