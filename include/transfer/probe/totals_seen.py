"""Totals seen: which numbers of the answers may be the number of rows, and which are a page's own."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from include.transfer.probe.asking import Reply
from include.transfer.probe.names import NO_TOTALS, words
from include.transfer.source.count import whole_number

_MEANT = re.compile(r"total|count|found|hits|match|records|results|rows|length|cardinality", re.IGNORECASE)
_PAGES = re.compile(
    r"(total|num|count|number|no)(of)?pages$|pages?(count|total)$|^(x)?pages$|^lastpage$", re.IGNORECASE
)
_BEST = (r"total", r"total|numfound", r"found|matche[sd]", r"count", "")
_LEVELS = 4


@dataclass(frozen=True)
class Seen:
    """Numbers by their place: `totals`, the most telling first; `own`: of the page; `unclear`: either."""

    totals: tuple[tuple[str, int], ...]
    own: tuple[str, ...] = ()
    unclear: tuple[tuple[str, int], ...] = ()


def totals_seen(replies: Sequence[Reply]) -> Seen:
    """What several answers say: a total is the same in all, the page's own number follows their rows."""
    found = [dict(_numbers(reply)) for reply in replies]
    most = max(len(reply.rows) for reply in replies)
    differ = len({len(reply.rows) for reply in replies}) > 1
    totals: list[tuple[str, int]] = []
    unclear: list[tuple[str, int]] = []
    own: list[str] = []
    for place, value in found[0].items():
        values = [numbers.get(place) for numbers in found]
        if differ and values == [len(reply.rows) for reply in replies]:
            own.append(place)
        elif len(set(values)) == 1 and value >= most:
            (totals if differ or value > most else unclear).append((place, value))
    ranked = sorted(totals, key=lambda total: _rank(total[0]))
    return Seen(tuple(ranked), tuple(own), tuple(sorted(unclear, key=lambda total: _rank(total[0]))))


def leaves(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every plain value of an object, a few levels deep, with the keys that lead there."""
    if isinstance(value, dict) and len(path) < _LEVELS:
        for key, inner in value.items():
            yield from leaves(inner, (*path, key))
    elif not isinstance(value, dict | list) and path:
        yield path, value


def pages_seen(reply: Reply) -> list[str]:
    """Where an answer may say how many pages there are, and whether its Link header has the last one."""
    found = [f"pages:header:{name}" for name in reply.headers if _counts_pages(name)]
    found += [
        f"pages:{place_of(path)}"
        for path, value in leaves(reply.around)
        if _counts_pages(path[-1]) and whole_number(value)
    ]
    return [*found, "last-link"] if re.search(r"rel=\"?last\b", reply.headers.get("Link", "")) else found


def _counts_pages(name: str) -> bool:
    return _PAGES.search(re.sub("[_-]", "", name)) is not None


def place_of(path: tuple[str, ...]) -> str:
    """As settings name it: keys with dots as a JSON pointer."""
    if any("." in key or "/" in key or not key for key in path):
        return "body:/" + "/".join(key.replace("~", "~0").replace("/", "~1") for key in path)
    return "body:" + ".".join(path)


def _numbers(reply: Reply) -> Iterator[tuple[str, int]]:
    for name, value in reply.headers.items():
        parts = words(name)
        if name.lower() == "content-range" and (whole := re.search(r"/(\d+)\s*$", value)):
            yield f"header:{name}", int(whole[1])
        elif (
            parts & {"total", "count"}
            and not parts & NO_TOTALS
            and (number := whole_number(value)) is not None
        ):
            yield f"header:{name}", number
    for path, value in leaves(reply.around):
        number, last = whole_number(value), path[-1]
        meant = _MEANT.search(last) or (
            last in ("value", "all") and len(path) > 1 and _MEANT.search(path[-2])
        )
        if number is not None and meant and not words(last) & NO_TOTALS and "pages" not in last.lower():
            yield place_of(path), number


def _rank(place: str) -> int:
    last = re.split(r"[.:/]", place)[-1]
    return next(
        rank
        for rank, pattern in enumerate(_BEST)
        if (re.fullmatch if not rank else re.search)(pattern, last, re.IGNORECASE)
    )
