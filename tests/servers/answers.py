"""What a scripted source answers: shapes of APIs, and the bytes of their bodies, made row by row."""

import json
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

Row = dict[str, Any]
PIECE = 64 * 1024


@dataclass
class Shape:
    """How the API is asked and how it answers. Every field can be changed while the source runs."""

    count_path: str = "/api/count"
    rows_path: str = "/api/get"
    count_key: str | None = None  # dotted; None: the bare number
    rows_key: str | None = None  # dotted; None: a bare array
    total_key: str | None = None  # dotted, beside the rows
    total_header: str | None = None
    total_first: bool = True  # before the rows, or behind them
    offset_name: str = "start"
    limit_name: str = "limit"
    page_name: str | None = None  # set: pages are numbered and offsets unknown
    page_size_name: str = "page_size"
    first_page: int = 0
    largest_limit: int | None = None
    over_limit: Literal["cap", "refuse"] = "cap"
    bearer: str | None = None
    basic: tuple[str, str] | None = None
    version: str | None = None
    version_header: str = "ETag"
    offers_ndjson: bool = False
    offers_gzip: bool = False
    separators: tuple[str, str] = (",", ":")
    indent: int | None = None
    ascii_only: bool = False
    framing: Literal["length", "chunked"] = "chunked"


class BadRequest(ValueError):
    """The query cannot be answered; the text is the answer's body."""


def window(shape: Shape, query: dict[str, str], total: int) -> range:
    """Indices of the rows that the query asks for."""
    size_name = shape.page_size_name if shape.page_name else shape.limit_name
    size = _number(query, size_name, total)
    if shape.largest_limit is not None and size > shape.largest_limit:
        if shape.over_limit == "refuse" and size_name in query:
            raise BadRequest(f"{size_name} must be at most {shape.largest_limit}")
        size = shape.largest_limit
    if shape.page_name:
        start = (_number(query, shape.page_name, shape.first_page) - shape.first_page) * size
    else:
        start = _number(query, shape.offset_name, 0)
    if start < 0:
        raise BadRequest("there is no such page")
    return range(min(start, total), min(start + size, total))


def _number(query: dict[str, str], name: str, default: int) -> int:
    text = query.get(name, str(default))
    if not text.isdigit():
        raise BadRequest(f"{name} must be a whole number, not {text!r}")
    return int(text)


def count_body(shape: Shape, total: int) -> bytes:
    """The answer to a count."""
    document: Any = total
    for key in reversed(shape.count_key.split(".") if shape.count_key else []):
        document = {key: document}
    return json.dumps(document, separators=shape.separators, indent=shape.indent).encode()


def ndjson_body(shape: Shape, rows: Iterable[Row]) -> Iterator[bytes]:
    """One line a row."""
    for row in rows:
        yield json.dumps(row, separators=shape.separators, ensure_ascii=shape.ascii_only).encode() + b"\n"


def json_body(shape: Shape, rows: Iterable[Row], total: int) -> Iterator[bytes]:
    """An array of the rows, within an envelope if the shape has one; never held as a whole."""
    before, after = _envelope(shape, total)
    line = "" if shape.indent is None else "\n"
    yield (before + "[").encode()
    between = line
    for row in rows:
        text = json.dumps(
            row, separators=shape.separators, indent=shape.indent, ensure_ascii=shape.ascii_only
        )
        yield (between + text).encode()
        between = shape.separators[0] + line
    yield (line + "]" + after).encode()


def _envelope(shape: Shape, total: int) -> tuple[str, str]:
    if shape.rows_key is None:
        return "", ""
    document: Row = {}
    fields = [(shape.rows_key, "\0rows")]
    if shape.total_key:
        fields.insert(0 if shape.total_first else 1, (shape.total_key, total))
    for dotted, value in fields:
        *parents, name = dotted.split(".")
        place = document
        for parent in parents:
            place = place.setdefault(parent, {})
        place[name] = value
    text = json.dumps(document, separators=shape.separators, indent=shape.indent)
    before, after = text.split(json.dumps("\0rows"))
    return before, after


def gzipped(body: Iterable[bytes]) -> Iterator[bytes]:
    """The body as one gzip stream."""
    packer = zlib.compressobj(level=1, wbits=31)
    for chunk in body:
        if packed := packer.compress(chunk):
            yield packed
    yield packer.flush()


def in_pieces(body: Iterable[bytes], size: int = PIECE) -> Iterator[bytes]:
    """The same bytes in pieces of ``size`` (the last may be shorter)."""
    held = bytearray()
    for chunk in body:
        held += chunk
        while len(held) >= size:
            yield bytes(held[:size])
            del held[:size]
    if held:
        yield bytes(held)
