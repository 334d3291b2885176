"""Rows that are no array of objects, rewritten to one while they arrive: json_rows.py reads them all.

`{"a1": {…}, "a2": {…}}` becomes `[{"a1": {…}}, {"a2": {…}}]`, `[[1], [2]]` becomes `[{"": [1]}, {"": [2]}]`,
and a lone object a list of one.
"""

import re
from collections.abc import Iterator
from typing import Any

import orjson

from include.transfer.errors import NotRows
from include.transfer.source.body_buffer import LARGEST_ROW_BYTES, SPACE, Body
from include.transfer.source.json_structure import BRACKET, DEEPEST
from include.transfer.source.json_values import loads
from include.transfer.source.row_shapes import Arrays, ById, Objects, Shape

_MEMBER = re.compile(rb'[\s,]*+"[^"\\]*+(?:\\.[^"\\]*+)*+"\s*+:\s*+\{', re.DOTALL)
_ARRAYS_NAMED = 5


def opening(shape: Shape, rows_key: str) -> bytes:
    """The brackets that may open the rows."""
    either = isinstance(shape, ById) or (rows_key and isinstance(shape, Objects))
    return b"[{" if either else b"["


def array_of_objects(reader: Body, opened: bytes, shape: Shape) -> Body:
    """A body that goes on within an array of objects, as `reader` does behind the bracket `opened`."""
    if opened == b"[" and not isinstance(shape, Arrays):
        return reader
    if isinstance(shape, Arrays):
        pieces = _rewritten(reader.remaining(), _wrapped_array, b"}")
    elif isinstance(shape, ById):
        pieces = _rewritten(reader.remaining(), _wrapped_member, b"}")
    else:
        pieces = _lone(reader.remaining())
    return Body(pieces)


def _wrapped_array(text: bytes) -> bytes:
    if not text.endswith(b"["):
        raise NotRows("a row is an object", fix="leave the dataset's rows at objects")
    return text[:-1] + b'{"":['


def _wrapped_member(text: bytes) -> bytes:
    if not _MEMBER.fullmatch(text):
        raise NotRows(
            f"{text[:60].strip(SPACE)!r} does not begin a row under its id",
            fix="where the rows are a list, leave the dataset's rows at objects",
        )
    at = text.index(b'"')
    return text[:at] + b"{" + text[at:]


def _rewritten(pieces: Iterator[bytes], wrapped: Any, behind: bytes) -> Iterator[bytes]:
    """Elements with what `wrapped` makes of the text up to their bracket, and `behind` their end."""
    text, depth, wanted = bytearray(), 0, 0
    for piece in pieces:
        text += piece
        if piece and len(text) < wanted:
            continue
        out, copied, position = [], 0, 0
        while bracket := BRACKET.match(text, position):
            end, opens = bracket.end(), bracket[1] in b"{["
            if opens and depth == 0:
                out.append(wrapped(bytes(text[position:end])))
                copied = end
            depth += 1 if opens else -1
            if depth > DEEPEST:
                raise NotRows(f"a value is nested deeper than {DEEPEST} levels")
            if depth < 0:
                _refuse_leftover(text[position : end - 1])
                yield b"".join([*out, b"]", bytes(text[end:])])
                yield from pieces
                return
            if depth == 0:
                out += [bytes(text[copied:end]), behind]
                copied = end
            position = end
        del bracket  # it would hold the buffer's size fast
        out.append(bytes(text[copied:position]))
        del text[:position]
        wanted = _more(text)
        yield b"".join(out)
    yield bytes(text)


def _refuse_leftover(text: bytearray) -> None:
    if rest := bytes(text).strip(SPACE):
        raise NotRows(f"{rest[:60]!r} stands among the rows")


def _lone(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The object whose first brace was read, and the end of an array behind it."""
    text, depth, wanted = bytearray(b"{"), 0, 0
    scanned = 0
    for piece in pieces:
        text += piece
        if piece and len(text) < wanted:
            continue
        while bracket := BRACKET.match(text, scanned):
            scanned = bracket.end()
            depth += 1 if bracket[1] in b"{[" else -1
            if depth == 0:
                _refuse_wrapper(bytes(text[:scanned]))
                yield bytes(text[:scanned]) + b"]" + bytes(text[scanned:])
                yield from pieces
                return
        wanted = _more(text)
    yield bytes(text)


def _more(text: bytearray) -> int:
    """How much must be there before it is looked at again."""
    if len(text) > LARGEST_ROW_BYTES:
        raise NotRows(f"the {LARGEST_ROW_BYTES >> 20} MB in front of a row's end hold no whole row")
    return 2 * len(text)


def _refuse_wrapper(text: bytes) -> None:
    """An object that holds the rows is no row. Where the text is not JSON, decoding says so."""
    try:
        row = orjson.loads(text)
    except ValueError:
        return
    lists = [name for name, value in row.items() if isinstance(value, list) and _may_be_rows(value)]
    if lists:
        named = ", ".join(name[:80] for name in lists[:_ARRAYS_NAMED])
        raise NotRows(f"rows_key leads to an object that holds lists: {named}", fix="add one to rows_key")
    if row and all(isinstance(value, dict) for value in row.values()):
        raise NotRows("rows_key leads to an object of objects", fix="set the dataset's rows to by_id")


def _may_be_rows(values: list[Any]) -> bool:
    return not values or any(isinstance(value, dict) for value in values)


def begins_with_lines(reader: Body) -> bool:
    """Whether the body begins with a line that is an object, and then another."""
    if reader.skip_space() != b"{":
        return False
    alive, seen = True, 0
    while True:
        end = reader.buffer.find(b"\n", seen)
        rest = bytes(reader.buffer[end : end + 64]).strip(SPACE) if end >= 0 else b""
        if rest or not alive or len(reader.buffer) > LARGEST_ROW_BYTES:
            break
        seen = max(0, end) if end >= 0 else len(reader.buffer)
        alive = reader.fill(least=2 * len(reader.buffer))
    if not rest.startswith(b"{"):
        return False
    try:
        return isinstance(loads(bytes(reader.buffer[:end])), dict)
    except ValueError:
        return False
