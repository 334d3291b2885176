"""Paging: how an API is asked for a slice of its rows, where the requests can be planned from their number.

One small class a style, found by name in styles.py. Where each answer leads to the next, see chains.py.
"""

from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from include.transfer.errors import WrongRowCount
from include.transfer.schema.columns import json_text

if TYPE_CHECKING:
    from include.transfer.source.blocks import Block

Params = list[tuple[str, str]]


@dataclass(frozen=True)
class Crop:
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
                    fix="check paging: the API seems to ignore param, limit_param or size",
                )
            wanted = block.part(max(0, self.skip - seen), max(0, self.skip + self.wanted - seen))
            seen += len(block.rows)
            if wanted.rows:
                yield wanted
        return seen


class Planned(Protocol):
    """A style whose requests are planned from the number of rows. Rows are counted from 0.

    `size`: rows in one request; 0: the whole batch in one.
    """

    @property
    def size(self) -> int: ...

    def request(self, at: int, left: int) -> tuple[Params, Crop]:
        """The parameters that ask for rows from `at` on, and which of the answer's rows are wanted.

        `left`: rows of the batch that have not come yet. The parameters of the dataset's query are not
        among them.
        """

    def may_end(self, at: int) -> bool:
        """Whether an answer with fewer rows than asked for may end at row `at`, for the next to go on."""

    def behind(self, total: int) -> int:
        """The first row, behind `total` rows, that a request can begin with."""

    def step(self) -> int:
        """The fewest rows that a request can ask for and still begin at any multiple of them."""

    def smaller(self, size: int) -> int:
        """How many rows to ask for where the source cannot give `size`; 0: the style has no smaller page."""

    def row(self, position: int) -> int:
        """The first row of an answer to the offset or page `position`; less than 0: there is none."""

    def after(self, at: int, rows: int) -> int:
        """Where the next request begins, after one from `at` on that brought so many rows."""


@dataclass(frozen=True, kw_only=True)
class Offset:
    """`?start=5000&limit=500`: the number of the first row. A server's own cap on the limit is followed.

    `first`: the offset of the first row. The limit is the same in all requests of a run that has a `size`:
    some servers divide the offset by it. Where a source cannot give so many rows, it is a divisor of that.
    """

    style: str = field(default="offset", init=False)
    param: str = "start"
    limit_param: str = "limit"
    first: int = 0
    size: int = 0

    def request(self, at: int, left: int) -> tuple[Params, Crop]:
        limit = self.size or left
        return _params(self, at + self.first, limit), Crop(0, left, limit)

    def may_end(self, at: int) -> bool:
        return True

    def behind(self, total: int) -> int:
        return total

    def step(self) -> int:
        return 1

    def smaller(self, size: int) -> int:
        if not self.limit_param or size < 2:
            return 0
        if not self.size:
            return -(-size // 2)
        # A divisor, so that offsets stay multiples of the limit.
        return next(size // by for by in range(2, size + 1) if size % by == 0)

    def row(self, position: int) -> int:
        return position - self.first

    def after(self, at: int, rows: int) -> int:
        return at + rows


@dataclass(frozen=True, kw_only=True)
class Page:
    """`?page=11&limit=500`: the number of a page, all of one size; only the last may be shorter.

    `first`: the number of the first page.
    """

    style: str = field(default="page", init=False)
    param: str = "page"
    limit_param: str = "limit"
    first: int = 1
    size: int = 0

    def wrong(self) -> str:
        return "" if self.size else "paging by page needs a size: the rows in a page"

    def request(self, at: int, left: int) -> tuple[Params, Crop]:
        page, skip = divmod(at, self.size)
        crop = Crop(skip, min(self.size - skip, left), self.size)
        return _params(self, page + self.first, self.size), crop

    def may_end(self, at: int) -> bool:
        return at % self.size == 0

    def behind(self, total: int) -> int:
        return -(-total // self.size) * self.size

    def after(self, at: int, rows: int) -> int:
        return at + self.size

    def step(self) -> int:
        return self.size

    def smaller(self, size: int) -> int:
        return 0

    def row(self, position: int) -> int:
        return (position - self.first) * self.size


def pairs(query: Mapping[str, Any]) -> Params:
    """A dataset's query as it is sent: text as it is, others as JSON writes them, a list one by one."""
    found = []
    for name, value in query.items():
        values = value if isinstance(value, list | tuple) else [value]
        found += [(name, one if isinstance(one, str) else json_text(one)) for one in values]
    return found


def _params(paging: Offset | Page, position: int, limit: int) -> Params:
    params = [(paging.param, str(position))]
    return [*params, (paging.limit_param, str(limit))] if paging.limit_param else params
