"""Totals: how a source is asked for the number of its rows. One small class a way, found by `total_of`.

A new way is one class with the method of `Total`, its spelling in dataset.py (`TOTAL_PATTERN`), and its test.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol, TypeVar
from urllib.parse import parse_qs, urlsplit

import requests

from include.transfer.errors import NotRows, SourceRefused
from include.transfer.source.answers import blocks_of, small
from include.transfer.source.count import Count, read_number, read_version, whole_number
from include.transfer.source.error_answers import words_shown
from include.transfer.source.paging import Params, pairs

if TYPE_CHECKING:
    from include.transfer.dataset import Dataset

T = TypeVar("T")
_END = {404, 416}  # 400 and 422 may be a limit on offsets: rows behind it would be lost
_MOST_PROBED = 1 << 40


class Ask(Protocol):
    """Makes one request and reads its answer; again, where it fails for a passing reason."""

    def __call__(
        self,
        path: str,
        params: Params,
        accept: str,
        read: Callable[[requests.Response], T],
        body: Mapping[str, Any] | None = None,
    ) -> T:
        """`body`: posted in place of the dataset's."""


class Total(Protocol):
    """A way to count the rows of a source."""

    def count(self, dataset: "Dataset", ask: Ask) -> Count:
        """Raises NotRows where there is no number of rows."""


class Stated:
    """`body`, `body:meta.total`, `header:X-Total-Count`: what the answer to the count's own request says."""

    def count(self, dataset: "Dataset", ask: Ask) -> Count:
        def read(response: requests.Response) -> Count:
            in_header = dataset.total.startswith("header:")
            if response.status_code == requests.codes.no_content and not in_header:
                fix = "set count_path to a path that answers with the number of rows, or total to a header"
                raise NotRows("status 204 No Content, which says no number of rows", fix=fix)
            body = b"" if in_header else small(response)
            with words_shown(body):
                rows = read_number(dataset.total, response.headers, body)
            return Count(rows, read_version(response.headers, dataset))

        query = dataset.query if dataset.count_query is None else dataset.count_query
        return ask(dataset.count_path, pairs(query), _accept(dataset), read, dataset.count_body)


class LastPage:
    """The number of pages in place of rows: all are full but the last, whose rows are counted.

    `last-link`: the Link header with rel="last" has the last page's number or offset. `pages:body:n`,
    `pages:header:X-Pages`: the number of pages. All requests are as those for rows.
    """

    def count(self, dataset: "Dataset", ask: Ask) -> Count:
        def first(response: requests.Response) -> tuple[int, Count]:
            body = None
            if dataset.total == "last-link":
                start = _start_of_last(response, dataset)
            elif response.status_code == requests.codes.no_content:
                start = 0
            else:
                body = small(response)
                pages = read_number(dataset.total.partition(":")[2], response.headers, body)
                start = max(0, pages - 1) * dataset.page_size
            rows = 0 if start else _rows_in(response, dataset, body)
            return start, Count(rows, read_version(response.headers, dataset))

        def last(response: requests.Response) -> int:
            if rows := _rows_in(response, dataset):
                return rows
            fix = "set total to where the API says how many rows it has, or to probe"
            raise NotRows(f"the page that {dataset.total} names as the last is empty", fix=fix)

        start, counted = _ask_rows(dataset, ask, 0, first)
        return replace(counted, rows=start + _ask_rows(dataset, ask, start, last)) if start else counted


class Probe:
    """No total at all: double the offset until a request brings no row, then bisect.

    Each request asks for one row, or for one page: twice as many requests as the total has binary digits.
    """

    def count(self, dataset: "Dataset", ask: Ask) -> Count:
        step = dataset.planned.step()
        asking = replace(dataset, paging=replace(dataset.planned, size=step))
        versions: list[str | None] = []

        def read(response: requests.Response) -> int:
            versions.append(read_version(response.headers, dataset))
            return _rows_in(response, dataset, enough=step)

        def rows_at(page: int) -> int:
            try:
                return _ask_rows(asking, ask, page * step, read)
            except SourceRefused as error:
                if page and error.status in _END:
                    return 0
                error.fix += (
                    "; total probe takes 404, 416 and answers without rows for the end, no other status"
                )
                raise

        page, rows = _last(rows_at)
        return Count(page * step + rows, versions[0])


def _last(rows_at: Callable[[int], int]) -> tuple[int, int]:
    """The last page that has rows, counted from 0, and how many; (0, 0): there is none."""
    full, held, empty = 0, rows_at(0), 1
    while held and (rows := rows_at(empty)):
        full, held, empty = empty, rows, empty * 2
        if empty > _MOST_PROBED:
            got = f"page {full:,} has rows: the API seems to ignore the offset, or to repeat a page"
            raise NotRows(got, where="total probe", fix="check paging's param, or set another total")
    while empty - full > 1:
        middle = (full + empty) // 2
        if rows := rows_at(middle):
            full, held = middle, rows
        else:
            empty = middle
    return full, held


def total_of(dataset: "Dataset") -> Total:
    """The way that `dataset.total` names."""
    if dataset.total == "probe":
        return Probe()
    return LastPage() if dataset.total.startswith(("last-link", "pages:")) else Stated()


def _accept(dataset: "Dataset") -> str:
    """Rows may be asked for as lines of JSON; a count is JSON, of the same kind where that says so."""
    json_too = "json" in dataset.accept and "ndjson" not in dataset.accept and "jsonl" not in dataset.accept
    return dataset.count_accept or (dataset.accept if json_too else "application/json")


def _ask_rows(dataset: "Dataset", ask: Ask, at: int, read: Callable[[requests.Response], T]) -> T:
    params, _ = dataset.planned.request(at, dataset.page_size)
    return ask(dataset.rows_path, [*pairs(dataset.query), *params], dataset.accept, read)


def _rows_in(
    response: requests.Response, dataset: "Dataset", body: bytes | None = None, enough: int | None = None
) -> int:
    """How many rows an answer holds; not counted beyond `enough`."""
    rows = 0
    for block in blocks_of(response, dataset, None if body is None else [body]):
        rows += len(block.rows)
        if enough is not None and rows >= enough:
            return enough
    return rows


def _start_of_last(response: requests.Response, dataset: "Dataset") -> int:
    """The first row of the page that rel="last" links to; without links there is one page."""
    last = response.links.get("last")
    if last is None:
        if "next" in response.links:
            got = "its Link header has a next page and no last one"
            raise NotRows(got, fix="set total to probe, or to where the API says how many rows it has")
        return 0
    param = dataset.planned.param
    values = parse_qs(urlsplit(last["url"]).query).get(param, [""])
    position = whole_number(values[-1])
    start = -1 if position is None else dataset.planned.row(position)
    if start < 0:
        got = f"its Link header names a last page with {param}={values[-1][:20]!r}"
        raise NotRows(got, fix="check paging's param and first")
    return start
