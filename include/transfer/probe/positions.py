"""Positions: offsets and pages, told apart by which of the first answer's rows come."""

import re
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import unquote

from include.transfer.probe.asking import Asker, Reply
from include.transfer.probe.limits import Limit
from include.transfer.probe.names import PARTNERS, POSITIONS
from include.transfer.probe.totals_seen import leaves
from include.transfer.source.paging import Offset, Page

_Found = dict[tuple[int | None, ...], tuple[type[Offset] | type[Page] | None, int]]
_BEYOND = -1  # rows that the first answer does not have


def find_position(
    asker: Asker, first: Reply, limit: Limit | None, hinted: Sequence[str], most: int = len(POSITIONS)
) -> Offset | Page | None:
    """Paging by offset or page, without its size unless the server has one of its own; None: not found.

    `most`: so many names are tried.
    """
    partners = PARTNERS.get(limit.name, ()) if limit else ()
    echoed = [name for name in POSITIONS if name in set(_keys(first.around))]
    known = limit.name if limit else ""
    names = dict.fromkeys([*hinted, *(name for name in partners if name != known), *echoed, *POSITIONS])
    for name in [name for name in names if name != known][: max(most, len(hinted) + 4)]:
        paging = _tried(asker, first.rows, name, known)
        if paging is not None:
            return paging
    return None


def _tried(asker: Asker, rows: list[dict[str, Any]], name: str, limit: str) -> Offset | Page | None:
    """What rows come says: neither style, nor a first of 0 or 1, brings those of another."""
    if not limit:
        return _of_own_size(asker, rows, name)
    if len(rows) >= 7:
        found: _Found = {(2,): (Offset, 0), (1,): (Offset, 1), (3,): (Page, 1), (6,): (Page, 0)}
        sizes: tuple[int, ...] = (3,)
    elif len(rows) >= 5:
        found = {(2, 2): (Offset, 0), (1, 1): (Offset, 1), (1, 2): (Page, 1), (2, 4): (Page, 0)}
        sizes = (1, 2)
    else:
        return None
    indices: list[int | None] = []
    for size in sizes:
        reply = asker.rows([(name, "2"), (limit, str(size))])
        indices.append(_index(rows, reply, size))
        if indices[-1] in (None, 0):
            return _divided(asker, rows, name, limit) if indices == [0] else None
    kind, start = found.get(tuple(indices), (None, 0))
    return kind(param=name, limit_param=limit, first=start) if kind else None


def _divided(asker: Asker, rows: list[dict[str, Any]], name: str, limit: str) -> Offset | None:
    """Some servers divide the offset by the limit, and forget the rest."""
    size = 3 if len(rows) >= 7 else 2
    at_border = _index(rows, asker.rows([(name, str(size)), (limit, str(size))]), size)
    return Offset(param=name, limit_param=limit) if at_border == size else None


def _of_own_size(asker: Asker, rows: list[dict[str, Any]], name: str) -> Offset | Page | None:
    if len(rows) < 3:
        return None
    size = len(rows)
    index = _index(rows, asker.rows([(name, "2")]), size)
    if index in (1, 2):
        return Offset(param=name, limit_param="", first=2 - index, size=size)
    if index != _BEYOND:
        return None
    first = _index(rows, asker.rows([(name, "1")]), size)
    start = {0: 1, _BEYOND: 0}.get(first) if first is not None else None
    return None if start is None else Page(param=name, limit_param="", first=start, size=size)


def _index(rows: list[dict[str, Any]], reply: Reply | None, most: int) -> int | None:
    """Where an answer begins among the rows; None: no rows, too many, or some of them and others."""
    got = reply.rows if reply else []
    if not got or len(got) > most:
        return None
    for at in range(len(rows)):
        if rows[at : at + len(got)] == got[: len(rows) - at]:
            return at
    return None if any(row in rows for row in got) else _BEYOND


def linked(reply: Reply) -> list[str]:
    """Positions that the answer's own links name, such as `…?page=2`."""
    texts = [
        reply.headers.get("Link", ""),
        *(each for _, each in leaves(reply.around) if isinstance(each, str)),
    ]
    found = [unquote(name) for text in texts for name in re.findall(r"[?&]([^=&#\s]+)=\d+", text)]
    return [name for name in dict.fromkeys(found) if name in POSITIONS]


def _keys(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from _keys(inner)


def is_position(name: str, value: str) -> bool:
    """Whether a parameter of a URL looks like an offset or page, and not like a filter."""
    return name in POSITIONS and re.fullmatch(r"\d{1,9}", value) is not None
