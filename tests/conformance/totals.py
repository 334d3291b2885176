"""Servers that count their rows in other ways, or not at all: see styles.py."""

from typing import Any, ClassVar

from tests.conformance.styles import (
    BY_PAGE,
    Answer,
    CapsItsTotal,
    GivesItsLastPageBeyondTheEnd,
    PagesFromOne,
    Style,
    TotalInTheBody,
)
from tests.servers.http_server import Request


class TotalInContentRange(Style):
    """As PostgREST does: 206 where there are more rows than these."""

    settings: ClassVar = {"count_path": "/api/get?limit=1", "total": "header:Content-Range"}

    def answer(self, start: int, limit: int, request: Request) -> Answer:
        rows = self.slice(start, limit)
        part = f"{start}-{start + len(rows) - 1}" if rows else "*"
        return 206 if len(rows) < self.total else 200, {"Content-Range": f"items {part}/{self.total}"}, rows


class TotalUnderAKeyWithDots(Style):
    """As OData does."""

    settings: ClassVar = {
        "count_path": "/api/get",
        "count_query": {"limit": 0},
        "total": "body:/@odata.count",
        "rows_key": "value",
    }

    def answer(self, start: int, limit: int, request: Request) -> Answer:
        return 200, {}, {"@odata.count": self.total, "value": self.slice(start, limit)}


class TotalWithSeparators(TotalInTheBody):
    size: ClassVar = 1_230

    def answer(self, start: int, limit: int, request: Request) -> Answer:
        return 200, {}, {"items": self.slice(start, limit), "meta": {"total": f"{self.total:,}"}}


class TotalAsADouble(Style):
    def count(self) -> Answer:
        return 200, {}, float(self.total)


class HasNoCount(Style):
    """Nowhere does it say how many rows it has."""

    settings: ClassVar = {"total": "probe"}

    def count(self) -> Answer:
        return 404, {}, {"detail": "not found"}


class HasNoCountAndCapsTheLimit(HasNoCount):
    def slice(self, start: int, limit: int) -> list[dict[str, Any]]:
        return super().slice(start, min(limit, 7))


class HasNoCountAndRefusesBeyondTheEnd(HasNoCount):
    def answer(self, start: int, limit: int, request: Request) -> Answer:
        found = super().answer(start, limit, request)
        return found if start < self.total else (416, {}, {"detail": "not satisfiable"})


class HasNoCountOfItsPages(HasNoCount, PagesFromOne):
    settings: ClassVar = BY_PAGE | {"total": "probe"}


class LinksToItsLastPage(HasNoCount, PagesFromOne):
    """As GitHub does: a Link header, which the only page of a short list has not."""

    settings: ClassVar = BY_PAGE | {"total": "last-link"}

    def last(self, limit: int) -> int:
        return max(1, -(-self.total // limit))

    def answer(self, start: int, limit: int, request: Request) -> Answer:
        last = f'<http://127.0.0.1/api/get?limit={limit}&page={self.last(limit)}>; rel="last"'
        links = {"Link": f'<http://127.0.0.1/next>; rel="next", {last}'} if start < self.last(limit) else {}
        return 200, links, self.slice(start, limit)


class HasOnePageAndNoLink(LinksToItsLastPage):
    size: ClassVar = 20


class LinksToItsLastOffset(HasNoCount):
    settings: ClassVar = {"total": "last-link"}

    def answer(self, start: int, limit: int, request: Request) -> Answer:
        link = f"</api/get?limit={limit}&start={(self.total - 1) // limit * limit}>; rel=last"
        return 200, {"Link": link}, self.slice(start, limit)


class NamesItsPages(HasNoCount, PagesFromOne):
    settings: ClassVar = BY_PAGE | {"total": "pages:body:total_pages", "rows_key": "results"}

    def answer(self, start: int, limit: int, request: Request) -> Answer:
        return 200, {}, {"results": self.slice(start, limit), "total_pages": -(-self.total // limit)}


class NamesItsPagesInAHeader(NamesItsPages):
    """As WordPress does."""

    settings: ClassVar = BY_PAGE | {"total": "pages:header:X-WP-TotalPages"}

    def answer(self, start: int, limit: int, request: Request) -> Answer:
        return 200, {"X-WP-TotalPages": str(-(-self.total // limit))}, self.slice(start, limit)


HONEST = [
    TotalInContentRange,
    TotalUnderAKeyWithDots,
    TotalWithSeparators,
    TotalAsADouble,
    HasNoCount,
    HasNoCountAndCapsTheLimit,
    HasNoCountAndRefusesBeyondTheEnd,
    HasNoCountOfItsPages,
    LinksToItsLastPage,
    HasOnePageAndNoLink,
    LinksToItsLastOffset,
    NamesItsPages,
    NamesItsPagesInAHeader,
]


# Servers that would give wrong rows ----------------------------------------------------------------------


class LinksToAnEarlierPage(LinksToItsLastPage):
    """A count of its own cache."""

    def last(self, limit: int) -> int:
        return 6


class LinksToAnEmptyPage(LinksToItsLastPage):
    def last(self, limit: int) -> int:
        return 20


class LinksWithoutALastPage(LinksToItsLastPage):
    def answer(self, start: int, limit: int, request: Request) -> Answer:
        return 200, {"Link": '<http://127.0.0.1/next>; rel="next"'}, self.slice(start, limit)


class RefusesLargeOffsets(HasNoCount):
    """As a search index does: its window is smaller than what it holds."""

    def answer(self, start: int, limit: int, request: Request) -> Answer:
        return (
            super().answer(start, limit, request) if start + limit <= 100 else (400, {}, {"error": "window"})
        )


class RefusesBehindItsCap(CapsItsTotal):
    """Elasticsearch, Algolia: no request may reach behind the rows that are counted."""

    def answer(self, start: int, limit: int, request: Request) -> Answer:
        if start + limit > self.total:
            return 400, {}, {"error": "Result window is too large"}
        return super().answer(start, limit, request)


class RefusesBehindItsCapByConstantLimit(RefusesBehindItsCap):
    settings: ClassVar = {"paging": {"size": 25}}


class HasNoCountAndRepeatsItsLastPage(HasNoCount, GivesItsLastPageBeyondTheEnd):
    settings: ClassVar = BY_PAGE | {"total": "probe"}


LYING = [
    LinksToAnEarlierPage,
    LinksToAnEmptyPage,
    LinksWithoutALastPage,
    RefusesLargeOffsets,
    RefusesBehindItsCap,
    RefusesBehindItsCapByConstantLimit,
    HasNoCountAndRepeatsItsLastPage,
]
