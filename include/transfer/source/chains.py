"""Chains: each answer leads to the next, so that no request can be planned. One small class a style.

A mark is what an answer named for the next request, as text; receipts keep it. None: the first request, and
from `next`: there is no further one.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Protocol
from urllib.parse import urljoin, urlsplit

from include.transfer.documents import brief
from include.transfer.errors import NotRows, SourceRefused
from include.transfer.redact import redact
from include.transfer.source.count import keys

if TYPE_CHECKING:
    from include.transfer.source.paging import Planned

PLACE = re.compile(r"(body|header|row):\S+")


@dataclass(frozen=True)
class Answer:
    """What came besides the rows. `around`: the body without its rows; `last`: the last row, if any."""

    mark: str | None
    url: str
    headers: Mapping[str, str]
    around: Any
    last: Mapping[str, Any] | None
    rows: int


@dataclass(frozen=True)
class Ask:
    """A request: these parameters, sent to the dataset's path or to a `path` that the server named."""

    params: list[tuple[str, str]]
    path: str = ""


class Chained(Protocol):
    """A style of paging in which one task walks from answer to answer.

    `COUNTS`: marks are counted through, so that only an answer without rows, or a refusal, ends the chain.
    """

    COUNTS: ClassVar[bool]

    def request(self, mark: str | None) -> Ask:
        """What is asked for at a mark. The parameters of the dataset's query are not among them."""

    def next(self, answer: Answer) -> str | None:
        """Where the answer leads; None: it was the last one."""


@dataclass(frozen=True, kw_only=True)
class Cursor:
    """`?cursor=b64…`: what an answer named is sent back to get the next.

    `token`: where it stands: `body:meta.next`, `header:X-Next`, or `row:id` for a field of the last row.
    `first`: what the first request sends, if anything. `more`: where the answer says whether there is a next,
    if it does. `until`: the chain ends with an answer that names no `token`, or with an `empty` one.
    """

    COUNTS: ClassVar[bool] = False

    style: str = field(default="cursor", init=False)
    token: str = ""
    param: str = "cursor"
    limit_param: str = "limit"
    size: int = 0
    first: str = ""
    more: str = ""
    until: str = "token"

    def wrong(self) -> str:
        """What its settings lack; empty: nothing."""
        if not PLACE.fullmatch(self.token):
            return "paging by cursor needs a token: body:meta.next, header:X-Next or row:id"
        if self.more and not re.fullmatch(r"(body|header):\S+", self.more):
            return "paging's more is no place: body:has_more or header:X-More"
        return "" if self.until in ("token", "empty") else "paging's until is neither token nor empty"

    def request(self, mark: str | None) -> Ask:
        sent = self.first if mark is None else mark
        params = [(self.param, sent)] if sent else []
        return Ask([*params, *_limit(self)])

    def next(self, answer: Answer) -> str | None:
        ends_empty = self.until == "empty" or self.token.startswith("row:")
        if ends_empty and not answer.rows:
            return None
        if self.more and found(self.more, answer) in (None, False, "", 0, "false"):
            return None
        token = found(self.token, answer)
        if token in (None, "", False):
            return _missing(self.token, answer) if self.token.startswith("row:") else None
        if isinstance(token, bool | dict | list):
            raise NotRows(f"{self.token} is {brief(token)}, not text", fix="correct paging's token")
        if str(token) == answer.mark and not answer.rows:  # so Solr says that it has ended
            return None
        return str(token)


@dataclass(frozen=True, kw_only=True)
class Link:
    """`Link: <…?page=2>; rel="next"`: an answer names the next one's URL.

    `url`: where: the header, `body:links.next` or `body:link[relation=next].url`. It must be of the
    connection's own origin. `size`: rows in one request, sent with the first alone; 0: as the server likes.
    """

    COUNTS: ClassVar[bool] = False

    style: str = field(default="link", init=False)
    url: str = "header:Link"
    limit_param: str = "limit"
    size: int = 0

    def wrong(self) -> str:
        """What its settings lack; empty: nothing."""
        right = re.fullmatch(r"(body|header):\S+", self.url)
        return "" if right else "paging's url is no place: header:Link or body:links.next"

    def request(self, mark: str | None) -> Ask:
        return Ask(_limit(self)) if mark is None else Ask([], mark)

    def next(self, answer: Answer) -> str | None:
        value = found(self.url, answer)
        if isinstance(value, dict):
            value = value.get("href")  # HAL
        if value and self.url.lower() == "header:link":
            from requests.utils import parse_header_links  # here: a DAG file that parses needs no requests

            links = parse_header_links(str(value))
            value = next((link["url"] for link in links if "next" in link.get("rel", "").split()), None)
        if not value:
            return None
        if not isinstance(value, str):
            raise NotRows(f"{self.url} is {brief(value)}, not a URL", fix="correct paging's url")
        return _of_origin(answer.url, value)


@dataclass(frozen=True, kw_only=True)
class Single:
    """One answer has all rows."""

    COUNTS: ClassVar[bool] = False

    style: str = field(default="none", init=False)

    def request(self, mark: str | None) -> Ask:
        return Ask([])

    def next(self, answer: Answer) -> str | None:
        return None


@dataclass(frozen=True)
class UntilEmpty:
    """Paging by offset or page where no total is known: on to an answer without rows.

    `limit`: rows in one request, where the paging has no size.
    """

    COUNTS: ClassVar[bool] = True

    paging: "Planned"
    limit: int

    def request(self, mark: str | None) -> Ask:
        return Ask(self.paging.request(int(mark or 0), self.limit)[0])

    def next(self, answer: Answer) -> str | None:
        return str(self.paging.after(int(answer.mark or 0), answer.rows)) if answer.rows else None


def found(place: str, answer: Answer) -> Any:
    """What stands at a place of an answer: `body:key.key`, `header:Name` or `row:field`; None: nothing.

    In a body's path `key[field=value]` is the first object of an array whose `field` has this value; with a
    slash in front the path is a JSON pointer (RFC 6901).
    """
    kind, _, name = place.partition(":")
    if kind == "header":
        return {key.lower(): value for key, value in answer.headers.items()}.get(name.lower())
    if kind == "row":
        return answer.last.get(name) if answer.last else None
    at = answer.around
    for key in keys(name) if name.startswith("/") else re.findall(r"\[[^\]]*\]|[^.[]+", name):
        if isinstance(at, list) and key.isdigit() and int(key) < len(at):
            at = at[int(key)]
        elif isinstance(at, list) and key.startswith("["):
            field, _, value = key[1:-1].partition("=")
            at = next((each for each in at if isinstance(each, dict) and each.get(field) == value), None)
        else:
            at = at.get(key) if isinstance(at, dict) else None
    return at


def _limit(paging: Cursor | Link) -> list[tuple[str, str]]:
    return [(paging.limit_param, str(paging.size))] if paging.size and paging.limit_param else []


def _missing(place: str, answer: Answer) -> str:
    raise NotRows(
        f"the last of {answer.rows:,} rows has no {place.partition(':')[2]!r}", fix="correct paging's token"
    )


def _of_origin(base: str, link: str) -> str:
    """A link as path and query; another origin is refused: it would get what the connection sends."""
    whole = urljoin(base, link)
    here, there = urlsplit(base), urlsplit(whole)
    if (here.scheme, here.netloc) != (there.scheme, there.netloc):
        raise SourceRefused(
            f"the next answer is said to be at {redact(whole)}",
            fix="set the connection's host to that of the link, if it is the API's own",
        )
    return there._replace(scheme="", netloc="", fragment="").geturl()
