"""The source: how many rows it has, and the rows of a batch, whatever it takes to get them all once."""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TypeVar

import requests

from include.transfer.batches import Batch
from include.transfer.dataset import Dataset
from include.transfer.errors import (
    NotRows,
    SourceChanged,
    SourceRefused,
    SourceUnavailable,
    TransferError,
    WrongRowCount,
)
from include.transfer.redact import redact
from include.transfer.source.answers import blocks_of, located
from include.transfer.source.count import Count, read_version
from include.transfer.source.fetch import get
from include.transfer.source.json_rows import Block
from include.transfer.source.pace import Pace, Patience
from include.transfer.source.paging import PAGINGS, Params, pairs
from include.transfer.source.redirects import OwnHostOnly
from include.transfer.source.row_hashes import ROW_BYTES, RowHashes
from include.transfer.source.totals import total_of

T = TypeVar("T")
log = logging.getLogger(__name__)

# What APIs answer to a request behind their last row, if not with none.
_BEHIND_THE_END = {400, 404, 410, 416, 422}
_TOO_LARGE = {413, 504}
_SMALLEST_PART = 16
_ROWS_LOOKED_AT = 1_000


@dataclass(frozen=True)
class Behind:
    """What came of a request behind the last row.

    `end`: `empty`, `refused` (by a status, or an answer without rows), or `rows`, whose `hashes` follow.
    """

    at: int
    end: str
    hashes: bytes = b""


class Api:
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
        self._asking = dataset  # with a page_size that the source can give
        self._paging = PAGINGS[dataset.paging]
        self._session = OwnHostOnly(session, base_url)
        self._base_url = base_url.rstrip("/")
        self._patience = patience or Patience()
        self._pace = pace or Pace(dataset.requests_per_minute)

    @property
    def url(self) -> str:
        """Where the rows are, without credentials."""
        return redact(self._url(self.dataset.rows_path))

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
        """Ask how many rows there are, in the way that the dataset's `total` names."""
        return total_of(self.dataset).count(self.dataset, self._ask)

    def _ask(self, path: str, params: Params, accept: str, read: Callable[[requests.Response], T]) -> T:
        """Make one request, again where it fails for a passing reason, and read its answer."""
        for attempt in self._patience.retrying():
            with attempt, self._open(path, params, accept) as response:
                return read(response)
        raise AssertionError("unreachable: the last attempt raises")  # pragma: no cover

    @contextmanager
    def _open(
        self, path: str, params: Params, accept: str, row: int | None = None
    ) -> Iterator[requests.Response]:
        """One request's answer; errors name the request, and from which row on it was."""
        url, headers = self._url(path), {"Accept": accept, "Accept-Encoding": self.dataset.accept_encoding}
        self._pace.wait(self._patience, f"GET {redact(url)}")
        with (
            get(self._session, url, params, headers, self._patience) as response,
            located(response, self._session, row),
        ):
            self._pace.note(response.headers)
            yield response

    def rows(self, batch: Batch, hashes: RowHashes | None = None) -> Iterator[Block]:
        """The rows of `batch`, each once, in blocks of bounded size. `hashes` takes note of each.

        An answer that breaks off is continued by another request from the row reached; one that holds
        fewer rows than were asked for (a server's own cap) is too. Raises WrongRowCount if the source
        has no more rows or gives too many, RowsRepeated if two answers are the same, SourceChanged if its
        version changes on the way.
        """
        self.version = None
        done = 0
        seen = hashes or RowHashes(self.url)

        def reached() -> int:
            return done

        for attempt in self._patience.retrying(reached):
            with attempt:
                while done < batch.limit:
                    before = done
                    seen.begin_page(batch.start + done)
                    for block in self._page(batch, done):
                        seen.add(block)
                        done += len(block.rows)
                        yield block
                    self._check_progress(batch, before, done)
                seen.end_page()

    def again(self, batch: Batch, at: int, most: int) -> bytes:
        """The hashes of at most `most` rows that the request from row `at` of `batch` on brings now.

        No more of the answer is read. Raises the errors of a source that cannot be asked.
        """
        rest = Batch(batch.start + at, batch.limit - at, batch.total)
        for attempt in self._patience.retrying():
            with attempt:
                return self._first_hashes(rest, most)
        raise AssertionError("unreachable: the last attempt raises")  # pragma: no cover

    def _first_hashes(self, batch: Batch, most: int) -> bytes:
        found = b""
        for block in self._page(batch, 0):
            found += block.hashes
            if len(found) >= most * ROW_BYTES:
                break
        return found[: most * ROW_BYTES]

    def behind(self, total: int) -> Behind:
        """What one request behind the last of `total` rows brings.

        Raises the errors of a source that cannot be asked.
        """
        at = self._paging.behind(self.dataset, total)
        for attempt in self._patience.retrying():
            with attempt:
                try:
                    return self._found(at)
                except SourceRefused as error:
                    if error.status not in _BEHIND_THE_END:
                        raise
                    return Behind(at, "refused")
                except NotRows:
                    return Behind(at, "refused")
        raise AssertionError("unreachable: the last attempt raises")  # pragma: no cover

    def _found(self, at: int) -> Behind:
        try:
            rows = self._first_hashes(Batch(at, self.dataset.page_size or 1), _ROWS_LOOKED_AT)
        except WrongRowCount:  # more than were asked for
            return Behind(at, "rows")
        return Behind(at, "rows" if rows else "empty", rows)

    def _page(self, batch: Batch, done: int) -> Iterator[Block]:
        """One request's rows, from row `done` of the batch on; of a smaller page where that is too large."""
        while True:
            try:
                return (yield from self._answer(batch, done))
            except (SourceRefused, SourceUnavailable) as error:
                if error.status not in _TOO_LARGE:
                    raise
                self._ask_for_less(error, batch.limit - done)

    def _answer(self, batch: Batch, done: int) -> Iterator[Block]:
        at = batch.start + done
        params, window = self._paging.request(self._asking, at, batch.limit - done)
        params = [*pairs(self.dataset.query), *params]
        with self._open(self.dataset.rows_path, params, self.dataset.accept, at) as response:
            self._check_version(response.headers, batch, done)
            held = yield from window.of(blocks_of(response, self.dataset.rows_key))
        self._check_total(batch, at, at - window.skip + held)

    def _ask_for_less(self, error: SourceRefused | SourceUnavailable, left: int) -> None:
        """Ask for smaller pages from here on. Raises `error` where there are none, or to wait before."""
        size, passing = self._asking.page_size or left, isinstance(error, SourceUnavailable)
        smaller = self._paging.smaller(self.dataset, size)
        # A gateway that is down for a while must not leave pages of one row behind.
        if not smaller or (passing and smaller * _SMALLEST_PART < (self.dataset.page_size or left)):
            error.fix = "set a smaller page_size: the source cannot give so many rows at once"
            raise error
        log.warning("%s: %s; asking for %d rows at once instead of %d", error.where, error.got, smaller, size)
        self._asking = replace(self._asking, page_size=smaller)
        if passing:
            raise error

    def _check_version(self, headers: Mapping[str, str], batch: Batch, done: int) -> None:
        version = read_version(headers, self.dataset)
        if done and version != self.version:
            fix = "the batch is copied again"
            if self._version_at(batch) == self.version:
                fix += (
                    f"; the first page still has the first version: if {self.dataset.version_header} is of "
                )
                fix += "each answer and not of the dataset, empty version_header"
            raise SourceChanged(
                f"its version changed from {self.version} to {version} while a batch was read",
                where=f"GET {self.url}",
                fix=fix,
            )
        self.version = version

    def _version_at(self, batch: Batch) -> str | None:
        params, _ = self._paging.request(self._asking, batch.start, batch.limit)
        params = [*pairs(self.dataset.query), *params]
        with self._open(self.dataset.rows_path, params, self.dataset.accept) as response:
            return read_version(response.headers, self.dataset)

    def _check_total(self, batch: Batch, at: int, reached: int) -> None:
        """A page with more rows than were counted: the count is wrong, unless the source has grown."""
        total = batch.total
        if total is not None and reached > total >= self.count().rows:
            raise WrongRowCount(
                f"it brought rows up to {reached:,}, and {total:,} were counted",
                where=f"GET {self.url} (rows from {at:,} on)",
                fix="check count_path and total (a page's own, estimated or capped number is no total), "
                "first_page and first_offset",
            )

    def _check_progress(self, batch: Batch, before: int, done: int) -> None:
        at = batch.start + done
        if done == before:
            raise WrongRowCount(
                f"no row at offset {at:,}, and {batch.limit - done:,} more were counted",
                where=f"GET {self.url}",
                fix="the source has fewer rows than it counted: clear the whole run",
            )
        short = done < batch.limit and (done - before) < (self.dataset.page_size or batch.limit)
        if short and not self._paging.may_end(self.dataset, at):
            raise WrongRowCount(
                f"a page of {self.dataset.page_size:,} rows ended at row {at:,}, before the batch did",
                where=f"GET {self.url}",
                fix="set page_size to the number of rows that the API serves in a page, first_page to the "
                "number of its first",
            )
