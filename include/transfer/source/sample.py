"""Sample: a few rows of a source, from which the columns of a run are inferred."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from include.transfer.batches import Batch
from include.transfer.errors import WrongRowCount
from include.transfer.schema.columns import SAMPLE_ROWS, first_rows
from include.transfer.source.api import Api
from include.transfer.source.blocks import Block
from include.transfer.source.row_hashes import RowHashes
from include.transfer.source.walk import Walk


def sample(api: Api, total: int | None) -> list[dict[str, Any]]:
    """Rows of the first page, of one in the middle and of the last; of a chain those of its first answer.

    A request for each page that there is, three at the most. Raises the errors of a source that cannot be
    asked.
    """
    if api.dataset.chained or total is None:
        walk = Walk(api)
        try:
            return first_rows(walk.answer(RowHashes(api.asked)))[0]
        finally:
            walk.close()
    return [row for page in _pages(api, total) for row in api.some(page, _rows)]


def _rows(blocks: Iterator[Block]) -> list[dict[str, Any]]:
    def as_they_come() -> Iterator[Block]:
        with suppress(WrongRowCount):  # more than asked for, or counted: the copies' matter
            yield from blocks

    return first_rows(as_they_come())[0]


def _pages(api: Api, total: int) -> Iterator[Batch]:
    dataset = api.dataset
    # A limit that is never sent cannot be made smaller.
    size = dataset.page_size or (SAMPLE_ROWS if dataset.planned.limit_param else dataset.batch_size)
    starts = dict.fromkeys((0, total // 2 // size * size, (total - 1) // size * size)) if total else ()
    return (Batch(start, min(size, total - start), total) for start in starts)
