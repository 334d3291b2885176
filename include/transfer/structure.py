"""The structure of JSON text: where rows end in it, where they begin, and whether it is JSON at all.

Slower than decoding, so it is asked only where decoding alone cannot tell.
"""

import codecs
import re
from dataclasses import dataclass

import ijson
import orjson

from include.transfer.body import LARGEST_ROW_BYTES, Body
from include.transfer.errors import BodyBroken, NotRows

DEEPEST = 1000  # levels of nesting; decoders and encoders give up at about as many
_PIECE = 64 * 1024
# Anything but brackets, with whole strings in it, then one bracket. Possessive: a string without an end must
# not be tried again from within.
_BRACKET = re.compile(rb'(?:[^"{}\[\]]++|"[^"\\]*+(?:\\.[^"\\]*+)*+")*+([{}\[\]])', re.DOTALL)


@dataclass(frozen=True)
class Extent:
    """`end`: where the last whole element of an array ends, 0 if none does. `closed`: so does the array."""

    end: int
    closed: bool


def extent(text: bytearray) -> Extent:
    """How far `text` holds whole elements; it begins within an array, in front of an element."""
    depth = position = end = 0
    while bracket := _BRACKET.match(text, position):
        position = bracket.end()
        if bracket[1] in b"{[":
            depth += 1
            if depth > DEEPEST:
                raise NotRows(f"a value is nested deeper than {DEEPEST} levels; expected rows of a table")
            continue
        depth -= 1
        if depth < 0:
            return Extent(end, bracket[1] == b"]")
        if depth == 0:
            end = position
    return Extent(end, False)


def refuse_nonsense(before: bytes, text: bytes | bytearray, position: int) -> None:
    """Raise NotRows if `before` and `text` can not be the beginning of JSON, whatever follows.

    `position`: of `text` in the body.
    """
    _refuse_encoding(text, position)
    events = ijson.sendable_list()
    parser = ijson.basic_parse_coro(events)
    try:
        parser.send(before)
        for start in range(0, len(text), _PIECE):
            parser.send(bytes(text[start : start + _PIECE]))
            events.clear()
    except ijson.JSONError as error:
        raise NotRows(f"not JSON: {_first_line(error)}; expected rows") from error


def _refuse_encoding(text: bytes | bytearray, position: int) -> None:
    decoder = codecs.getincrementaldecoder("utf-8")()
    for start in range(0, len(text), _PIECE):
        waiting = len(decoder.getstate()[0])
        try:
            decoder.decode(bytes(text[start : start + _PIECE]))
        except UnicodeDecodeError as error:
            at = start - waiting + error.start
            near = text[max(0, at - 20) : at].decode("utf-8", "replace")
            raise NotRows(
                f"not UTF-8: byte 0x{text[at]:02x} at position {position + at:,}, behind {near!r}; "
                f"expected UTF-8"
            ) from None


def refuse_undecoded(text: bytes, position: int) -> None:
    """Say why `text`, whole by its brackets, did not decode."""
    refuse_nonsense(b"", text, position)
    try:
        orjson.loads(text)
    except ValueError as error:  # what the check above lets pass: half a surrogate pair, a number like 1e999
        reason = getattr(error, "msg", _first_line(error))
        at = position + getattr(error, "pos", 0)
        raise NotRows(f"not JSON: {reason}, near position {at:,}; expected rows") from None


def describe(start: bytes) -> str:
    """What a body is that should have been JSON."""
    if start.startswith(b"<"):
        return "the body is an HTML or XML page, not JSON: check host, path and credentials"
    return f"the body starts with {start[:40]!r}; expected JSON"


def skip_to_array(reader: Body, rows_key: str) -> None:
    """Consume the body up to its rows: past the bracket that opens its array, or the array `rows_key`."""
    first = reader.skip_space()
    if not first:
        raise reader.broken or BodyBroken("the body is empty; expected a JSON array of rows")
    if first not in b"[{":
        raise NotRows(describe(bytes(reader.buffer)))
    if first == b"[" and rows_key:
        raise NotRows(f"the body is an array, not an object with {rows_key!r}: leave rows_key empty")
    if first == b"[":
        reader.take(1)
        return
    arrays = _read_to_array(reader, rows_key)
    if rows_key in arrays:
        return
    found = f"; arrays here: {', '.join(arrays[:5])}" if arrays else ", but no array is in it"
    if rows_key:
        raise NotRows(f"the body has no array {rows_key!r}: set rows_key to where its rows are{found}")
    raise NotRows(f"the body is an object: set rows_key to where its rows are{found}")


def _read_to_array(reader: Body, rows_key: str) -> list[str]:
    """Consume the body up to the array `rows_key`, or all of it; returns the keys of the arrays on the way."""
    events = ijson.sendable_list()
    parser = ijson.parse_coro(events)
    start, arrays = reader.position, []
    alive = True
    try:
        while alive or reader.buffer:
            # The parser does not say how far it has read: given no more than up to a bracket, it has read that.
            bracket = reader.buffer.find(b"[", 0, _PIECE)
            parser.send(reader.take(bracket + 1 if bracket >= 0 else _PIECE))
            arrays += [key for key, event, _ in events if event == "start_array" and ".item" not in f".{key}"]
            events.clear()
            if rows_key and rows_key in arrays:
                return arrays
            if reader.position - start > LARGEST_ROW_BYTES:
                return arrays
            if not reader.buffer:
                alive = reader.fill(least=1)
        if not reader.broken:
            parser.close()
    except ijson.IncompleteJSONError as error:
        if str(error).startswith("parse error: premature"):
            raise BodyBroken(f"the body ended before its rows ({_first_line(error)})") from error
        raise NotRows(f"not JSON: {_first_line(error)}; expected rows") from error
    except ijson.JSONError as error:
        raise NotRows(f"not JSON: {_first_line(error)}; expected rows") from error
    if reader.broken:
        raise reader.broken
    return arrays


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0][:200]
