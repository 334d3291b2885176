"""The source: how many rows it has, and the rows of a batch, whatever it takes to get them all once."""

import copy
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TypeVar

from include.transfer.batches import Batch
from include.transfer.errors import (
    BodyEmpty,
    NotRows,
    OutOfWindow,
    SourceRefused,
    SourceUnavailable,
    WrongRowCount,
)
from include.transfer.source.access import Access
from include.transfer.source.blocks import Block
from include.transfer.source.chains import Ask
from include.transfer.source.paging import Offset, Page
from include.transfer.source.row_hashes import ROW_BYTES, RowHashes

log = logging.getLogger(__name__)

T = TypeVar("T")

# What APIs answer to a request behind their last row, if not with none.
BEHIND_THE_END = {400, 404, 410, 416, 422}
_TOO_LARGE = {413, 504}
_SMALLEST_PART = 16
_ROWS_LOOKED_AT = 1_000


@dataclass(frozen=True)
class Behind:
    """What came of a request behind the last row.

    `end`: `empty`, `refused` (by a status, or an answer without rows), `capped` (refused, and so is a request
    for the last row that reaches behind it), `left out` (rows behind a window's open end), or `rows`, whose
    `hashes` follow.
    """

    at: int
    end: str
    hashes: bytes = b""


class Api(Access):
    """A source whose batches are planned. In a chain (walk.py) only its `Access` is of use."""

    _smaller: Offset | Page | None = None  # with a size that the source can give

    @property
    def paging(self) -> Offset | Page:
        """How batches are asked for. Raises BadSettings for a chain: it has none."""
        return self._smaller or self.dataset.planned

    def rows(self, batch: Batch, hashes: RowHashes | None = None) -> Iterator[Block]:
        """The rows of `batch`, each once, in blocks of bounded size. `hashes` takes note of each.

        An answer that breaks off is continued by another request from the row reached; one that holds
        fewer rows than were asked for (a server's own cap) is too. Raises WrongRowCount if the source
        has no more rows or gives too many, RowsRepeated if two answers are the same, SourceChanged if its
        version changes on the way.
        """
        self.version = None
        done = 0
        seen = hashes or RowHashes(self.asked)

        def reached() -> int:
            return done

        for attempt in self.patience.retrying(reached):
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
        return self.some(rest, lambda blocks: _first_hashes(blocks, most))

    def some(self, batch: Batch, take: Callable[[Iterator[Block]], T]) -> T:
        """What `take` makes of the first rows of `batch`, of one request; what it leaves is not read.

        Raises the errors of a source that cannot be asked.
        """
        for attempt in self.patience.retrying():
            with attempt:
                return take(self._page(batch, 0))
        raise AssertionError("unreachable: the last attempt raises")  # pragma: no cover

    def behind(self, total: int) -> Behind:
        """What one request behind the last of `total` rows brings; where it is refused, another across it.

        Raises the errors of a source that cannot be asked.
        """
        at = total if self._open_ended else self.paging.behind(total)
        for attempt in self.patience.retrying():
            with attempt:
                try:
                    return self._found(at)
                except SourceRefused as error:
                    if error.status not in BEHIND_THE_END:
                        raise
                    return Behind(at, "refused" if self._reaches_behind(total) else "capped")
                except (NotRows, BodyEmpty):
                    return Behind(at, "refused")
        raise AssertionError("unreachable: the last attempt raises")  # pragma: no cover

    def _reaches_behind(self, total: int) -> bool:
        """Whether the source answers a request that begins with its last row and asks for more.

        One that gives its first 10,000 rows alone, and says that it has so many, does not. Of pages it cannot
        be told, and where the last page was no full one, it has been asked already.
        """
        paging = self.paging
        if not (total and isinstance(paging, Offset) and paging.limit_param):
            return True
        if paging.size and total % paging.size:
            return True
        try:
            next(self._page(Batch(total - 1, 2), 0), None)
        except SourceRefused as error:
            return error.status not in BEHIND_THE_END
        except (NotRows, BodyEmpty, WrongRowCount):
            return True
        return True

    @property
    def _open_ended(self) -> bool:
        """Whether the source is asked for more rows than are wanted: see windows.py."""
        return self._within is not None and self._within.open

    def _found(self, at: int) -> Behind:
        # As many as a copy asks for: where all rows come again, they are known.
        limit = self.dataset.page_size or max(1, min(at, self.dataset.batch_size))
        part = copy.copy(self)
        if self._within and self._within.open:
            part._within = self._within.left_out
        try:
            rows = _first_hashes(part._page(Batch(at, limit), 0), _ROWS_LOOKED_AT)
        except WrongRowCount:  # more than were asked for
            return Behind(at, "rows")
        except OutOfWindow:
            if not self._open_ended:
                raise
            return Behind(at, "rows")
        if rows and self._open_ended:
            return Behind(at, "left out")
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
        params, crop = self.paging.request(at, batch.limit - done)
        first = Ask(self.paging.request(batch.start, batch.limit)[0])
        with self.open(Ask(params), at) as response:
            self.check_version(response.headers, first, new=not done)
            wanted = crop.of(self.blocks(response))
            held = yield from (self._within.wanted(wanted) if self._within and self._open_ended else wanted)
        if not self._open_ended:
            self._check_total(batch, at, at - crop.skip + held)

    def _ask_for_less(self, error: SourceRefused | SourceUnavailable, left: int) -> None:
        """Ask for smaller pages from here on. Raises `error` where there are none, or to wait before."""
        size, passing = self.paging.size or left, isinstance(error, SourceUnavailable)
        smaller = self.dataset.planned.smaller(size)
        # A gateway that is down for a while must not leave pages of one row behind.
        if not smaller or (passing and smaller * _SMALLEST_PART < (self.dataset.page_size or left)):
            error.fix = "set a smaller size in paging: the source cannot give so many rows at once"
            raise error
        log.warning("%s: %s; asking for %d rows at once instead of %d", error.where, error.got, smaller, size)
        self._smaller = replace(self.paging, size=smaller)
        if passing:
            raise error

    def _check_total(self, batch: Batch, at: int, reached: int) -> None:
        """A page with more rows than were counted: the count is wrong, unless the source has grown."""
        total = batch.total
        if total is not None and reached > total >= self.count().rows:
            raise WrongRowCount(
                f"it brought rows up to {reached:,}, and {total:,} were counted",
                where=f"{self.asked} (rows from {at:,} on)",
                fix="check count_path and total (a page's own, estimated or capped number is no total), "
                "paging's first",
            )

    def _check_progress(self, batch: Batch, before: int, done: int) -> None:
        at = batch.start + done
        if done == before:
            raise WrongRowCount(
                f"no row at offset {at:,}, and {batch.limit - done:,} more were counted",
                where=self.asked,
                fix="the source has fewer rows than it counted: clear the whole run",
            )
        short = done < batch.limit and (done - before) < (self.dataset.page_size or batch.limit)
        if short and not self.paging.may_end(at):
            raise WrongRowCount(
                f"a page of {self.dataset.page_size:,} rows ended at row {at:,}, before the batch did",
                where=self.asked,
                fix="set paging's size to the number of rows that the API serves in a page, its first to the "
                "number of the first page",
            )


def _first_hashes(blocks: Iterator[Block], most: int) -> bytes:
    found = b""
    for block in blocks:
        found += block.hashes
        if len(found) >= most * ROW_BYTES:
            break
    return found[: most * ROW_BYTES]
