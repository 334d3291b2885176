"""Paging: how an API is asked for a slice of its rows. One small class a style, found here by name.

A new style is one class with the methods of `Paging`, one line in `PAGINGS`, and its test.
"""

from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from include.transfer.errors import WrongRowCount
from include.transfer.schema.columns import json_text

if TYPE_CHECKING:
    from include.transfer.dataset import Dataset
    from include.transfer.source.json_rows import Block

Params = list[tuple[str, str]]


@dataclass(frozen=True)
class Window:
    """Which rows of an answer are wanted: `wanted` rows behind the first `skip`, of at most `offered`."""

    skip: int
    wanted: int
    offered: int

    def of(self, blocks: "Iterator[Block]") -> "Generator[Block, None, int]":
        """The wanted rows; returns how many the answer held.

        Raises WrongRowCount for more than were offered: the API ignored its limit.
        """
        seen = 0
        for block in blocks:
            if seen + len(block.rows) > self.offered:
                raise WrongRowCount(
                    f"more than the {self.offered:,} rows that were asked for",
                    fix="check offset_param, limit_param and page_size: the API seems to ignore one of them",
                )
            wanted = block.part(max(0, self.skip - seen), max(0, self.skip + self.wanted - seen))
            seen += len(block.rows)
            if wanted.rows:
                yield wanted
        return seen


class Paging(Protocol):
    """A style of paging. Rows are counted from 0."""

    def wrong(self, dataset: "Dataset") -> str:
        """What the dataset's settings lack for this style; empty: nothing."""

    def request(self, dataset: "Dataset", at: int, left: int) -> tuple[Params, Window]:
        """The parameters that ask for rows from `at` on, and which of the answer's rows are wanted.

        `left`: rows of the batch that have not come yet. The parameters of the dataset's query are not
        among them.
        """

    def may_end(self, dataset: "Dataset", at: int) -> bool:
        """Whether an answer with fewer rows than asked for may end at row `at`, for the next to go on."""

    def behind(self, dataset: "Dataset", total: int) -> int:
        """The first row, behind `total` rows, that a request can begin with."""

    def step(self, dataset: "Dataset") -> int:
        """The fewest rows that a request can ask for and still begin at any multiple of them."""

    def smaller(self, dataset: "Dataset", size: int) -> int:
        """How many rows to ask for where the source cannot give `size`; 0: the style has no smaller page."""

    def row(self, dataset: "Dataset", position: int) -> int:
        """The first row of an answer to the offset or page `position`; less than 0: there is none."""


class Offset:
    """`?start=5000&limit=500`: the number of the first row. A server's own cap on the limit is followed.

    The limit is the same in all requests of a run that has a page_size: some servers divide the offset by it.
    Where a source cannot give so many rows, it is a divisor of that.
    """

    def wrong(self, dataset: "Dataset") -> str:
        return ""

    def request(self, dataset: "Dataset", at: int, left: int) -> tuple[Params, Window]:
        limit = dataset.page_size or left
        return _params(dataset, at + dataset.first_offset, limit), Window(0, left, limit)

    def may_end(self, dataset: "Dataset", at: int) -> bool:
        return True

    def behind(self, dataset: "Dataset", total: int) -> int:
        return total

    def step(self, dataset: "Dataset") -> int:
        return 1

    def smaller(self, dataset: "Dataset", size: int) -> int:
        if not dataset.limit_param or size < 2:
            return 0
        if not dataset.page_size:
            return -(-size // 2)
        # A divisor, so that offsets stay multiples of the limit.
        return next(size // by for by in range(2, size + 1) if size % by == 0)

    def row(self, dataset: "Dataset", position: int) -> int:
        return position - dataset.first_offset


class Page:
    """`?page=11&per_page=500`: the number of a page, all of one size; only the last may be shorter."""

    def wrong(self, dataset: "Dataset") -> str:
        return "" if dataset.page_size else "paging by page needs a page_size"

    def request(self, dataset: "Dataset", at: int, left: int) -> tuple[Params, Window]:
        page, skip = divmod(at, dataset.page_size)
        window = Window(skip, min(dataset.page_size - skip, left), dataset.page_size)
        return _params(dataset, page + dataset.first_page, dataset.page_size), window

    def may_end(self, dataset: "Dataset", at: int) -> bool:
        return at % dataset.page_size == 0

    def behind(self, dataset: "Dataset", total: int) -> int:
        return -(-total // dataset.page_size) * dataset.page_size

    def step(self, dataset: "Dataset") -> int:
        return dataset.page_size

    def smaller(self, dataset: "Dataset", size: int) -> int:
        return 0

    def row(self, dataset: "Dataset", position: int) -> int:
        return (position - dataset.first_page) * dataset.page_size


def pairs(query: Mapping[str, Any]) -> Params:
    """A dataset's query as it is sent: text as it is, others as JSON writes them, a list one by one."""
    found = []
    for name, value in query.items():
        values = value if isinstance(value, list | tuple) else [value]
        found += [(name, one if isinstance(one, str) else json_text(one)) for one in values]
    return found


def _params(dataset: "Dataset", position: int, limit: int) -> Params:
    params = [(dataset.offset_param, str(position))]
    return [*params, (dataset.limit_param, str(limit))] if dataset.limit_param else params


PAGINGS: Mapping[str, Paging] = {"offset": Offset(), "page": Page()}
