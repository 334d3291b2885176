"""The source: how many rows it has, and the rows of a batch, whatever it takes to get them all once."""

import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

import requests

from include.transfer.batches import Batch
from include.transfer.dataset import Dataset
from include.transfer.errors import BadSettings, Fatal, NotRows, SourceChanged, WrongRowCount, redact
from include.transfer.source.count import LARGEST_COUNT_BYTES, Count, read_count, read_version
from include.transfer.source.curl import configuration
from include.transfer.source.fetch import OwnHostOnly, Patience, chunks, get, without_secrets
from include.transfer.source.json_rows import Block, decode

log = logging.getLogger(__name__)


class Api:
    """One dataset of an HTTP API. `session` carries credentials, proxies and TLS settings."""

    def __init__(
        self, session: requests.Session, base_url: str, dataset: Dataset, patience: Patience | None = None
    ) -> None:
        self.dataset = dataset
        self.version: str | None = None  # of the rows read last
        self._session = OwnHostOnly(session)
        self._base_url = base_url.rstrip("/")
        self._patience = patience or Patience()

    @property
    def url(self) -> str:
        """Where the rows are, without credentials."""
        return redact(self._url(self.dataset.rows_path))

    def count_url(self) -> str:
        """Where the number of rows is, with the query of every request."""
        url = self._url(self.dataset.count_path)
        return _without_login(str(requests.Request("GET", url, params=self._query()).prepare().url))

    def curl_headers(self) -> str:
        """The session's credentials and headers as lines of a configuration file of curl's."""
        url = self._url(self.dataset.count_path)
        request = requests.Request("GET", url, headers={"Accept": "application/json"})
        headers = self._session.prepare_request(request).headers
        unneeded = {"accept-encoding", "connection", "user-agent"}
        return configuration({n: str(value) for n, value in headers.items() if n.lower() not in unneeded})

    def _url(self, path: str) -> str:
        return f"{self._base_url}/{path.lstrip('/')}"

    def count(self) -> Count:
        """Ask how many rows there are."""
        url = self._url(self.dataset.count_path)
        headers = {"Accept": "application/json"}
        for attempt in self._patience.retrying():
            with attempt, get(self._session, url, self._query(), headers, self._patience) as response:
                body = b"" if self.dataset.total.startswith("header:") else self._small(response)
                with _located(response):
                    return read_count(body, response.headers, self.dataset, redact(url))
        raise AssertionError("unreachable: the last attempt raises")  # pragma: no cover

    def rows(self, batch: Batch) -> Iterator[Block]:
        """The rows of `batch`, each once, in blocks of bounded size.

        An answer that breaks off is continued by another request from the row reached; one that holds
        fewer rows than were asked for (a server's own cap) is too. Raises WrongRowCount if the source
        has no more rows or gives too many, SourceChanged if its version changes on the way.
        """
        self.version = None
        done = 0

        def reached() -> int:
            return done

        for attempt in self._patience.retrying(reached):
            with attempt:
                while done < batch.limit:
                    before = done
                    for block in self._page(batch, done):
                        done += len(block.rows)
                        yield block
                    self._check_progress(batch, before, done)

    def _page(self, batch: Batch, done: int) -> Iterator[Block]:
        """One request's rows, from row `done` of the batch on."""
        params, window = self._request(batch, done)
        url = self._url(self.dataset.rows_path)
        headers = {"Accept": self.dataset.accept, "Accept-Encoding": self.dataset.accept_encoding}
        at = batch.start + done
        with get(self._session, url, params, headers, self._patience) as response, _located(response, at):
            self._check_version(response.headers, done)
            ndjson = re.search("ndjson|jsonl", response.headers.get("Content-Type", ""), re.IGNORECASE)
            blocks = decode(chunks(response), ndjson=bool(ndjson), rows_key=self.dataset.rows_key)
            yield from window.of(blocks)

    def _small(self, response: requests.Response) -> bytes:
        """The body of a count; an API that answers with all its rows instead must not fill the memory."""
        body = bytearray()
        for chunk in chunks(response):
            body += chunk
            if len(body) > LARGEST_COUNT_BYTES:
                raise NotRows(
                    f"GET {redact(response.url)}: the count's answer is longer than "
                    f"{LARGEST_COUNT_BYTES >> 20} MB; expected a number; check count_path"
                )
        return bytes(body)

    def _request(self, batch: Batch, done: int) -> "tuple[list[tuple[str, str]], _Window]":
        """Parameters of the next request, and which of the rows it brings are wanted."""
        d = self.dataset
        at, left = batch.start + done, batch.limit - done
        if d.paging == "page":
            page, skip = divmod(at, d.page_size)
            offset, limit = page + d.first_page, d.page_size
            window = _Window(skip, min(limit - skip, left), limit)
        else:
            offset, limit = at, min(d.page_size or left, left)
            window = _Window(0, limit, (d.page_size or limit) if not d.limit_param else limit)
        params = [*self._query(), (d.offset_param, str(offset))]
        return ([*params, (d.limit_param, str(limit))] if d.limit_param else params), window

    def _query(self) -> list[tuple[str, str]]:
        pairs = []
        for name, value in self.dataset.query.items():
            values = value if isinstance(value, list | tuple) else [value]
            pairs += [(name, str(one)) for one in values]
        return pairs

    def _check_version(self, headers: Mapping[str, str], done: int) -> None:
        version = read_version(headers, self.dataset)
        if done and version != self.version:
            raise SourceChanged(
                f"GET {self.url}: the source changed from version {self.version} to {version} while a batch "
                f"was read; expected one version; the batch is copied anew"
            )
        self.version = version

    def _check_progress(self, batch: Batch, before: int, done: int) -> None:
        if done == before:
            raise WrongRowCount(
                f"GET {self.url}: no row at offset {batch.start + done:,}; expected {batch} "
                f"({batch.limit - done:,} more); the source has fewer rows than it counted; clear the whole "
                f"run"
            )
        short = done < batch.limit and (done - before) < (self.dataset.page_size or batch.limit)
        if short and self.dataset.paging == "page" and (batch.start + done) % self.dataset.page_size:
            raise WrongRowCount(
                f"GET {self.url}: a page ended at row {batch.start + done:,}; expected pages of "
                f"{self.dataset.page_size} rows up to {batch}; set page_size to what the API serves"
            )


@dataclass(frozen=True)
class _Window:
    """Which rows of an answer are wanted: `wanted` rows behind the first `skip`, of at most `offered`."""

    skip: int
    wanted: int
    offered: int

    def of(self, blocks: Iterator[Block]) -> Iterator[Block]:
        """The wanted rows; more than offered are an error: the API ignored its limit."""
        seen = 0
        for block in blocks:
            if seen + len(block.rows) > self.offered:
                raise WrongRowCount(
                    f"more than the {self.offered:,} rows that were asked for; expected no more; check "
                    f"offset_param, limit_param and page_size: the API seems to ignore one"
                )
            rows = block.rows[max(0, self.skip - seen) : max(0, self.skip + self.wanted - seen)]
            seen += len(block.rows)
            if rows:
                yield Block(rows)


@contextmanager
def _located(response: requests.Response, row: int | None = None) -> Iterator[None]:
    """Say in every error of a body which request it answered, from which row, and no secret it repeats."""
    try:
        yield
    except Fatal as error:
        text = without_secrets(error.message, response)
        if not text.startswith("GET "):
            text = f"GET {redact(response.url)} (rows from {row or 0:,} on): {text}"
        # `from None`: a log would show the cause, with what is hidden here.
        raise type(error)(text) from None


def _without_login(url: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def require_base_url(base_url: str) -> str:
    """Refuse a connection without a host before the first request does so less clearly."""
    if "://" not in base_url or base_url.endswith("://"):
        raise BadSettings(f"the connection's URL is {redact(base_url)!r}; expected a host; set conn_host")
    return base_url
