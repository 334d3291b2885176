"""Asking: single requests to an API that is not known yet, bounded in number, size and time."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar
from urllib.parse import urljoin

import requests
from requests.structures import CaseInsensitiveDict

from include.transfer.errors import Fatal, NotRows, SourceRefused, SourceUnavailable, TransferError
from include.transfer.probe.shape import Rows, Shape, read_rows
from include.transfer.redact import redact
from include.transfer.source.answers import located
from include.transfer.source.chains import Answer, Ask
from include.transfer.source.endpoint import Endpoint
from include.transfer.source.fetch import chunks, request
from include.transfer.source.pace import Patience
from include.transfer.source.redirects import OwnHostOnly

MOST_REQUESTS = 120
MOST_BYTES = 8 << 20
BRIEF = 1 << 20  # of an answer like one that was too long
PATIENCE = Patience(attempts=3, first_wait=0.3, longest_wait=5, longest_retry_after=30, connect=10, read=30)
_REFUSED_FOR_ALL = {401, 403, 407, 429}

T = TypeVar("T")
Pair = tuple[str, str]
Pairs = list[Pair]


@dataclass(frozen=True)
class Body:
    """An answer as it came. `whole`: all of it; of a long one the beginning is read."""

    url: str
    headers: CaseInsensitiveDict[str]
    text: bytes
    whole: bool


@dataclass(frozen=True)
class Reply:
    """An answer read as rows."""

    url: str
    headers: CaseInsensitiveDict[str]
    found: Rows
    whole: bool

    @property
    def rows(self) -> list[dict[str, Any]]:
        return self.found.rows

    @property
    def around(self) -> Any:
        """The body without its rows."""
        return self.found.around

    @property
    def answer(self) -> Answer:
        """As a chain's `next` takes it."""
        last = self.rows[-1] if self.rows else None
        return Answer(None, self.url, self.headers, self.around, last, len(self.rows))


@dataclass
class Asker:
    """Requests for what stands at `path`. `tell` gets a line for each.

    `most_bytes`: of an answer. Its `query` goes with every request, except what a request itself names.
    """

    endpoint: Endpoint
    path: str
    query: Pairs
    tell: Callable[[str], None]
    patience: Patience = PATIENCE
    accept: str = "application/json"
    most_bytes: int = MOST_BYTES
    shape: Shape = field(default_factory=Shape)
    asked: int = 0

    def __post_init__(self) -> None:
        self._session = OwnHostOnly(self.endpoint.session(), self.endpoint.base_url)

    def fetch(self, params: Iterable[tuple[str, str]] = (), path: str = "") -> Body:
        """One answer. Raises the errors of a source that cannot be asked; they repeat no secret."""
        return self._ask(self._url(path or self.path), self._with(params), lambda body: body)

    def rows(self, params: Iterable[tuple[str, str]] = ()) -> Reply | None:
        """The rows of an answer; None where the API refuses, or answers with something else.

        Raises SourceRefused or SourceUnavailable where it refuses everybody without credentials, or for now.
        """
        return self._rows(self._url(self.path), self._with(params))

    def ask(self, ask: Ask) -> Reply | None:
        """As `rows`, for what a style of paging asks."""
        if ask.path:
            return self._rows(urljoin(self.endpoint.base_url, ask.path), ask.params)
        return self.rows(ask.params)

    def _rows(self, url: str, params: Pairs) -> Reply | None:
        def read(body: Body) -> Reply:
            found = read_rows(body.text, self.shape, whole=body.whole)
            self.tell(f"GET {redact(body.url)}: {len(found.rows):,} rows")
            return Reply(body.url, body.headers, found, body.whole)

        try:
            return self._ask(url, params, read)
        except TransferError as error:
            if not _of_this_request(error):
                raise
            self.tell(f"{error.where or 'GET ' + redact(url)}: {error.got}")
            return None

    def _ask(self, url: str, params: Pairs, read: Callable[[Body], T]) -> T:
        headers = {"Accept": self.accept, "Accept-Encoding": "gzip"}
        for attempt in self.patience.retrying():
            with attempt:
                self.asked += 1
                if self.asked > MOST_REQUESTS:
                    raise Fatal(f"not recognised within {MOST_REQUESTS} requests", where=redact(url))
                session = self._session
                with (
                    request(session, url, params, headers, self.patience) as response,
                    located(response, session),
                ):
                    return read(_body(response, self.most_bytes))
        raise AssertionError("unreachable: the last attempt raises")  # pragma: no cover

    def _url(self, path: str) -> str:
        return f"{self.endpoint.base_url.rstrip('/')}/{path.lstrip('/')}"

    def _with(self, params: Iterable[tuple[str, str]]) -> Pairs:
        given = list(params)
        names = {name for name, _ in given}
        return [*(pair for pair in self.query if pair[0] not in names), *given]

    def without(self, names: Iterable[str]) -> "Asker":
        """The same without these parameters of its own."""
        left_out = set(names)
        return replace(self, query=[pair for pair in self.query if pair[0] not in left_out])


def _of_this_request(error: TransferError) -> bool:
    """Whether another request may be answered: this one's parameters were refused, or broke the server."""
    status = re.match(r"status (\d+)", error.got)
    all_refused = status is not None and int(status[1]) in _REFUSED_FOR_ALL
    return isinstance(error, SourceRefused | SourceUnavailable | NotRows) and not all_refused


def _body(response: requests.Response, most: int) -> Body:
    text, whole = bytearray(), True
    for chunk in chunks(response):
        text += chunk
        if len(text) > most:
            whole = False
            break
    return Body(response.url, response.headers, bytes(text), whole)
