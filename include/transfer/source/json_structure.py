"""The structure of JSON text: where rows end in it, and whether it is JSON at all.

Slower than decoding, so it is asked only where decoding alone cannot tell.
"""

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass

import orjson

from include.transfer.errors import NotRows

DEEPEST = 1000  # levels of nesting; decoders and encoders give up at about as many
_PIECE = 64 * 1024
_IN_AN_ELEMENT = 2  # levels of nesting: the array, and its element
_TRUNCATED = "unexpected end of data"  # how the decoder's error begins where only more text is missing
# Anything but brackets, with whole strings in it, then one bracket. Possessive: a string without an end must
# not be tried again from within.
_BRACKET = re.compile(rb'(?:[^"{}\[\]]++|"[^"\\]*+(?:\\.[^"\\]*+)*+")*+([{}\[\]])', re.DOTALL)
_BETWEEN_OBJECTS = re.compile(rb"\}[ \t\r\n]*+,[ \t\r\n]*+\{")


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


def object_texts(text: bytes, count: int) -> list[memoryview]:
    """Each of the `count` objects of an array as it was sent, without its last brace.

    `text`: the whole array, proven to be JSON.
    """
    view, texts, end = memoryview(text), [], 0
    for _ in range(count):
        start = text.find(b"{", end)
        end = text.find(b"}", end + 1)
        texts.append(view[start:end])
    if text.find(b"}", end + 1) < 0:  # as many as there are objects, so each ends one
        return texts
    found = list(_BETWEEN_OBJECTS.finditer(text))
    found = found if len(found) == count - 1 else list(_outer(found, text))
    starts = [text.index(b"{"), *(each.end() - 1 for each in found)]
    ends = [*(each.start() for each in found), text.rindex(b"}")]
    return [view[start:end] for start, end in zip(starts, ends, strict=True)]


def _outer(borders: list[re.Match[bytes]], text: bytes) -> Iterator[re.Match[bytes]]:
    """Those `borders` that part the objects of the array, and stand neither in a string nor in a value."""
    plain = text.replace(rb"\\", b"__").replace(rb"\"", b"__")  # in which quotes only begin and end strings
    done = quoted = depth = 0
    for border in borders:
        parts = plain[done : border.start()].split(b'"')
        structure = b"".join(parts[quoted::2])
        depth += sum(map(structure.count, (b"{", b"["))) - sum(map(structure.count, (b"}", b"]")))
        quoted ^= (len(parts) - 1) & 1
        done = border.start()
        if not quoted and depth == _IN_AN_ELEMENT:
            yield border


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
