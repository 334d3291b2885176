"""What stands in front of the rows of a JSON body: read token by token, and no value of it converted.

So a number of any length costs no more than the search for its end, and nesting some bytes a level.
"""

import re
from contextlib import suppress
from dataclasses import dataclass

import orjson

from include.transfer.errors import BodyBroken, BodyEmpty, NotRows
from include.transfer.source.body_buffer import LARGEST_ROW_BYTES, Body
from include.transfer.source.json_structure import DEEPEST, describe

_ARRAYS_NAMED = 5
_NAME_LENGTH = 80
_ANY_ELEMENT = "item"
# A bracket, comma or colon; a string; or what stands up to the next of these. Possessive, as in
# json_structure.py.
_STRING = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_PLAIN = rb"-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?(?:[eE][-+]?[0-9]++)?|true|false|null"
_TOKEN = re.compile(rb'[{}\[\]:,]|%b|[^{}\[\]:,"\s]++' % _STRING, re.DOTALL)
_SCALAR = re.compile(_PLAIN)
# Many tokens at once, of which none can open anything.
_ELEMENTS = re.compile(rb"(?:\s*+(?:%b|%b)\s*+,)++" % (_STRING, _PLAIN), re.DOTALL)
_MEMBERS = re.compile(rb"(?:\s*+%b\s*+:\s*+(?:%b|%b)\s*+,)++" % (_STRING, _STRING, _PLAIN), re.DOTALL)
# The kinds of token that may come next: brackets, comma and colon as they are, " a string, 0 another scalar.
_VALUE, _VALUE_OR_END = '{["0', '{["0]'
_KEY, _KEY_OR_END, _COLON = '"', '"}', ":"
_NEXT_MEMBER, _NEXT_ELEMENT = ",}", ",]"


def skip_to_rows(reader: Body, rows_key: str, opening: bytes = b"[") -> bytes:
    """Consume the body up to its rows: past the bracket that opens it, or what `rows_key` leads to.

    `opening`: the brackets that may; returns the one that does.
    """
    first = reader.skip_space()
    if not first:
        raise reader.broken or BodyEmpty("the body is empty")
    if first not in b"[{":
        reader.fill()
        raise NotRows(describe(bytes(reader.buffer[:80])))
    in_array = rows_key.partition(".")[0] == _ANY_ELEMENT or rows_key.partition(".")[0].isdigit()
    if first == b"[" and rows_key and not in_array:
        raise NotRows(f"the body is an array, not an object with {rows_key!r}: leave rows_key empty")
    if first in opening and not rows_key:
        return reader.take(1)
    search = _Search(rows_key, opening)
    if opened := search.opened(reader):
        return opened
    found = f"; arrays here: {', '.join(search.arrays)}" if search.arrays else ", but no array is in it"
    if rows_key:
        raise NotRows(f"the body has no array {rows_key!r}: set rows_key to where its rows are{found}")
    raise NotRows(f"the body is an object: set rows_key to where its rows are{found}")


def arrays_in(body: bytes) -> list[str]:
    """The paths of the first arrays of an object, as rows_key names them, also of one that is cut off."""
    search = _Search("", b"")
    with suppress(BodyBroken):
        search.opened(Body([body]))
    return search.arrays


@dataclass
class _Container:
    """An object or array that is open. `matched`: how much of rows_key leads here; -1: it leads elsewhere."""

    is_object: bool
    matched: int
    key: bytes = b""  # the last one
    index: int = 0  # in an array: of the element


class _Search:
    """The way to `rows_key`, in which an element of an array is called by its index, or `item` for any."""

    def __init__(self, rows_key: str, opening: bytes) -> None:
        self.arrays: list[str] = []  # the first ones on the way
        self._rows_key = rows_key
        self._opening = opening.decode()
        self._open: list[_Container] = []
        self._allowed = _VALUE

    def opened(self, reader: Body) -> bytes:
        """Consume the body past the bracket that opens the rows; none if there is none where it may be."""
        start = reader.position
        while token := self._next(reader):
            if self._opens_rows(token, reader.position - len(token)):
                return token
            if not self._open or reader.position - start > LARGEST_ROW_BYTES:
                return b""
        raise reader.broken or BodyBroken("the body ended before its rows")

    def _next(self, reader: Body) -> bytes:
        """The next token that may open or end something, or is wrong."""
        in_object = not self._open or self._open[-1].is_object or self._open[-1].matched >= 0  # counts
        if self._allowed in (_KEY, _KEY_OR_END) and _skip(reader, _MEMBERS):
            self._allowed = _KEY
        elif self._allowed in (_VALUE, _VALUE_OR_END) and not in_object and _skip(reader, _ELEMENTS):
            self._allowed = _VALUE
        return _next_token(reader)

    def _opens_rows(self, token: bytes, position: int) -> bool:
        """Whether `token` opens the rows; any other is taken note of."""
        kind = _kind(token)
        if not kind or kind not in self._allowed:
            raise NotRows(f"not JSON: {token[:40]!r} at position {position:,}, in front of the rows")
        if kind in "{[":
            return self._opens_here(kind)
        if kind in "}]":
            self._open.pop()
        if kind == ":":
            self._allowed = _VALUE
        elif kind == ",":
            self._allowed = _KEY if self._open[-1].is_object else _VALUE
            self._open[-1].index += 1
        elif self._allowed in (_KEY, _KEY_OR_END) and kind == '"':
            self._open[-1].key = token
            self._allowed = _COLON
        else:
            self._allowed = (
                (_NEXT_MEMBER if self._open[-1].is_object else _NEXT_ELEMENT) if self._open else ""
            )
        return False

    def _opens_here(self, kind: str) -> bool:
        if len(self._open) >= DEEPEST:
            raise NotRows(f"a value in front of the rows is nested deeper than {DEEPEST} levels")
        matched, is_object = self._matched(), kind == "{"
        if self._rows_key and matched > len(self._rows_key) and kind in self._opening:
            return True
        named = self._open and all(outer.is_object for outer in self._open)
        if not is_object and named and len(self.arrays) < _ARRAYS_NAMED:
            path = ".".join(_text(outer.key) for outer in self._open)
            self.arrays.append(path[:_NAME_LENGTH])
        self._open.append(_Container(is_object, matched))
        self._allowed = _KEY_OR_END if is_object else _VALUE_OR_END
        return False

    def _matched(self) -> int:
        """How much of rows_key leads to the value that begins here, with the dot behind it; -1: none."""
        if not self._open:
            return 0
        outer = self._open[-1]
        if outer.matched < 0:
            return -1
        names = [_text(outer.key)] if outer.is_object else [_ANY_ELEMENT, str(outer.index)]
        whole = f"{self._rows_key}."
        fitting = (name for name in names if whole.startswith(f"{name}.", outer.matched))
        name = next(fitting, None)
        return -1 if name is None else outer.matched + len(name) + 1


def _kind(token: bytes) -> str:
    """As the constants above have it; empty: no JSON."""
    if token in b"{}[]:,":
        return token.decode()
    if token.startswith(b'"'):
        return '"'
    return "0" if _SCALAR.fullmatch(token) else ""


def _text(key: bytes) -> str:
    try:
        return str(orjson.loads(key))
    except ValueError:
        raise NotRows(f"not JSON: the key {key[:40]!r}, in front of the rows") from None


def _skip(reader: Body, pattern: re.Pattern[bytes]) -> bool:
    found = pattern.match(reader.buffer)
    end = found.end() if found else 0
    del found  # it would hold the buffer's size fast
    del reader.buffer[:end]
    return end > 0


def _next_token(reader: Body) -> bytes:
    """Consume white space and the token behind it; none where the body ends before the token does."""
    alive = True
    while reader.skip_space():
        found = _TOKEN.match(reader.buffer)
        end, size = found.end() if found else 0, len(reader.buffer)
        del found  # it would hold the buffer's size fast
        # A scalar may go on in the next chunk.
        if end and (end < size or reader.buffer[:1] in b'{}[]:,"' or not alive):
            return reader.take(end)
        if not alive:
            break
        if size >= LARGEST_ROW_BYTES:
            raise NotRows(f"a value of more than {LARGEST_ROW_BYTES >> 20} MB stands in front of the rows")
        alive = reader.fill(least=2 * size)
    return b""
