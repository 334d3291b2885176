"""From the bytes of an answer to blocks of rows: incremental, memory independent of the answer's length.

An array is read in blocks of about 1 MB, cut behind a row and proven by decoding: a cut inside a string or a
nested value leaves text that is not valid JSON, so the next cut is tried, and a block that decodes was cut
right. Measured on 195,000 rows this takes a sixth of the time of a token-by-token parser.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import ijson
import orjson

from include.transfer.body import SPACE, Body
from include.transfer.errors import BodyBroken, NotRows

LARGEST_ROW_BYTES = 64 << 20
_CUTS_TRIED = 24
# A number of 19 digits or more may not fit 64 bits: orjson would make it a rounded double. One translation
# and one search find it (or a text that looks like it) in a fifth of the time of a pattern.
_SHAPE = bytes.maketrans(b"0123456789-:,[ \t\r\n", b"0" * 11 + b":" * 7)
_LONG_NUMBER = b":" + b"0" * 19


@dataclass(frozen=True)
class Block:
    """Consecutive rows, in the source's order.

    `plain`: surely no value is an empty string, a boolean or nested, so encoders may take a short way.
    """

    rows: list[dict[str, Any]]
    plain: bool = False


def decode(chunks: Iterable[bytes], *, ndjson: bool = False, rows_key: str = "") -> Iterator[Block]:
    """Rows of a body: a JSON array of objects, the array under `rows_key`, or NDJSON.

    Raises NotRows where the body is something else, BodyBroken where it ends too early; then every whole
    row that arrived has been yielded before.
    """
    if ndjson:
        return _lines(chunks)
    if rows_key:
        return _nested(chunks, rows_key)
    return _array(chunks)


def _array(chunks: Iterable[bytes]) -> Iterator[Block]:
    reader = Body(chunks)
    reader.skip_to_array()
    while reader.fill():
        cut, block = _longest_block(reader.buffer)
        if block:
            del reader.buffer[:cut]
            yield block
        else:
            reader.wanted = _grown(reader)
    yield from _array_end(reader)


def _array_end(reader: Body) -> Iterator[Block]:
    """What is left when the body has ended: the last rows and the closing bracket, or a broken body."""
    rest = bytes(reader.buffer).strip(SPACE)
    if rest == b"]":
        return
    if rest.endswith(b"]") and (block := _block(b"[" + rest)):
        yield block
        return
    cut, block = _longest_block(reader.buffer)
    if block:
        del reader.buffer[:cut]
        yield block
        if reader.broken is None:
            yield from _array_end(reader)
            return
    _refuse_nonsense(b"[" + bytes(reader.buffer))
    raise reader.broken or BodyBroken("the body ended inside its array of rows; expected a closing ]")


def _longest_block(buffer: bytearray) -> tuple[int, Block | None]:
    """The most rows that end in `buffer`, and how many bytes they take with the comma behind them."""
    end = len(buffer)
    for _ in range(_CUTS_TRIED):
        brace = buffer.rfind(b"}", 0, end)
        comma = _comma_behind(buffer, brace) if brace >= 0 else 0
        if brace < 0:
            break
        if comma and (block := _block(b"[" + buffer[: brace + 1] + b"]")):
            return comma + 1, block
        end = brace
    return 0, None


def _comma_behind(buffer: bytearray, brace: int) -> int:
    """Position of the comma that follows the brace, with nothing but white space between; 0 if none."""
    position = brace + 1
    while position < len(buffer) and buffer[position] in SPACE:
        position += 1
    return position if buffer[position : position + 1] == b"," else 0


def _grown(reader: Body) -> int:
    """No row ends in the buffer: make room for a longer one, unless that is not what is wrong."""
    _refuse_nonsense(b"[" + bytes(reader.buffer))
    if len(reader.buffer) > LARGEST_ROW_BYTES:
        raise NotRows(f"a row is longer than {LARGEST_ROW_BYTES >> 20} MB; expected rows of a table")
    return len(reader.buffer) * 2


def _lines(chunks: Iterable[bytes]) -> Iterator[Block]:
    reader = Body(chunks)
    while reader.fill():
        cut = reader.buffer.rfind(b"\n") + 1
        if not cut:
            reader.wanted = _grown(reader)
            continue
        yield from _line_block(bytes(reader.buffer[:cut]))
        del reader.buffer[:cut]
    whole = len(reader.buffer) if reader.broken is None else reader.buffer.rfind(b"\n") + 1
    yield from _line_block(bytes(reader.buffer[:whole]))
    if reader.broken:
        raise reader.broken


def _line_block(text: bytes) -> Iterator[Block]:
    """Whole lines as one array: no JSON string holds a raw newline, so one decoding serves them all."""
    lines = b",".join(line for line in text.splitlines() if line.strip())
    if not lines:
        return
    block = _block(b"[" + lines + b"]")
    if block is None:
        _refuse_nonsense(b"[" + lines + b"]")
        raise BodyBroken("the body ended inside a line; expected one JSON object a line")
    yield block


def _nested(chunks: Iterable[bytes], rows_key: str) -> Iterator[Block]:
    """Rows under a key: read token by token, since what stands around them has any shape."""
    reader = Body(chunks)
    events = ijson.sendable_list()
    parser = ijson.items_coro(events, f"{rows_key}.item", use_float=True)
    try:
        while reader.fill(least=1):
            parser.send(bytes(reader.buffer))
            reader.buffer.clear()
            yield from _drained(events)
        parser.send(bytes(reader.buffer))
        yield from _drained(events)
        if reader.broken:
            raise reader.broken
        parser.close()
    except ijson.IncompleteJSONError as error:
        yield from _drained(events)
        if reader.total and not str(error).startswith("parse error: premature"):
            raise NotRows(f"not JSON: {_first_line(error)}; expected rows under {rows_key!r}") from error
        raise BodyBroken(f"the body ended inside its JSON ({_first_line(error)})") from error
    except ijson.JSONError as error:
        raise NotRows(f"not JSON: {_first_line(error)}; expected rows under {rows_key!r}") from error
    yield from _drained(events)


def _drained(events: list[Any]) -> Iterator[Block]:
    if events:
        rows = list(events)
        del events[:]
        yield Block(_objects(rows))


def _block(text: bytes | bytearray) -> Block | None:
    """`text` decoded, or None if it is not valid JSON. Integers of any length stay exact."""
    exact: Callable[[bytes | bytearray], Any] = (
        _exact if _LONG_NUMBER in text.translate(_SHAPE) else orjson.loads
    )
    try:
        rows = exact(text)
    except ValueError:
        return None
    plain = not (
        b'""' in text
        or b"true" in text
        or b"false" in text
        or text.count(b"{") > len(rows)
        or text.count(b"[") > 1
    )
    return Block(_objects(rows), plain)


def _exact(text: bytes | bytearray) -> Any:
    def refuse(name: str) -> None:
        raise ValueError(f"{name} is not JSON")

    return json.loads(text, parse_constant=refuse)


def _objects(rows: list[Any]) -> list[dict[str, Any]]:
    if set(map(type, rows)) <= {dict}:
        return rows
    odd = next(row for row in rows if not isinstance(row, dict))
    raise NotRows(f"a row is {_kind(odd)}; expected an object with the columns' names")


def _kind(value: Any) -> str:
    kinds = {list: "an array", str: "a string", bool: "a boolean", type(None): "null"}
    return kinds.get(type(value), "a number")


def _refuse_nonsense(text: bytes) -> None:
    """Raise NotRows if `text` can not be the beginning of JSON, whatever follows."""
    try:
        text.decode()
    except UnicodeDecodeError as error:
        if error.reason != "unexpected end of data":
            near = error.object[max(0, error.start - 20) : error.start].decode("utf-8", "replace")
            raise NotRows(
                f"not UTF-8: byte 0x{text[error.start]:02x} behind {near!r}; expected UTF-8"
            ) from None
    parser = ijson.basic_parse_coro(ijson.sendable_list())
    try:
        parser.send(text)
    except ijson.JSONError as error:
        raise NotRows(f"not JSON: {_first_line(error)}; expected rows") from error


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0][:200]
