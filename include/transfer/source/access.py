"""Access: how a dataset's source is asked: one session, one pace, errors that name the request."""

import copy
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Self, TypeVar
from urllib.parse import urljoin

import requests

from include.transfer.dataset import Dataset
from include.transfer.errors import BadSettings, SourceChanged, TransferError, WrongRowCount
from include.transfer.redact import redact
from include.transfer.source.answers import blocks_of, located
from include.transfer.source.blocks import Block
from include.transfer.source.bodies import as_json, placed
from include.transfer.source.chains import Answer, Ask, Chained, Link
from include.transfer.source.count import Count, read_provenance, read_version
from include.transfer.source.fetch import method_of, request
from include.transfer.source.json_rows import Around
from include.transfer.source.pace import Pace, Patience
from include.transfer.source.paging import Params, pairs
from include.transfer.source.redirects import OwnHostOnly
from include.transfer.source.totals import total_of
from include.transfer.source.windows import Span, Window
from include.transfer.source.within import Within, within

log = logging.getLogger(__name__)

T = TypeVar("T")

_COUNTS = 5


class Access:
    """One dataset of an HTTP API. `session` carries credentials, proxies and TLS settings.

    `pace`: by default the dataset's requests_per_minute are for this one alone.
    """

    def __init__(
        self,
        session: requests.Session,
        base_url: str,
        dataset: Dataset,
        patience: Patience | None = None,
        pace: Pace | None = None,
    ) -> None:
        self.dataset = dataset
        self.version: str | None = None  # of the rows read last
        self.provenance = ""  # what the source says that its rows are
        self.patience = patience or Patience()
        self._within: Within | None = None
        self._left_out: Dataset | None = None  # rows that an open filter asks for beside the window's
        self._session = OwnHostOnly(session, base_url)
        self._base_url = base_url.rstrip("/")
        self._pace = pace or Pace(dataset.requests_per_minute)

    def within(self, window: Window, span: Span) -> Self:
        """The same source, asked for the rows of this span alone; raises OutOfWindow for others."""
        part = copy.copy(self)  # of one session and one pace
        part.dataset, part._within = within(self.dataset, window, span), Within(window, span)
        part._left_out = within(self.dataset, window, window.behind(span)) if window.open else None
        return part

    def blocks(self, response: requests.Response, around: Around | None = None) -> Iterator[Block]:
        """The rows of an answer, looked at where all that is asked for is of the window."""
        blocks = blocks_of(response, self.dataset, around=around)
        return self._within.checked(blocks) if self._within and not self._within.open else blocks

    @property
    def chained(self) -> Chained:
        """How one answer leads to the next. Raises BadSettings where batches are planned instead."""
        if self.dataset.chained:
            return self.dataset.chained
        raise BadSettings("its batches are planned", where=f"dataset {self.dataset.name!r}")

    def next(self, answer: Answer) -> str | None:
        """Where an answer leads, without the key that its link may repeat; None: it was the last."""
        mark = self.chained.next(answer)
        return self._session.without_login(mark) if mark and isinstance(self.dataset.paging, Link) else mark

    @property
    def url(self) -> str:
        """Where the rows are, without credentials."""
        return redact(self._url(self.dataset.rows_path))

    @property
    def asked(self) -> str:
        """A request for rows, as errors name it."""
        return f"{'GET' if self.dataset.body is None else 'POST'} {self.url}"

    @contextmanager
    def secrets_hidden(self) -> Iterator[None]:
        """Hide what the connection holds in errors about its rows: a source may repeat it."""
        try:
            yield
        except TransferError as error:
            error.rewrite(self._session.without_secrets)
            raise error from None

    def _url(self, path: str) -> str:
        return f"{self._base_url}/{path.lstrip('/')}"

    def count(self) -> Count:
        """Ask how many rows there are, in the way that the dataset's `total` names.

        Of a window with an open end: less those behind it, which are counted before and after. Raises
        WrongRowCount where they are more, SourceChanged where more of them come each time.
        """
        if self._left_out is None:
            return self._count(self.dataset)
        behind = self._count(self._left_out)
        for _ in range(_COUNTS):
            found, again = self._count(self.dataset), self._count(self._left_out)
            if again.rows == behind.rows:
                return self._less(found, behind)
            behind = again
        raise SourceChanged("rows came behind the window each time that it was counted", where=self.asked)

    def _less(self, found: Count, behind: Count) -> Count:
        if behind.rows > found.rows:
            got = f"it counts {found.rows:,} rows, and {behind.rows:,} in a part of them"
            raise WrongRowCount(got, where=self.asked, fix="correct window's parameters and count_path")
        log.info(
            "%d rows are asked for, of which %d are behind the window: left out", found.rows, behind.rows
        )
        return Count(found.rows - behind.rows, found.version)

    def _count(self, dataset: Dataset) -> Count:
        return total_of(dataset).count(dataset, self._ask)

    def named_version(self) -> str | None:
        """The version that the first answer of a chain names, where no count is asked for one."""
        if not self.dataset.version_header and not self.dataset.provenance_header:
            return None
        for attempt in self.patience.retrying():
            with attempt, self.open(self.chained.request(None), 0) as response:
                return read_version(response.headers, self.dataset)
        raise AssertionError("unreachable: the last attempt raises")  # pragma: no cover

    def _ask(
        self,
        path: str,
        params: Params,
        accept: str,
        read: Callable[[requests.Response], T],
        body: Mapping[str, Any] | None = None,
    ) -> T:
        """Make one request, again where it fails for a passing reason, and read its answer.

        `body`: posted in place of the dataset's.
        """
        for attempt in self.patience.retrying():
            with attempt, self._open(self._url(path), params, accept, body=body) as response:
                return read(response)
        raise AssertionError("unreachable: the last attempt raises")  # pragma: no cover

    @contextmanager
    def open(self, ask: Ask, row: int | None = None) -> Iterator[requests.Response]:
        """The answer to a request for rows, from `row` on."""
        if ask.path:  # that the server named, with all of its parameters
            url, params = urljoin(self._base_url, ask.path), ask.params
        else:
            url, params = self._url(self.dataset.rows_path), [*pairs(self.dataset.query), *ask.params]
        with self._open(url, params, self.dataset.accept, row) as response:
            yield response

    @contextmanager
    def _open(
        self,
        url: str,
        params: Params,
        accept: str,
        row: int | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> Iterator[requests.Response]:
        """One request's answer; errors name the request, and from which row on it was."""
        headers = {"Accept": accept, "Accept-Encoding": self.dataset.accept_encoding}
        query, sent = placed(self.dataset, params) if body is None else (params, as_json(body))
        if sent is not None:
            headers["Content-Type"] = "application/json"
        self._pace.wait(self.patience, f"{method_of(sent)} {redact(url)}")
        with (
            request(self._session, url, query, headers, self.patience, sent) as response,
            located(response, self._session, row),
        ):
            self._pace.note(response.headers)
            if said := read_provenance(response.headers, self.dataset):
                self.provenance = self._session.without_secrets(said)
            yield response

    def check_version(self, headers: Mapping[str, str], first: Ask, *, new: bool) -> None:
        """Keep the version that a `new` reading begins with; raise SourceChanged where another follows.

        `first`: the request that the reading began with.
        """
        version = read_version(headers, self.dataset)
        if not new and version != self.version:
            fix, header = "it is copied again", self.dataset.version_header
            with self.open(first) as again:
                if read_version(again.headers, self.dataset) == self.version:
                    fix += (
                        f"; the first answer still has the first version: if {header} is of each answer and "
                        "not of the dataset, empty version_header"
                    )
            raise SourceChanged(
                f"its version changed from {self.version} to {version} while its rows were read",
                where=self.asked,
                fix=fix,
            )
        self.version = version
