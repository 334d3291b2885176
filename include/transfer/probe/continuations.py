"""Continuations: links, tokens and row ids that lead from one answer to the next, tried out."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from include.transfer.errors import TransferError
from include.transfer.probe.asking import Asker, Pair, Reply
from include.transfer.probe.names import CURSORS, ROW_CURSORS
from include.transfer.probe.totals_seen import leaves, place_of
from include.transfer.source.chains import Cursor, Link, found

_TOKEN = re.compile(r"next|cursor|token|continu|after|scroll|marker|bookmark", re.IGNORECASE)
_NOT_NEXT = re.compile(r"prev|before|first|self|last|csrf|access|refresh|total|count|limit", re.IGNORECASE)
_MORE = re.compile(
    r"(has_?(more|next)(_?(page|results|items))?|more|next_?page_?available|exceeded_?transfer_?limit)$",
    re.IGNORECASE,
)
_TRIED = 16


def find_link(asker: Asker, reply: Reply) -> Link | None:
    """A link that an answer names and that brings further rows."""
    urls = ["header:Link"] if "Link" in reply.headers else []
    urls += [
        place_of(path[:-1] if path[-1] == "href" else path)
        for path, value in leaves(reply.around)
        if _is_url(value) and _is_next(path)
    ]
    urls += _listed(reply.around)
    return next((link for link in map(_link, urls) if _leads_on(asker, reply, link)), None)


def _listed(around: Any) -> Iterator[str]:
    """URLs in an array of links, beside a field that says `next`."""
    for key, links in around.items() if isinstance(around, dict) else ():
        for link in links if isinstance(links, list) else ():
            named = (
                [name for name, value in link.items() if value == "next"] if isinstance(link, dict) else ()
            )
            if named:
                urls = (name for name, value in link.items() if _is_url(value))
                yield from (f"body:{key}[{named[0]}=next].{name}" for name in urls)


def _is_url(value: Any) -> bool:
    return isinstance(value, str) and re.match(r"https?://|/|\?", value) is not None


def _link(url: str) -> Link:
    return Link(url=url)


def find_cursor(asker: Asker, reply: Reply, hinted: Sequence[Pair], refused: set[str]) -> Cursor | None:
    """A token in the body or a header, and the parameter that takes it.

    `hinted`: parameters that may be it, with what they were sent as at first, if they were. `refused`: places
    of tokens that no parameter took; it grows.
    """
    for token, name in _tokens(reply):
        if token in refused:
            continue
        for param, first in _params(name, hinted):
            until = "empty" if first == "*" else "token"
            cursor = Cursor(token=token, param=param, first=first, more=more_in(reply), until=until)
            if _leads_on(asker, reply, cursor):
                return cursor
        refused.add(token)
    return None


def _params(token: str, hinted: Sequence[Pair]) -> list[Pair]:
    """What may take a token of this name: `next_page_token` is sent as `page_token`."""
    bare = re.sub(r"^next_?", "", token, flags=re.IGNORECASE)
    names = dict.fromkeys(filter(None, (bare[:1].lower() + bare[1:], token, *CURSORS)), "")
    return list((dict(hinted) | {name: "" for name in names if name not in dict(hinted)}).items())[:_TRIED]


def find_row_cursor(asker: Asker, reply: Reply) -> Cursor | None:
    """A parameter that goes on behind a row: behind one in the middle comes the one that follows it."""
    if len(reply.rows) < 3:
        return None
    middle = len(reply.rows) // 2
    for field in _ids(reply.rows):
        for param in ROW_CURSORS:
            got = asker.rows([(param, str(reply.rows[middle][field]))])
            if got and got.rows and got.rows[0] == reply.rows[middle + 1]:
                return Cursor(token=f"row:{field}", param=param, more=more_in(reply))
    return None


def more_in(reply: Reply) -> str:
    """Where an answer says that there is more; empty: it does not."""
    for path, value in leaves(reply.around):
        if value is True and _MORE.fullmatch(path[-1]) and (place := place_of(path)):
            return place if found(place, reply.answer) is True else ""
    return ""


def _leads_on(asker: Asker, reply: Reply, paging: Link | Cursor) -> bool:
    try:
        mark = paging.next(reply.answer)
    except TransferError as error:
        asker.tell(f"{getattr(paging, 'url', '') or getattr(paging, 'token', '')}: {error.got}")
        return False
    if mark is None:
        return False
    got = asker.ask(paging.request(mark))
    return got is not None and bool(got.rows) and not any(row in reply.rows for row in got.rows[:3])


def _tokens(reply: Reply) -> Iterator[tuple[str, str]]:
    """(place, name) of what may be a token: named so, and neither a URL nor a sentence."""
    for path, value in leaves(reply.around):
        if _is_token(value) and _is_next(path):
            yield place_of(path), path[-1]
    for name, value in reply.headers.items():
        if re.match(r"x-", name, re.IGNORECASE) and _is_token(value) and _is_next((name,)):
            yield f"header:{name}", re.sub(r"^x-", "", name, flags=re.IGNORECASE).replace("-", "_").lower()


def _is_token(value: Any) -> bool:
    if isinstance(value, bool) or value in (None, ""):
        return False
    return isinstance(value, int) or (
        isinstance(value, str)
        and re.match(r"https?://|/\w|\?", value) is None
        and not re.search(r"\s", value)
    )


def _is_next(path: tuple[str, ...]) -> bool:
    names = ".".join(path)
    return bool(_TOKEN.search(names)) and not _NOT_NEXT.search(path[-1])


def _ids(rows: list[dict[str, Any]]) -> list[str]:
    """Fields that may name a row: in every row, each with a value of its own; `id` first."""
    named = [name for name in rows[0] if re.search(r"(^_?id$|[_a-z]id$|^uuid$|^key$|Id$)", name)]
    unique = [name for name in named if _names_rows([row.get(name) for row in rows])]
    return sorted(unique, key=lambda name: name.lower().strip("_") != "id")[:2]


def _names_rows(values: list[Any]) -> bool:
    plain = all(isinstance(value, int | str) and not isinstance(value, bool) for value in values)
    return plain and len(set(values)) == len(values)
