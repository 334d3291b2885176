"""Shape: where the rows are in an answer."""

import re
from dataclasses import dataclass
from typing import Any

from include.transfer.errors import BodyBroken, NotRows
from include.transfer.source.json_prologue import arrays_in
from include.transfer.source.json_rows import Around, decode

# Of several arrays of objects, one of such a name has the rows; one of the others is about them.
_ROWS = re.compile(
    r"(data|items?|results?|rows|records|values?|hits|docs|documents|features|elements|entries|entities|"
    r"content|objects|members?|resources)$",
    re.IGNORECASE,
)
_ABOUT = re.compile(
    r"(columns?|fields?|errors?|warnings?|included|facets?|links?|messages?|aggregations)$", re.IGNORECASE
)


@dataclass(frozen=True)
class Shape:
    """`key`: as a dataset's rows_key; `lines`: NDJSON; `others`: arrays that are not the rows."""

    key: str = ""
    lines: bool = False
    others: tuple[str, ...] = ()


@dataclass(frozen=True)
class Rows:
    """The rows of an answer, `hashes` of each, and the body `around` them."""

    rows: list[dict[str, Any]]
    hashes: bytes
    around: Any


def shape_of(text: bytes, content_type: str, *, whole: bool) -> Shape:
    """Raises NotRows, with the arrays that are there, where no array has objects."""
    if re.search("ndjson|jsonl", content_type, re.IGNORECASE):
        return Shape(lines=True)
    start = text.lstrip(b"\xef\xbb\xbf \t\r\n")
    if not start:
        raise NotRows("the answer is empty", fix="give a URL that has rows now")
    if not start.startswith(b"{"):
        if not read_rows(text, Shape(), whole=whole).rows:  # an HTML page, or what else is no JSON, says so
            raise NotRows(
                "the array is empty", fix="give a URL that has rows now: columns are read from them"
            )
        return Shape()
    if _is_lines(start):
        return Shape(lines=True)
    arrays = arrays_in(text)
    found = {key: rows for key in arrays if (rows := _rows_under(text, key, whole=whole))}
    if not found:
        raise NotRows(_nothing_in(arrays), fix="give the URL of a list that has rows now")
    key = max(found, key=lambda key: (not _ABOUT.search(key), bool(_ROWS.search(key)), found[key]))
    return Shape(key, others=tuple(other for other in arrays if other != key))


def read_rows(text: bytes, shape: Shape, *, whole: bool) -> Rows:
    """The rows, none of an empty body; of one that is not whole, these alone.

    Raises NotRows where there are none, BodyBroken where a whole body ends too early.
    """
    around, rows, hashes = Around(), [], b""
    if not text:
        return Rows([], b"", None)
    try:
        for block in decode([text], ndjson=shape.lines, rows_key=shape.key, around=around):
            rows += block.rows
            hashes += block.hashes
    except BodyBroken:
        if whole:
            raise
    return Rows(rows, hashes, around.value() if whole else None)


def _is_lines(text: bytes) -> bool:
    lines = [line for line in text[: 1 << 20].splitlines()[:3] if line.strip()]
    return len(lines) > 1 and all(line.startswith(b"{") for line in lines)


def _rows_under(text: bytes, key: str, *, whole: bool) -> int:
    try:
        return len(read_rows(text, Shape(key), whole=whole).rows)
    except NotRows:
        return 0


def _nothing_in(arrays: list[str]) -> str:
    if not arrays:
        return "the answer is an object without an array"
    return f"no array of the answer has an object in it; arrays here: {', '.join(arrays)}"
