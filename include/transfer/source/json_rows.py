"""From the bytes of an answer to blocks of rows: incremental, memory independent of the answer's length.

An array is read in blocks of about 256 KB, cut behind a row and proven by decoding: a cut inside a string or
a nested value leaves text that is not valid JSON, so the next cut is tried, and a block that decodes was cut
right. Measured on 195,000 rows this takes a sixth of the time of a token-by-token parser. Where no cut
decodes soon (rows with many nested objects), the brackets are counted.
"""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from include.transfer.errors import BodyBroken, NotRows
from include.transfer.source.body_buffer import SPACE, Body
from include.transfer.source.json_prologue import skip_to_array
from include.transfer.source.json_structure import DEEPEST, describe, extent, object_texts, refuse_nonsense
from include.transfer.source.row_hashes import ROW_BYTES, hashed

_CUTS_TRIED = 3
_COMMA = re.compile(rb"[ \t\r\n]*+,")
# A number of 19 digits or more may not fit 64 bits: orjson would make it a rounded double. One translation
# and one search find it (or a text that looks like it) in a fifth of the time of a pattern.
_SHAPE = bytes.maketrans(b"0123456789-:,[ \t\r\n", b"0" * 11 + b":" * 7)
_LONG_NUMBER = b":" + b"0" * 19


@dataclass(frozen=True)
class Block:
    """Consecutive rows, in the source's order, and `ROW_BYTES` of hash for each."""

    rows: list[dict[str, Any]]
    hashes: bytes = b""

    def part(self, start: int, stop: int) -> "Block":
        """Its rows [start, stop)."""
        return Block(self.rows[start:stop], self.hashes[start * ROW_BYTES : stop * ROW_BYTES])


def decode(chunks: Iterable[bytes], *, ndjson: bool = False, rows_key: str = "") -> Iterator[Block]:
    """Rows of a body: a JSON array of objects, the array under `rows_key`, or NDJSON.

    Raises NotRows where the body is something else, BodyBroken where it ends too early; then every whole
    row that arrived has been yielded before.
    """
    reader = Body(chunks)
    return _lines(reader) if ndjson else _array(reader, rows_key)


def _array(reader: Body, rows_key: str) -> Iterator[Block]:
    skip_to_array(reader, rows_key)
    comma = False  # stands in front of the buffer
    while reader.fill():
        cut, block = _longest_block(reader.buffer)
        if not block:
            found = extent(reader.buffer)
            if found.closed:
                break
            if found.end and (cut := _comma_behind(reader.buffer, found.end - 1)):
                block = _whole(bytes(reader.buffer[: found.end]), reader.position)
        if block:
            del reader.buffer[:cut]
            comma = True
            yield block
        else:
            refuse_nonsense(b"[", reader.buffer, reader.position)
            _refuse_scalar(reader.buffer)
            reader.grow()
    yield from _array_end(reader, rows_key, comma)


def _array_end(reader: Body, rows_key: str, comma: bool) -> Iterator[Block]:
    """What is left when the array or the body has ended: the last rows and the bracket, or a broken body."""
    whole = bytes(reader.buffer).strip(SPACE)
    if whole.endswith(b"]") and whole != b"]" and (block := _block(b"[" + whole)):
        yield block
        return
    found = extent(reader.buffer)
    if found.closed and rows_key:
        del reader.buffer[found.closed :]  # what stands behind the rows is of no interest
    if found.end:
        at = reader.position
        yield _whole(reader.take(found.end), at)
    before = b"[{}" if found.end else b"[{}," if comma else b"["
    rest = bytes(reader.buffer)
    refuse_nonsense(before, rest, reader.position)
    if found.closed and rest.strip(SPACE) == b"]":
        return
    _refuse_scalar(rest.lstrip(b"," + SPACE if found.end else SPACE))
    raise reader.broken or BodyBroken("the body ended inside its array of rows")


def _longest_block(buffer: bytearray) -> tuple[int, Block | None]:
    """The most rows that end in `buffer`, and how many bytes they take with the comma behind them."""
    end = len(buffer)
    for _ in range(_CUTS_TRIED):
        brace = buffer.rfind(b"}", 0, end)
        comma = _comma_behind(buffer, brace) if brace >= 0 else 0
        if brace < 0:
            break
        if comma and (block := _block(b"[" + buffer[: brace + 1] + b"]")):
            return comma, block
        end = brace
    return 0, None


def _comma_behind(buffer: bytearray, brace: int) -> int:
    """Where the comma ends that follows the brace, with nothing but white space between; 0 if none."""
    comma = _COMMA.match(buffer, brace + 1)
    return comma.end() if comma else 0


def _lines(reader: Body) -> Iterator[Block]:
    first = reader.skip_space()
    if first and first not in b"{[":
        reader.fill()
        raise NotRows(describe(bytes(reader.buffer[:80])))
    while reader.skip_space() and reader.fill():
        cut = reader.buffer.rfind(b"\n") + 1
        if cut:
            yield from _line_block(reader.take(cut), reader.position - cut)
        else:
            refuse_nonsense(b"", reader.buffer, reader.position)
            reader.grow()
    cut = reader.buffer.rfind(b"\n") + 1
    yield from _line_block(reader.take(cut), reader.position - cut)
    if last := bytes(reader.buffer).strip(SPACE):
        block = _block(b"[" + last + b"]") if last.endswith(b"}") else None
        if not block:
            refuse_nonsense(b"", last, reader.position)
            raise reader.broken or BodyBroken("the body ended inside a line")
        yield block
    if reader.broken:
        raise reader.broken


def _line_block(text: bytes, position: int) -> Iterator[Block]:
    """Whole lines as one array: no JSON string holds a raw newline, so one decoding serves them all."""
    lines = [line for line in text.split(b"\n") if line.strip()]
    if not lines:
        return
    block = _block(b"[" + b",".join(lines) + b"]")
    if block is None or len(block.rows) != len(lines):
        for line in text.split(b"\n"):
            if line.strip():
                refuse_nonsense(b"", line, position)
            position += len(line) + 1
        raise NotRows("a line does not hold one JSON value")
    yield block


def _whole(text: bytes, position: int) -> Block:
    """The rows of `text`, which are whole by their brackets; NotRows if they are not JSON all the same."""
    block = _block(b"[" + text + b"]")
    if block is None:
        refuse_nonsense(b"[", text + b"]", position)
        raise NotRows(f"values at position {position:,} could not be decoded")
    return block


def _block(text: bytes | bytearray) -> Block | None:
    """`text` decoded, or None if it is not valid JSON. Integers of any length stay exact."""
    try:
        rows = orjson.loads(text)
    except ValueError:
        return None
    if _LONG_NUMBER in text.translate(_SHAPE):
        rows = _exact(text)
    return Block(_objects(rows), hashed(object_texts(bytes(text), len(rows))))


def _exact(text: bytes | bytearray) -> Any:
    """For text that is proven: this decoder alone would take infinities and halves of surrogate pairs."""
    try:
        return json.loads(text)
    except RecursionError:
        raise NotRows(f"a value is nested deeper than {DEEPEST} levels") from None


def _objects(rows: list[Any]) -> list[dict[str, Any]]:
    if set(map(type, rows)) <= {dict}:
        return rows
    odd = next(row for row in rows if not isinstance(row, dict))
    raise NotRows(f"a row is {_kind(odd)}")


def _kind(value: Any) -> str:
    kinds = {list: "an array", str: "a string", bool: "a boolean", type(None): "null"}
    return kinds.get(type(value), "a number")


def _refuse_scalar(text: bytes | bytearray) -> None:
    """Rows that are no objects have no brackets to be cut at."""
    start = bytes(text[:40]).lstrip(SPACE)
    if start and start[:1] not in b"{]":
        raise NotRows(f"a row starts with {start!r}")
