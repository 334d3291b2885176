"""The body of an answer: its rows, or the little that a count is; errors name the request it answered."""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import requests

from include.transfer.errors import NotRows, TransferError
from include.transfer.redact import redact
from include.transfer.source.blocks import Block
from include.transfer.source.error_answers import without_errors
from include.transfer.source.fetch import chunks
from include.transfer.source.json_rows import Around, decode
from include.transfer.source.redirects import OwnHostOnly
from include.transfer.source.row_shapes import Shape

LARGEST_COUNT_BYTES = 4 << 20


class Shaped(Protocol):
    """Where rows are in an answer, and what they look like there."""

    @property
    def rows_key(self) -> str: ...
    @property
    def rows(self) -> Shape: ...


def blocks_of(
    response: requests.Response,
    dataset: Shaped,
    body: Iterable[bytes] | None = None,
    around: Around | None = None,
) -> Iterator[Block]:
    """The rows of an answer, none of status 204. `body`: where it was read already; `around`: see decode."""
    if response.status_code == requests.codes.no_content:
        return iter(())
    ndjson = re.search("ndjson|jsonl", response.headers.get("Content-Type", ""), re.IGNORECASE)
    body = chunks(response) if body is None else body
    how: dict[str, Any] = {"rows_key": dataset.rows_key, "shape": dataset.rows}
    if ndjson:
        return decode(body, ndjson=True, around=around, **how)
    posted = response.request.method == "POST"
    around = Around() if posted and around is None else around
    return without_errors(body, lambda kept: decode(kept, around=around, **how), around if posted else None)


def small(response: requests.Response) -> bytes:
    """The body of a count; an API that answers with all its rows instead must not fill the memory."""
    body = bytearray()
    for chunk in chunks(response):
        body += chunk
        if len(body) > LARGEST_COUNT_BYTES:
            raise NotRows(
                f"the count's answer is longer than {LARGEST_COUNT_BYTES >> 20} MB",
                fix="set count_path to one that answers with the number of rows, or a smaller size in paging",
            )
    return bytes(body)


@contextmanager
def located(response: requests.Response, session: OwnHostOnly, row: int | None = None) -> Iterator[None]:
    """Say in each error of a body which request it answered, from which row; no secret it repeats."""
    try:
        yield
    except TransferError as error:
        where = error.where
        method = str(response.request.method)
        if not where.startswith(f"{method} "):
            rows = "" if row is None else f" (rows from {row:,} on)"
            where = ": ".join(filter(None, (f"{method} {redact(response.url)}{rows}", where)))
        error.where = where
        error.rewrite(lambda text: session.without_secrets(text, response))
        # `from None`: a log would show the cause, with what is hidden here.
        raise error from None
