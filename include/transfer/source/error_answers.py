"""Errors that come with status 200: GraphQL's `errors`, ArcGIS' `error`. The server's words are shown."""

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import orjson

from include.transfer.errors import NotRows
from include.transfer.source.json_rows import Around, Block

_FIX = "correct what it names: a setting of the dataset, or the connection's login"
_MOST_KEPT = 64 << 10  # of a body that may be an error
_MOST_SHOWN = 300


def without_errors(
    body: Iterable[bytes], read: Callable[[Iterable[bytes]], Iterator[Block]], around: Around | None
) -> Iterator[Block]:
    """The rows that `read` makes of a body. Raises NotRows, with the server's words, where it is an error.

    `around`: what stands around the rows: GraphQL says there that some rows or values are missing.
    """
    start = bytearray()

    def kept() -> Iterator[bytes]:
        for chunk in body:
            if len(start) < _MOST_KEPT:
                start.extend(chunk)
            yield chunk

    with words_shown(start):
        yield from read(kept())
    if around is None:
        return
    found = around.value()
    errors = found.get("errors") if isinstance(found, dict) else None
    if isinstance(errors, list) and (said := _said(found)):
        raise NotRows(f"beside its rows the answer has errors: {said}", fix=_FIX)


@contextmanager
def words_shown(body: bytes | bytearray) -> Iterator[None]:
    """Show what a body says of an error, in place of what it lacks."""
    try:
        yield
    except NotRows as error:
        try:
            said = _said(orjson.loads(body))
        except ValueError:
            said = ""
        if not said:
            raise
        raise NotRows(f"the answer is an error: {said}", where=error.where, fix=_FIX) from None


def _said(answer: Any) -> str:
    """The words of an error; empty: it is none."""
    found = (answer.get("errors") or answer.get("error")) if isinstance(answer, dict) else None
    each = found if isinstance(found, list) else [found] if found else []
    return "; ".join(_text(one) for one in each[:3])[:_MOST_SHOWN]


def _text(error: Any) -> str:
    if isinstance(error, dict) and isinstance(error.get("message"), str) and "details" not in error:
        code = error.get("code")
        return f"{code} {error['message']}" if isinstance(code, int | str) else str(error["message"])
    return error if isinstance(error, str) else json.dumps(error, ensure_ascii=False)
