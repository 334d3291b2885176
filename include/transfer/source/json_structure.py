"""The structure of JSON text: where rows end in it, where they begin, and whether it is JSON at all.

Slower than decoding, so it is asked only where decoding alone cannot tell.
"""

import codecs
import re
from dataclasses import dataclass

import ijson
import orjson

from include.transfer.errors import BodyBroken, NotRows
from include.transfer.source.body_buffer import LARGEST_ROW_BYTES, Body

DEEPEST = 1000  # levels of nesting; decoders and encoders give up at about as many
_PIECE = 64 * 1024
_TRUNCATED = "unexpected end of data"  # how the decoder's error begins where only more text is missing
# Anything but brackets, with whole strings in it, then one bracket. Possessive: a string without an end must
# not be tried again from within.
_BRACKET = re.compile(rb'(?:[^"{}\[\]]++|"[^"\\]*+(?:\\.[^"\\]*+)*+")*+([{}\[\]])', re.DOTALL)


@dataclass(frozen=True)
class Extent:
    """Where in a text the last whole element of an array ends, and where the array does; 0 if none does."""

    end: int
    closed: int = 0


def extent(text: bytearray) -> Extent:
    """How far `text` holds whole elements; it begins within an array, in front of an element."""
    depth = position = end = 0
    while bracket := _BRACKET.match(text, position):
        position = bracket.end()
        if bracket[1] in b"{[":
            depth += 1
            if depth > DEEPEST:
                raise NotRows(f"a value is nested deeper than {DEEPEST} levels")
            continue
        depth -= 1
        if depth < 0:
            return Extent(end, position)
        if depth == 0:
            end = position
    return Extent(end)


def refuse_nonsense(before: bytes, text: bytes | bytearray, position: int) -> None:
    """Raise NotRows if `before` and `text` can not be the beginning of JSON, whatever follows.

    `position`: of `text` in the body.
    """
    whole = _proven_encoding(text, position)
    try:
        orjson.loads(before + whole)
    except orjson.JSONDecodeError as error:
        if whole and not error.msg.startswith(_TRUNCATED):
            at = position + max(0, error.pos - len(before))
            raise NotRows(f"not JSON: {error.msg}, near position {at:,}") from None


def _proven_encoding(text: bytes | bytearray, position: int) -> memoryview:
    """`text` without the beginning of a character at its end."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    waiting = 0
    for start in range(0, len(text), _PIECE):
        try:
            decoder.decode(bytes(text[start : start + _PIECE]))
        except UnicodeDecodeError as error:
            at = start - waiting + error.start
            near = text[max(0, at - 20) : at].decode("utf-8", "replace")
            raise NotRows(
                f"not UTF-8: byte 0x{text[at]:02x} at position {position + at:,}, behind {near!r}"
            ) from None
        waiting = len(decoder.getstate()[0])
    return memoryview(text)[: len(text) - waiting]


def describe(start: bytes) -> str:
    """What a body is that should have been JSON."""
    if start.startswith(b"<"):
        return "the body is an HTML or XML page, not JSON: check host, path and credentials"
    return f"the body starts with {start[:40]!r}"


def skip_to_array(reader: Body, rows_key: str) -> None:
    """Consume the body up to its rows: past the bracket that opens its array, or the array `rows_key`."""
    first = reader.skip_space()
    if not first:
        raise reader.broken or BodyBroken("the body is empty")
    if first not in b"[{":
        reader.fill()
        raise NotRows(describe(bytes(reader.buffer[:80])))
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
    """Consume the body up to the array `rows_key`, or all of it; returns keys of arrays on the way."""
    events = ijson.sendable_list()
    parser = ijson.parse_coro(events)
    start, arrays = reader.position, []
    alive = True
    try:
        while alive or reader.buffer:
            # The parser does not say how far it has read: so give it no more than up to a bracket.
            bracket = reader.buffer.find(b"[", 0, _PIECE)
            parser.send(reader.take(bracket + 1 if bracket >= 0 else _PIECE))
            opened = [key for key, event, _ in events if event == "start_array"]
            events.clear()
            if rows_key and rows_key in opened:
                return opened
            arrays += [
                key for key in opened if "item" not in key.split(".")
            ]  # so are a list's elements called
            if reader.position - start > LARGEST_ROW_BYTES:
                return arrays
            if not reader.buffer:
                alive = reader.fill(least=1)
        if not reader.broken:
            parser.close()
    except ijson.IncompleteJSONError as error:
        if str(error).startswith("parse error: premature"):
            raise BodyBroken(f"the body ended before its rows ({_first_line(error)})") from error
        raise NotRows(f"not JSON: {_first_line(error)}") from error
    except ijson.JSONError as error:
        raise NotRows(f"not JSON: {_first_line(error)}") from error
    if reader.broken:
        raise reader.broken
    return arrays


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0][:200]
