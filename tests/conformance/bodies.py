"""Servers that are asked by a POST with a body of JSON, and say there where to go on."""

import json
from typing import Any, ClassVar

from tests.conformance.chains import LinksInTheBody
from tests.conformance.styles import Answer, Style
from tests.servers.http_server import Request

QUERY = "query ($after: String) { fires(first: 25, after: $after) { nodes { id name at } } }"


class Asked(Style):
    """Elasticsearch: `from` and `size` as numbers, and the total beside the rows."""

    settings: ClassVar = {
        "count_path": "/api/get",
        "total": "body:hits.total",
        "rows_key": "hits.hits",
        "body": {"query": {"match_all": {}}, "size": 0},
        "paging": {"param": "body:from", "limit_param": "body:size", "size": 25},
    }

    def answer(self, start: int, limit: int, request: Request) -> Answer:
        right = request.method == "POST" and request.headers.get("content-type") == "application/json"
        if not right or request.query:
            return 400, {}, {"error": "no search"}
        return self.found(json.loads(request.body))

    def found(self, asked: dict[str, Any]) -> Answer:
        """The answer to a body."""
        assert asked["query"] == {"match_all": {}}
        rows = self.slice(asked.get("from", 0), asked["size"])
        return 200, {}, {"hits": {"hits": rows, "total": self.total}}


class CountsByABodyOfItsOwn(Asked):
    """Elasticsearch's `_count` refuses what belongs to a search."""

    settings: ClassVar = Asked.settings | {
        "count_path": "/api/count",
        "total": "body:count",
        "count_body": {"query": {"match_all": {}}},
    }

    def refusal(self, request: Request) -> Answer | None:
        if request.asks_for != "count":
            return None
        right = request.method == "POST" and json.loads(request.body) == {"query": {"match_all": {}}}
        return (200, {}, {"count": self.total}) if right else (400, {}, {"error": "no count"})


class CountsByABodyAlone(Style):
    """Rows are read by GET, and counted by a query in GraphQL."""

    settings: ClassVar = {
        "total": "body:data.total",
        "count_body": {"query": "{ total }"},
        "paging": {"size": 25},
    }

    def refusal(self, request: Request) -> Answer | None:
        if request.asks_for != "count":
            return None
        right = request.method == "POST" and json.loads(request.body) == {"query": "{ total }"}
        return (200, {}, {"data": {"total": self.total}}) if right else (400, {}, {})


class AskedForPages(Asked):
    """`page` is nested, the limit stands in the query."""

    settings: ClassVar = Asked.settings | {
        "total": "none",
        "body": {"filter": ["é"]},
        "paging": {"style": "page", "param": "body:page.number", "limit_param": "body:page.size", "size": 25},
    }

    def found(self, asked: dict[str, Any]) -> Answer:
        assert asked["filter"] == ["é"]
        rows = self.slice(asked["page"]["number"] * 25 - 25, asked["page"]["size"])
        return 200, {}, {"hits": {"hits": rows}}


class AnswersGraphQL(Asked):
    """Relay's connections."""

    settings: ClassVar = {
        "count_path": "/api/get",
        "total": "body:data.fires.totalCount",
        "rows_key": "data.fires.nodes",
        "body": {"query": QUERY, "variables": {"after": None}},
        "paging": {
            "style": "cursor",
            "param": "body:variables.after",
            "token": "body:data.fires.pageInfo.endCursor",
            "more": "body:data.fires.pageInfo.hasNextPage",
        },
    }

    def found(self, asked: dict[str, Any]) -> Answer:
        assert asked["query"] == QUERY
        at = int(asked["variables"]["after"] or 0)
        page = {"hasNextPage": at + 25 < self.total, "endCursor": str(at + 25)}
        fires = {"nodes": self.slice(at, 25), "pageInfo": page, "totalCount": self.total}
        return 200, {}, {"data": {"fires": fires}}


class AnswersGraphQLWithoutATotal(AnswersGraphQL):
    settings: ClassVar = AnswersGraphQL.settings | {"total": "none"}


class SearchesBehindARow(Asked):
    """Elasticsearch's `search_after`: a number in an array."""

    settings: ClassVar = Asked.settings | {
        "total": "none",
        "body": {"query": {"match_all": {}}, "search_after": [-1]},
        "paging": {"style": "cursor", "param": "body:search_after.0", "token": "row:id"},
    }

    def found(self, asked: dict[str, Any]) -> Answer:
        (after,) = asked["search_after"]
        return 200, {}, {"hits": {"hits": self.slice(after + 1, 25)}}


class ThrottlesNowAndThen(AnswersGraphQL):
    """Errors with status 200 that pass: every third answer."""

    def answer(self, start: int, limit: int, request: Request) -> Answer:
        if self.asked % 3 == 1:
            error = {"message": "Throttled", "extensions": {"code": "THROTTLED"}}
            return 200, {}, {"data": None, "errors": [error]}
        return super().answer(start, limit, request)


class LinksBetweenPosts(LinksInTheBody):
    settings: ClassVar = LinksInTheBody.settings | {"body": {}}

    def answer(self, start: int, limit: int, request: Request) -> Answer:
        return super().answer(start, limit, request) if request.body == b"{}" else (400, {}, {})


HONEST = [
    Asked,
    CountsByABodyOfItsOwn,
    CountsByABodyAlone,
    AskedForPages,
    AnswersGraphQL,
    AnswersGraphQLWithoutATotal,
    SearchesBehindARow,
    ThrottlesNowAndThen,
    LinksBetweenPosts,
]


class LeavesOutWhatItCouldNotRead(AnswersGraphQL):
    """GraphQL's partial answer: rows, and an error beside them."""

    def found(self, asked: dict[str, Any]) -> Answer:
        status, headers, body = super().found(asked)
        return status, headers, {"errors": [{"message": "no access to one"}], **body}


class LeavesOutPlannedRows(Asked):
    def found(self, asked: dict[str, Any]) -> Answer:
        status, headers, body = super().found(asked)
        return status, headers, {**body, "errors": [{"message": "a shard is down"}]}


LYING = [LeavesOutWhatItCouldNotRead, LeavesOutPlannedRows]
