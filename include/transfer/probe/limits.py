"""Limits: the parameter that says how many rows an answer has, and how many the server gives at most."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from include.transfer.probe.asking import Asker, Reply
from include.transfer.probe.names import LIMITS
from include.transfer.source.paging import Offset, Page

_ALONE = 12  # of these are asked for one by one, where an API refuses names that it does not know
_SIZES = (1000, 500, 250, 200, 100, 50, 25, 10)
_USUAL = 100


@dataclass(frozen=True)
class Limit:
    """`short`: an answer that was limited to `rows` of the first answer's rows."""

    name: str
    rows: int
    short: Reply


def find_limit(asker: Asker, first: Reply, hinted: Sequence[str]) -> Limit | None:
    """The parameter that limits an answer to fewer rows than the `first`; None: none of the usual ones."""
    names = [*hinted, *(name for name in LIMITS if name not in hinted)]
    rows = 3 if len(first.rows) > 3 else len(first.rows) - 1
    if rows < 1:
        return None
    for name in hinted:
        if limit := _limits(asker, first, name, rows):
            return limit
    return _by_group(asker, first, names, rows)


def _by_group(asker: Asker, first: Reply, names: list[str], rows: int) -> Limit | None:
    """All at once with a number each: how many rows come tells which of them the API knows."""
    at_once = min(len(first.rows) - 1, _ALONE)
    for begin in range(0, len(names), at_once):
        group = names[begin : begin + at_once]
        reply = asker.rows((name, str(number)) for number, name in enumerate(group, 1))
        if reply is None:
            return next(filter(None, (_limits(asker, first, name, rows) for name in names[:_ALONE])), None)
        got = len(reply.rows)
        if 1 <= got <= len(group) and (limit := _limits(asker, first, group[got - 1], rows)):
            return limit
    return None


def _limits(asker: Asker, first: Reply, name: str, rows: int) -> Limit | None:
    reply = asker.rows([(name, str(rows))])
    return Limit(name, rows, reply) if reply and reply.rows == first.rows[:rows] else None


def with_size(
    asker: Asker, paging: Offset | Page, wanted: int, total: int | None, say: Callable[[str], None]
) -> Offset | Page:
    """The paging with the largest page that the API gives whole, of up to 1,000 rows."""
    for size in sorted({wanted, *_SIZES} - {0}, reverse=True):
        trial = replace(paging, size=size)
        reply = asker.rows(trial.request(0, size)[0])
        if reply is None or not reply.whole:
            continue
        got = len(reply.rows)
        if got == size:
            return trial
        if got and _caps(asker, trial, reply, total):
            say(f"a page has at most {got:,} rows, also if more are asked for")
            return replace(paging, size=got)
    say(f"the largest page could not be told from so few rows; {_USUAL} is asked for")
    return replace(paging, size=_USUAL)


def largest(asker: Asker, name: str) -> int:
    """How many rows one answer can have, up to 1,000; 0: none of the usual sizes is taken."""
    for size in _SIZES:
        reply = asker.rows([(name, str(size))])
        if reply and reply.rows and reply.whole:
            return min(size, len(reply.rows))
    return 0


def _caps(asker: Asker, paging: Offset | Page, reply: Reply, total: int | None) -> bool:
    """Whether an answer with fewer rows than asked for was cut by the server, and is not simply the last."""
    if total is not None:
        return len(reply.rows) < total
    behind = asker.rows(paging.request(paging.after(0, len(reply.rows)), paging.size)[0])
    return behind is not None and bool(behind.rows) and behind.rows[0] not in reply.rows
