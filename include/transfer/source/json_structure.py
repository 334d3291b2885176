"""The structure of JSON text: where rows end in it.

Slower than decoding, so it is asked only where decoding alone cannot tell.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from include.transfer.errors import NotRows

DEEPEST = 1000  # levels of nesting; decoders and encoders give up at about as many
_IN_AN_ELEMENT = 2  # levels of nesting: the array, and its element
# Anything but brackets, with whole strings in it, then one bracket. Possessive: a string without an end must
# not be tried again from within.
BRACKET = re.compile(rb'(?:[^"{}\[\]]++|"[^"\\]*+(?:\\.[^"\\]*+)*+")*+([{}\[\]])', re.DOTALL)
_BETWEEN_OBJECTS = re.compile(rb"\}[ \t\r\n]*+,[ \t\r\n]*+\{")


@dataclass(frozen=True)
class Extent:
    """Where in a text the last whole element of an array ends, and where the array does; 0 if none does."""

    end: int
    closed: int = 0


def extent(text: bytearray) -> Extent:
    """How far `text` holds whole elements; it begins within an array, in front of an element."""
    depth = position = end = 0
    while bracket := BRACKET.match(text, position):
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


def whole_elements(text: bytes) -> tuple[int, int]:
    """How many whole elements `text` holds, and where the last ends; it begins in front of one."""
    depth = position = end = count = 0
    while bracket := BRACKET.match(text, position):
        position = bracket.end()
        depth += 1 if bracket[1] in b"{[" else -1
        if depth == 0:
            count, end = count + 1, position
    return count, end


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


def describe(start: bytes) -> str:
    """What a body is that should have been JSON."""
    if start.startswith(b"<"):
        return "the body is an HTML or XML page, not JSON: check host, path and credentials"
    return f"the body starts with {start[:40]!r}"
