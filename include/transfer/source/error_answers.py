"""Errors that come with status 200: GraphQL's `errors`, ArcGIS' `error`. The server's words are shown.

One that passes by itself, such as THROTTLED, is tried again as a status 429 or 503 is.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import orjson

from include.transfer.errors import NotRows, SourceUnavailable
from include.transfer.source.blocks import Block
from include.transfer.source.json_rows import Around

_FIX = "correct what it names: a setting of the dataset, or the connection's login"
_MOST_KEPT = 64 << 10  # of a body that may be an error
_MOST_SHOWN = 300
# As GraphQL servers (Apollo, Shopify, GitHub, monday.com) and Google's APIs name what passes.
_PASSING_CODE = re.compile(
    r"throttled|(too_?many|rate)_?(requests|limit(ed)?(_?exceeded)?)|(query_|gateway_)?time_?d?_?out|"
    r"complexity_?(exception|budget_exhausted)|internal_?(server_?)?error|(service_?|temporarily_?)?unavailable|"
    r"resource_?exhausted|408|429|5[0-9][0-9]",
    re.IGNORECASE,
)
_PASSING_WORDS = re.compile(
    r"try again|too many requests|rate limit|temporarily|timed? ?out\b|throttl|overloaded", re.IGNORECASE
)


def without_errors(
    body: Iterable[bytes], read: Callable[[Iterable[bytes]], Iterator[Block]], around: Around | None
) -> Iterator[Block]:
    """The rows that `read` makes of a body. Raises NotRows, with the server's words, where it is an error.

    Raises SourceUnavailable instead for an error that passes, where no row came with it. `around`: what
    stands around the rows: GraphQL says there that some rows or values are missing.
    """
    start, rows = bytearray(), 0

    def kept() -> Iterator[bytes]:
        for chunk in body:
            if len(start) < _MOST_KEPT:
                start.extend(chunk)
            yield chunk

    with words_shown(start, passes=lambda: not rows):
        for block in read(kept()):
            rows += len(block.rows)
            yield block
    if around is None:
        return
    found = around.value()
    errors = found.get("errors") if isinstance(found, dict) else None
    if isinstance(errors, list) and (said := _said(errors)):
        raise NotRows(f"beside its rows the answer has errors: {said}", fix=_FIX)


@contextmanager
def words_shown(body: bytes | bytearray, passes: Callable[[], bool] = lambda: True) -> Iterator[None]:
    """Show what a body says of an error, in place of what it lacks.

    `passes`: whether it may be asked for again. Then an error that passes is SourceUnavailable.
    """
    try:
        yield
    except NotRows as error:
        try:
            errors = _errors(orjson.loads(body))
        except ValueError:
            errors = []
        if not (said := _said(errors)):
            raise
        got = f"the answer is an error: {said}"
        if passes() and all(map(_passes, errors)):
            raise SourceUnavailable(got, where=error.where) from None
        raise NotRows(got, where=error.where, fix=_FIX) from None


def _errors(answer: Any) -> list[Any]:
    """The errors that an answer names; none: it is none."""
    found = (answer.get("errors") or answer.get("error")) if isinstance(answer, dict) else None
    return found if isinstance(found, list) else [found] if found else []


def _said(errors: list[Any]) -> str:
    return "; ".join(map(_text, errors[:3]))[:_MOST_SHOWN]


def _text(error: Any) -> str:
    if isinstance(error, dict) and isinstance(error.get("message"), str) and "details" not in error:
        code = error.get("code")
        return f"{code} {error['message']}" if isinstance(code, int | str) else str(error["message"])
    return error if isinstance(error, str) else json.dumps(error, ensure_ascii=False)


def _passes(error: Any) -> bool:
    """Whether an error says that the same request may succeed later: by its code, else by its words."""
    if not isinstance(error, dict):
        return bool(_PASSING_WORDS.search(str(error)))
    extensions = error.get("extensions")
    within = extensions if isinstance(extensions, dict) else {}
    named = (within.get("code"), error.get("code"), error.get("type"), error.get("status"))
    if codes := [str(code) for code in named if isinstance(code, int | str)]:
        return any(map(_PASSING_CODE.fullmatch, codes))
    return bool(_PASSING_WORDS.search(str(error.get("message"))))
