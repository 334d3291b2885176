"""What is wrong with text that is not JSON, and where."""

import codecs
import re

import orjson

from include.transfer.errors import NotRows
from include.transfer.source.json_structure import whole_elements
from include.transfer.source.json_values import loads

_PIECE = 64 * 1024
_TRUNCATED = "unexpected end of data"  # how the decoder's error begins where only more text is missing
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F][0-9a-fA-F]{2}")
_CONSTANT = re.compile(r"[-+]?(?:NaN|Inf(?:inity)?)\b", re.IGNORECASE)
_KEY = re.compile(rb'"([^"\\]*+(?:\\.[^"\\]*+)*+)"\s*+:', re.DOTALL)


def refuse_nonsense(before: bytes, text: bytes | bytearray, position: int, row: int) -> None:
    """Raise NotRows if `before` and `text` can not be the beginning of JSON, whatever follows.

    `position`: of `text` in the body; `row`: the number of the row that it begins with.
    """
    whole = _proven_encoding(text, position)
    try:
        loads(before + whole)
    except orjson.JSONDecodeError as error:
        if whole and not error.msg.startswith(_TRUNCATED):
            at = max(0, len(error.doc[: error.pos].encode()) - len(before))
            got, fix = _named(error)
            where = _place(bytes(text[:at]), row)
            raise NotRows(f"not JSON: {got}, at position {position + at:,}", where=where, fix=fix) from None


def _named(error: orjson.JSONDecodeError) -> tuple[str, str]:
    """What is wrong, and what to do about it; empty: nothing in particular."""
    if half := _SURROGATE.match(error.doc, error.pos):
        return (
            f"{half[0]} is half of a character (a lone surrogate)",
            "its text was cut inside a character: correct it there, or ask for the rows without it (query)",
        )
    signed = error.doc[: error.pos].endswith("-")  # of -Infinity the sign alone is right
    if constant := _CONSTANT.match(error.doc, error.pos - signed):
        return (
            f"{constant[0]} is no number of JSON",
            "have the API send null or a number, or ask for the rows without it (query)",
        )
    return error.msg, ""


def _place(before: bytes, row: int) -> str:
    """The row, and its column where a key stands in front, of what follows `before`."""
    rows, end = whole_elements(before)
    keys = _KEY.findall(before, end)
    column = f", column {keys[-1].decode('utf-8', 'replace')[:80]}" if keys else ""
    return f"row {row + rows:,} of the answer{column}"


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
