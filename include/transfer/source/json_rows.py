"""From the bytes of an answer to blocks of rows: incremental, memory independent of the answer's length.

An array is read in blocks of about 256 KB, cut behind a row and proven by decoding: a cut inside a string or
a nested value leaves text that is not valid JSON, so the next cut is tried, and a block that decodes was cut
right. Measured on 195,000 rows this takes a sixth of the time of a token-by-token parser. Where no cut
decodes soon (rows with many nested objects), the brackets are counted.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from include.transfer.errors import BodyBroken, NotRows
from include.transfer.source.blocks import Block, block_of
from include.transfer.source.body_buffer import LARGEST_ROW_BYTES, SPACE, Body
from include.transfer.source.json_faults import refuse_nonsense
from include.transfer.source.json_prologue import skip_to_rows
from include.transfer.source.json_shapes import array_of_objects, begins_with_lines, opening
from include.transfer.source.json_structure import describe, extent
from include.transfer.source.row_shapes import Lines, Objects, Shape, objects

_CUTS_TRIED = 3
_OBJECTS = Objects()
_COMMA = re.compile(rb"[ \t\r\n]*+,")


@dataclass
class Around:
    """What a body holds besides its rows, as text: up to their bracket, and from the closing one on."""

    before: bytes = b""
    behind: bytes = b""

    def value(self) -> Any:
        """The body as if it had no rows. Raises BodyBroken where it ends too early, NotRows for no JSON."""
        if not self.before:
            return None  # the body is the array itself, or lines
        try:
            return orjson.loads(self.before + self.behind)
        except ValueError:
            refuse_nonsense(self.before, self.behind, 0, 0)
            raise BodyBroken("the body ended behind its rows") from None


def decode(
    chunks: Iterable[bytes],
    *,
    ndjson: bool = False,
    rows_key: str = "",
    shape: Shape = _OBJECTS,
    around: Around | None = None,
) -> Iterator[Block]:
    """Rows of a body: of the `shape`, at its root or under `rows_key`; or NDJSON.

    `ndjson`: what the body is said to be. `around` takes what stands around the rows, for who reads more
    than these.

    Raises NotRows where the body is something else, BodyBroken where it ends too early; then every whole
    row that arrived has been yielded before.
    """
    reader = Body(chunks, keep=around is not None)
    if _holds_lines(reader, shape, rows_key, ndjson=ndjson):
        blocks = _lines(reader)
    else:
        opened = skip_to_rows(reader, rows_key, opening(shape, rows_key))
        before = reader.release()
        if around is not None and rows_key:
            around.before = before[:-1] + b"["
        reader = array_of_objects(reader, opened, shape)
        blocks = _array(reader, rows_key, around)
    yield from objects(shape, _counted(reader, blocks))


def _holds_lines(reader: Body, shape: Shape, rows_key: str, *, ndjson: bool) -> bool:
    """By its settings, by its label, or by its text."""
    if isinstance(shape, Lines):
        return True
    if not isinstance(shape, Objects):
        return False
    return reader.skip_space() != b"[" if ndjson else not rows_key and begins_with_lines(reader)


def _counted(reader: Body, blocks: Iterator[Block]) -> Iterator[Block]:
    for block in blocks:
        reader.rows += len(block.rows)  # before the next ones are decoded, whose errors name their row
        yield block


def _array(reader: Body, rows_key: str, around: Around | None) -> Iterator[Block]:
    comma = False  # stands in front of the buffer
    while reader.fill():
        cut, block = _longest_block(reader.buffer, reader.rows)
        if not block:
            found = extent(reader.buffer)
            if found.closed:
                break
            if found.end and (cut := _comma_behind(reader.buffer, found.end - 1)):
                block = _whole(bytes(reader.buffer[: found.end]), reader.position, reader.rows)
        if block:
            del reader.buffer[:cut]
            comma = True
            yield block
        else:
            refuse_nonsense(b"[", reader.buffer, reader.position, reader.rows)
            _refuse_scalar(reader.buffer)
            reader.grow()
    yield from _array_end(reader, rows_key, comma, around)


def _array_end(reader: Body, rows_key: str, comma: bool, around: Around | None) -> Iterator[Block]:
    """What is left when the array or the body has ended: the last rows and the bracket, or a broken body."""
    whole = bytes(reader.buffer).strip(SPACE)
    if whole.endswith(b"]") and whole != b"]" and (block := block_of(b"[" + whole, reader.rows)):
        yield block
        return
    found = extent(reader.buffer)
    if found.closed and rows_key:
        if around is not None:
            around.behind = b"]" + _rest(reader, found.closed)
        del reader.buffer[found.closed :]
    if found.end:
        at = reader.position
        yield _whole(reader.take(found.end), at, reader.rows)
    before = b"[{}" if found.end else b"[{}," if comma else b"["
    rest = bytes(reader.buffer)
    refuse_nonsense(before, rest, reader.position, reader.rows)
    if found.closed and rest.strip(SPACE) == b"]":
        return
    _refuse_scalar(rest.lstrip(b"," + SPACE if found.end else SPACE))
    raise reader.broken or BodyBroken("the body ended inside its array of rows")


def _rest(reader: Body, at: int) -> bytes:
    """The body from `at` in the buffer on; what a source names behind its rows must have arrived whole."""
    while reader.fill(least=len(reader.buffer) + 1):
        if len(reader.buffer) - at > LARGEST_ROW_BYTES:
            raise NotRows(f"more than {LARGEST_ROW_BYTES >> 20} MB stand behind the rows")
    if reader.broken:
        raise reader.broken
    return bytes(memoryview(reader.buffer)[at:])


def _longest_block(buffer: bytearray, first: int) -> tuple[int, Block | None]:
    """The most rows that end in `buffer`, and how many bytes they take with the comma behind them."""
    end = len(buffer)
    for _ in range(_CUTS_TRIED):
        brace = buffer.rfind(b"}", 0, end)
        comma = _comma_behind(buffer, brace) if brace >= 0 else 0
        if brace < 0:
            break
        if comma and (block := block_of(_array_of(buffer, brace + 1), first)):
            return comma, block
        end = brace
    return 0, None


def _array_of(buffer: bytearray, size: int) -> bytes:
    """The first `size` bytes in brackets, copied once."""
    return b"".join((b"[", memoryview(buffer)[:size], b"]"))


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
            yield from _line_block(reader.take(cut), reader.position - cut, reader.rows)
        else:
            refuse_nonsense(b"", reader.buffer, reader.position, reader.rows)
            reader.grow()
    cut = reader.buffer.rfind(b"\n") + 1
    yield from _line_block(reader.take(cut), reader.position - cut, reader.rows)
    if last := bytes(reader.buffer).strip(SPACE):
        block = block_of(b"[" + last + b"]", reader.rows) if last.endswith(b"}") else None
        if not block:
            refuse_nonsense(b"", last, reader.position, reader.rows)
            raise reader.broken or BodyBroken("the body ended inside a line")
        yield block
    if reader.broken:
        raise reader.broken


def _line_block(text: bytes, position: int, first: int) -> Iterator[Block]:
    """Whole lines as one array: no JSON string holds a raw newline, so one decoding serves them all."""
    lines = [line for line in text.split(b"\n") if line.strip()]
    if not lines:
        return
    lines[0] = b"[" + lines[0]
    lines[-1] += b"]"
    block = block_of(b",".join(lines), first)
    if block is None or len(block.rows) != len(lines):
        for line in text.split(b"\n"):
            if line.strip():
                refuse_nonsense(b"", line, position, first)
                first += 1
            position += len(line) + 1
        raise NotRows("a line does not hold one JSON value")
    yield block


def _whole(text: bytes, position: int, first: int) -> Block:
    """The rows of `text`, which are whole by their brackets; NotRows if they are not JSON all the same."""
    block = block_of(b"[" + text + b"]", first)
    if block is None:
        refuse_nonsense(b"[", text + b"]", position, first)
        raise NotRows(f"values at position {position:,} could not be decoded")
    return block


def _refuse_scalar(text: bytes | bytearray) -> None:
    """Rows that are no objects have no brackets to be cut at."""
    start = bytes(text[:40]).lstrip(SPACE)
    if start and start[:1] not in b"{]":
        raise NotRows(f"a row starts with {start!r}")
