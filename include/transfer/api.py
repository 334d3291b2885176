"""The source: how many rows it has, and the rows of a batch, whatever it takes to get them all once."""

import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import requests

from include.datasets import Dataset
from include.transfer.batches import Batch
from include.transfer.count import Count, read_count, read_version
from include.transfer.decode import Block, decode
from include.transfer.errors import BadSettings, Fatal, SourceChanged, WrongRowCount, redact
from include.transfer.fetch import Patience, chunks, get

log = logging.getLogger(__name__)


class Api:
    """One dataset of an HTTP API. `session` carries credentials, proxies and TLS settings."""

    def __init__(
        self, session: requests.Session, base_url: str, dataset: Dataset, patience: Patience | None = None
    ) -> None:
        self.dataset = dataset
        self.version: str | None = None  # of the rows read last
        self._session = session
        self._base_url = base_url.rstrip("/")
        self._patience = patience or Patience()

    @property
    def url(self) -> str:
        """Where the rows are, without credentials."""
        return redact(self._url(self.dataset.rows_path))

    def count_url(self) -> str:
        """Where the number of rows is, with the query of every request."""
        url = self._url(self.dataset.count_path)
        return str(requests.Request("GET", url, params=self._query()).prepare().url)

    def curl_config(self) -> str:
        """The session's credentials and headers as a configuration file of curl's."""
        request = requests.Request("GET", self.count_url(), headers={"Accept": "application/json"})
        headers = self._session.prepare_request(request).headers
        unneeded = {"accept-encoding", "connection", "user-agent"}
        return "".join(
            f"header = {json.dumps(f'{name}: {value}', ensure_ascii=False)}\n"
            for name, value in headers.items()
            if name.lower() not in unneeded
        )

    def _url(self, path: str) -> str:
        return f"{self._base_url}/{path.lstrip('/')}"

    def count(self) -> Count:
        """Ask how many rows there are."""
        url = self._url(self.dataset.count_path)
        headers = {"Accept": "application/json"}
        for attempt in self._patience.retrying():
            with attempt, get(self._session, url, self._query(), headers, self._patience) as response:
                body = b"".join(chunks(response))
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
        params, skip, wanted = self._request(batch, done)
        url = self._url(self.dataset.rows_path)
        headers = {"Accept": self.dataset.accept, "Accept-Encoding": self.dataset.accept_encoding}
        at = batch.start + done
        with get(self._session, url, params, headers, self._patience) as response, _located(response, at):
            self._check_version(response.headers, done)
            ndjson = "ndjson" in response.headers.get("Content-Type", "")
            yield from _exactly(
                decode(chunks(response), ndjson=ndjson, rows_key=self.dataset.rows_key), skip, wanted
            )

    def _request(self, batch: Batch, done: int) -> tuple[list[tuple[str, str]], int, int]:
        """Parameters of the next request, the rows to skip at its start, and how many to take from it."""
        d = self.dataset
        at, left = batch.start + done, batch.limit - done
        if d.paging == "page":
            page, skip = divmod(at, d.page_size)
            offset, limit, wanted = page + d.first_page, d.page_size, min(d.page_size - skip, left)
        else:
            skip = 0
            offset = at
            limit = wanted = min(d.page_size or left, left)
        params = [*self._query(), (d.offset_param, str(offset))]
        return ([*params, (d.limit_param, str(limit))] if d.limit_param else params), skip, wanted

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
                f"({batch.limit - done:,} more); the source has fewer rows than it counted"
            )
        short = done < batch.limit and (done - before) < (self.dataset.page_size or batch.limit)
        if short and self.dataset.paging == "page" and (batch.start + done) % self.dataset.page_size:
            raise WrongRowCount(
                f"GET {self.url}: a page ended at row {batch.start + done:,}; expected pages of "
                f"{self.dataset.page_size} rows up to {batch}; set page_size to what the API serves"
            )


def _exactly(blocks: Iterator[Block], skip: int, wanted: int) -> Iterator[Block]:
    """Drop `skip` rows, pass `wanted`; more than these is an error: the API ignored its limit."""
    for block in blocks:
        rows = block.rows[skip:] if skip else block.rows
        skip = max(0, skip - len(block.rows))
        if len(rows) > wanted:
            raise WrongRowCount(
                f"more rows than asked for; expected {wanted:,} more at the most; "
                f"check offset_param, limit_param and page_size: the API seems to ignore one"
            )
        wanted -= len(rows)
        if rows:
            yield Block(rows, block.plain)


@contextmanager
def _located(response: requests.Response, row: int) -> Iterator[None]:
    """Say in every error of a body which request it answered, and from which row."""
    try:
        yield
    except Fatal as error:
        if str(error).startswith("GET "):
            raise
        where = redact(response.url)
        raise type(error)(f"GET {where} (rows from {row:,} on): {error}") from error


def require_base_url(base_url: str) -> str:
    """Refuse a connection without a host before the first request does so less clearly."""
    if "://" not in base_url or base_url.endswith("://"):
        raise BadSettings(f"the connection's URL is {redact(base_url)!r}; expected a host; set conn_host")
    return base_url
