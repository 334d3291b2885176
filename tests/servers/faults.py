"""The ways in which a source can misbehave, one answer at a time.

A fault changes what one answer *says* (its rows, its version), what its body *is* (cut JSON, a page of HTML)
or how it *travels* (a reset, a stall). ``ScriptedSource.fault()`` queues them.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Row = dict[str, Any]
Ending = Literal["reset", "close"]


@dataclass(frozen=True)
class Fault:
    """One misbehaviour. Build it with the class methods: they name what a client will see."""

    kind: Literal["none", "status", "body", "rows", "version", "cut", "stall", "drip", "length"]
    code: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    text: bytes = b""
    after: int | None = None  # bytes of the body sent before it happens; None: not even the head is sent
    ending: Ending = "reset"
    by: int = 0
    piece: int = 1
    pause: float = 0.0
    version_text: str = ""
    rewrite: Callable[[Iterable[bytes]], Iterator[bytes]] | None = None
    change: Callable[[Iterable[Row]], Iterable[Row]] | None = None
    gzip: bool = False

    # What the answer is ---------------------------------------------------------------------------------

    @classmethod
    def status(cls, code: int, text: str = "", **headers: str) -> "Fault":
        """An error status; header names with ``_`` for ``-``: ``Fault.status(429, Retry_After="1")``."""
        return cls("status", code=code, text=text.encode(), headers=_header_names(headers))

    @classmethod
    def redirect(cls, to: str | None = None, code: int = 302) -> "Fault":
        """A redirect to another URL; without one to the request's own: a loop when it is always queued."""
        return cls("status", code=code, headers={"Location": to or ""})

    @classmethod
    def html(cls, text: str = "<!doctype html><title>Sign in</title><p>Sign in", code: int = 200) -> "Fault":
        """A page for people where data was expected, as proxies and captive portals send."""
        return cls("status", code=code, text=text.encode(), headers={"Content-Type": "text/html"})

    @classmethod
    def empty(cls, code: int = 200) -> "Fault":
        """A body of no bytes."""
        return cls("status", code=code)

    @classmethod
    def truncated(cls, after: int) -> "Fault":
        """The body's first bytes only, in an answer that ends properly: only its JSON tells."""
        return cls("body", rewrite=lambda body: _first(body, after))

    @classmethod
    def invalid_utf8(cls, after: int = 0) -> "Fault":
        """Two bytes that are not UTF-8, within the first string at or behind ``after``."""
        return cls("body", rewrite=lambda body: _with_invalid_utf8(body, after))

    @classmethod
    def gzip_cut(cls, after: int) -> "Fault":
        """A gzip stream that stops in the middle of an answer that ends properly."""
        return cls("body", rewrite=lambda body: _first(body, after), gzip=True)

    # What it says ---------------------------------------------------------------------------------------

    @classmethod
    def version(cls, version: str) -> "Fault":
        """Another version (ETag) than the source's."""
        return cls("version", version_text=version)

    @classmethod
    def rows(cls, change: Callable[[Iterable[Row]], Iterable[Row]]) -> "Fault":
        """Other rows: ``change`` gets the right ones."""
        return cls("rows", change=change)

    @classmethod
    def fewer_rows(cls, n: int = 1) -> "Fault":
        """``n`` rows fewer than asked for: the last ones are missing."""
        return cls.rows(lambda rows: _without_last(rows, n))

    @classmethod
    def more_rows(cls, n: int = 1) -> "Fault":
        """``n`` rows more than asked for: the last one again and again."""
        return cls.rows(lambda rows: _last_again(rows, n))

    @classmethod
    def columns(
        cls,
        rename: Mapping[str, str] | None = None,
        drop: Iterable[str] = (),
        add: Row | None = None,
        from_row: int = 0,
    ) -> "Fault":
        """Other columns, from the answer's row ``from_row`` on."""
        names, dropped, added = dict(rename or {}), frozenset(drop), dict(add or {})

        def change(rows: Iterable[Row]) -> Iterator[Row]:
            for index, row in enumerate(rows):
                kept = {names.get(k, k): v for k, v in row.items() if k not in dropped}
                yield {**kept, **added} if index >= from_row else row

        return cls.rows(change)

    # How it travels -------------------------------------------------------------------------------------

    @classmethod
    def reset(cls) -> "Fault":
        """The connection is reset before any byte of an answer."""
        return cls("cut", after=None)

    @classmethod
    def cut(cls, after: int, ending: Ending = "reset") -> "Fault":
        """The connection ends ``after`` bytes of the body: reset (RST), or closed as if all had been said.

        A body of fewer bytes arrives whole.
        """
        return cls("cut", after=after, ending=ending)

    @classmethod
    def wrong_length(cls, by: int) -> "Fault":
        """A Content-Length that is ``by`` bytes off; the connection is closed after the body."""
        return cls("length", by=by)

    @classmethod
    def stall(cls, after: int | None = None) -> "Fault":
        """Nothing comes after so many bytes of the body; the connection is open until the server closes."""
        return cls("stall", after=after)

    @classmethod
    def drip(cls, piece: int = 1, pause: float = 0.01) -> "Fault":
        """The body in pieces of ``piece`` bytes with ``pause`` seconds between them."""
        return cls("drip", piece=piece, pause=pause)


NO_FAULT = Fault("none")


def _header_names(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


def _first(body: Iterable[bytes], size: int) -> Iterator[bytes]:
    left = size
    for chunk in body:
        if left <= 0:
            return
        yield chunk[:left]
        left -= len(chunk)


def _with_invalid_utf8(body: Iterable[bytes], after: int) -> Iterator[bytes]:
    seen, done = 0, False
    for chunk in body:
        opening = None if done else re.compile(rb'\{\s*"').search(chunk, max(0, after - seen))
        if opening:
            yield chunk[: opening.end()] + b"\xff\xfe" + chunk[opening.end() :]
            done = True
        else:
            yield chunk
        seen += len(chunk)


def _without_last(rows: Iterable[Row], n: int) -> Iterator[Row]:
    held: list[Row] = []
    for row in rows:
        held.append(row)
        if len(held) > n:
            yield held.pop(0)


def _last_again(rows: Iterable[Row], n: int) -> Iterator[Row]:
    last = None
    for row in rows:
        last = row
        yield row
    if last is not None:
        yield from [last] * n
