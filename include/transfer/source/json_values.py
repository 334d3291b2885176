"""Decoding that loses nothing: numbers keep their digits, and a key that comes twice is an error.

orjson is five times faster than a decoder that takes note of both, so it decodes, and whether it lost
anything is found out from the text as a whole. Only where it did, or may have, the text is decoded again.
"""

import json
import re
from itertools import compress
from operator import ne
from typing import Any, NamedTuple

import orjson

from include.transfer.errors import NotRows
from include.transfer.schema.numbers import fraction, integer
from include.transfer.source.json_structure import DEEPEST

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

# What is left of a text to compare its numbers. An escape may go only where what it stands for goes, too.
_NO_NUMBER = bytes(byte for byte in range(256) if byte not in b"0123456789.+-eE,:[]{}")
_PARTS = bytes.maketrans(b":[]}", b",,,,")
_ESCAPE = re.compile(rb"\\u[0-9a-fA-F]{4}")
_TELLING_ESCAPE = re.compile(rb"\\u00(?:3[0-9aA]|2[b-eB-E]|[57][bBdD]|[46]5)")


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


class Rows(NamedTuple):
    """Objects of an array. `plain`: its text is what orjson writes of them, byte for byte."""

    rows: list[dict[str, Any]]
    plain: bool = False


def decode_rows(text: bytes, first: int) -> Rows | None:
    """The objects of an array, the first of them number `first` of its answer; None: it is not valid JSON.

    Raises NotRows for other values than objects, and for a key that comes twice in one.
    """
    try:
        rows = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        if not _WHOLE_NUMBER.match(error.doc, error.pos):
            return None
        try:
            _refuse_others(loads(text))
        except orjson.JSONDecodeError:
            return None
        return Rows(_exactly(text.decode(), first))
    _refuse_others(rows)
    colon = text.find(b'":') + 2
    spaced = text[colon : colon + 1] == b" "
    dumped = b"" if spaced and _numbers_hold(text[:_GLANCE]) else _dumped(rows)
    if text == dumped:
        return Rows(rows, plain=True)
    return Rows(rows if _nothing_lost(text, rows, dumped, spaced=spaced) else _exactly(text.decode(), first))


def _refuse_others(rows: list[Any]) -> None:
    if not set(map(type, rows)) <= {dict}:
        odd = next(row for row in rows if not isinstance(row, dict))
        raise NotRows(f"a row is {_kind(odd)}")


def _kind(value: Any) -> str:
    kinds = {list: "an array", str: "a string", bool: "a boolean", type(None): "null"}
    return kinds.get(type(value), "a number")


def _nothing_lost(text: bytes, rows: list[dict[str, Any]], dumped: bytes, *, spaced: bool) -> bool:
    """By the cheaper of two ways, and no answer that is not certain: False says that it may be."""
    if dumped and spaced and _same_numbers(text, dumped):
        return True
    if _numbers_hold(text):
        colons = text.count(b":")
        # No more colons than keys; or, with those in texts and in nested objects, as many as are kept.
        return colons == sum(map(len, rows)) or (
            colons == (dumped or _dumped(rows)).count(b":") and not _TELLING_ESCAPE.search(text)
        )
    return not (spaced and dumped) and _same_numbers(text, dumped or _dumped(rows))


def _dumped(rows: list[dict[str, Any]]) -> bytes:
    try:
        return orjson.dumps(rows)
    except TypeError:  # nested deeper than it goes
        return b""


def _same_numbers(text: bytes, dumped: bytes) -> bool:
    """Whether the rows are written with the numbers that they were read with, and all their keys.

    White space, escapes and how a number is spelled may differ: of strings only that is compared which a
    number could hold, or what parts it from others.
    """
    if b"\\u" in text or b"\\u" in dumped:
        if b"\\\\u" in text or b"\\\\u" in dumped or _TELLING_ESCAPE.search(text):
            return False
        text, dumped = _ESCAPE.sub(b"", text), _ESCAPE.sub(b"", dumped)
    read, written = text.translate(None, _NO_NUMBER), dumped.translate(None, _NO_NUMBER)
    if read == written:
        return True
    pieces, others = read.split(b"{"), written.split(b"{")
    return len(pieces) == len(others) and all(
        _spelled_alike(piece, other)
        for piece, other in compress(zip(pieces, others, strict=True), map(ne, pieces, others))
    )


def _spelled_alike(read: bytes, written: bytes) -> bool:
    """1e-05 is the double that is printed as 0.00001; a whole number must be printed as it was read."""
    tokens, others = (piece.translate(_PARTS).split(b",") for piece in (read, written))
    return len(tokens) == len(others) and all(
        any(mark in token for mark in (b".", b"e", b"E")) and isinstance(fraction(token.decode()), float)
        for token in compress(tokens, map(ne, tokens, others))
    )


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
