"""Decoding that loses nothing: numbers keep their digits, and a key that comes twice is an error.

orjson is five times faster than a decoder that takes note of both, so it decodes, and whether it lost
anything is found out from the text as a whole. Only where it did, or may have, the text is decoded again.
"""

import json
import re
from typing import Any

import orjson

from include.transfer.errors import NotRows
from include.transfer.schema.numbers import fraction, integer
from include.transfer.source.json_structure import DEEPEST

_SPACE = b" \t\r\n"
_NUMBER = r"-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?(?:[eE][-+]?[0-9]++)?+"
_WHOLE_NUMBER = re.compile(_NUMBER + r"(?=[\s,\]}]|\Z)")
_STRING_OR_NUMBER = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|(-?[0-9][-+.0-9eE]*+)', re.DOTALL)
_ELEMENT = re.compile(r"[^\s,\]]")  # the first character of one; searched for behind the one before

# The shape of a text, in which numbers that a double may not hold are found without a pattern: digits are
# zeros, whatever may stand beside a number is a colon. Of strings nothing is left but quotes, what looks like
# an exponent, and the slash that parts a URL's colon from what follows.
_KEPT = {ord(" "): ":", **dict.fromkeys(b"0123456789", "0"), **dict.fromkeys(b":,[]{}\t\r\n", ":")}
_KEPT |= {ord("e"): "e", ord("E"): "e", ord('"'): '"', ord("/"): "/"}
_SHAPE = bytes(ord(_KEPT.get(byte, "\0")) for byte in range(256))
_GLANCE = 8 << 10  # bytes of a text: what its numbers are like
_DROPPED = bytes(byte for byte in range(256) if byte not in _KEPT)
_MANY_DIGITS = b":" + b"0" * 16  # fewer are always the same again when a double is printed
_LONG_EXPONENT = re.compile(rb":0++e000")
_NEGATIVE_ZERO = re.compile(rb"-0[,\]}\s]")


def loads(text: bytes) -> Any:
    """As orjson does, except that numbers may have any size: such are taken for 0.

    Raises orjson.JSONDecodeError, and says where in `text`.
    """
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        if not _WHOLE_NUMBER.match(error.doc, error.pos):
            raise
    return orjson.loads(_STRING_OR_NUMBER.sub(_as_zero, text))


def _as_zero(found: re.Match[bytes]) -> bytes:
    text, number = found[0], found[1]
    return text if number is None or not _WHOLE_NUMBER.match(number.decode()) else b"0".ljust(len(text))


def decode_rows(text: bytes, first: int) -> list[dict[str, Any]] | None:
    """The objects of an array, the first of them number `first` of its answer; None: it is not valid JSON.

    Raises NotRows for other values than objects, and for a key that comes twice in one.
    """
    try:
        rows = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        if not _WHOLE_NUMBER.match(error.doc, error.pos):
            return None
        try:
            _objects(loads(text))
        except orjson.JSONDecodeError:
            return None
        return _exactly(text.decode(), first)
    return rows if _nothing_lost(text, _objects(rows)) else _exactly(text.decode(), first)


def _objects(rows: list[Any]) -> list[dict[str, Any]]:
    if set(map(type, rows)) <= {dict}:
        return rows
    odd = next(row for row in rows if not isinstance(row, dict))
    raise NotRows(f"a row is {_kind(odd)}")


def _kind(value: Any) -> str:
    kinds = {list: "an array", str: "a string", bool: "a boolean", type(None): "null"}
    return kinds.get(type(value), "a number")


def _nothing_lost(text: bytes, rows: list[dict[str, Any]]) -> bool:
    """By the cheapest of three ways, and no answer that is not certain: False says that it may be."""
    colon = text.find(b'":') + 2
    compact = text[colon : colon + 1] != b" "
    dumped = _dumped(rows) if compact or not _numbers_hold(text[:_GLANCE]) else b""
    if dumped and _same(text, dumped, compact=compact):
        return True
    if _numbers_hold(text):
        colons = text.count(b":")
        # No more colons than keys; or, with those in texts and in nested objects, as many as are kept.
        return colons == sum(map(len, rows)) or colons == (dumped or _dumped(rows)).count(b":")
    return not dumped and _same(text, _dumped(rows), compact=compact)


def _dumped(rows: list[dict[str, Any]]) -> bytes:
    try:
        return orjson.dumps(rows)
    except TypeError:  # nested deeper than it goes
        return b""


def _same(text: bytes, dumped: bytes, *, compact: bool) -> bool:
    """Whether the rows are written as they were read, apart from white space."""
    return text == dumped if compact else text.translate(None, _SPACE) == dumped.translate(None, _SPACE)


def _numbers_hold(text: bytes) -> bool:
    """Whether a double or 64 bits hold every number. False also for what may be none."""
    shape = text.translate(_SHAPE, _DROPPED)
    if _MANY_DIGITS in shape:
        return False
    # The shorter one is found fastest, the pattern alone is certain.
    if b"e000" in shape and b"0e000" in shape and _LONG_EXPONENT.search(shape):
        return False
    return not _NEGATIVE_ZERO.search(text)


def _exactly(text: str, first: int) -> list[Any]:
    """The elements of an array that is proven to be valid, one by one, since an error names the row."""
    decoder = json.JSONDecoder(parse_float=fraction, parse_int=integer, object_pairs_hook=_unique)
    rows: list[Any] = []
    start = 1
    try:
        while element := _ELEMENT.search(text, start):
            row, start = decoder.raw_decode(text, element.start())
            rows.append(row)
    except RecursionError:
        raise NotRows(f"a value is nested deeper than {DEEPEST} levels") from None
    except _Repeated as repeated:
        raise NotRows(
            f"the key {repeated.key[:80]!r} comes twice in one object",
            where=f"row {first + len(rows):,} of the answer",
            fix="a row can keep only one of the two values: have the API send each key once",
        ) from None
    return rows


class _Repeated(Exception):
    """A key that comes twice in an object."""

    def __init__(self, key: str) -> None:
        self.key = key


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        raise _Repeated(next(key for key, _ in pairs if key in seen or seen.add(key)))  # type: ignore[func-returns-value]
    return found
