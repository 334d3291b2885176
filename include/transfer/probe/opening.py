"""Opening: the first answer to a URL, without the parameters by which the URL itself pages it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from include.transfer.errors import NotRows, Retryable, SourceRefused, SourceUnavailable, TransferError
from include.transfer.probe.asking import BRIEF, Asker, Body, Pairs, Reply
from include.transfer.probe.names import CURSORS, LIMITS
from include.transfer.probe.positions import is_position
from include.transfer.probe.shape import read_rows, shape_of
from include.transfer.redact import redact

_TOO_LARGE = {413, 504}
_TRIED, _FEW = 6, "10"
NDJSON = "application/x-ndjson"


@dataclass
class Notes:
    """What is said of an API: `seen`, and `unclear`: what could not be told."""

    seen: list[str] = field(default_factory=list)
    unclear: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Hints:
    """The URL's own parameters that look as if they paged it: they tell names and, of a limit, a size."""

    limit: Pairs
    position: Pairs
    cursor: Pairs

    @classmethod
    def of(cls, query: Pairs) -> "Hints":
        limit = [pair for pair in query if pair[0] in LIMITS and re.fullmatch(r"\d{1,7}", pair[1])]
        position = [pair for pair in query if is_position(*pair) and pair not in limit]
        cursor = [pair for pair in query if pair[0] in CURSORS and _is_cursor(*pair)]
        return cls(limit, position, cursor)

    @property
    def names(self) -> list[str]:
        return [name for name, _ in (*self.limit, *self.position, *self.cursor)]


def _is_cursor(name: str, value: str) -> bool:
    return value == "*" or re.search("cursor|token|after", name, re.IGNORECASE) is not None


@dataclass(frozen=True)
class Opened:
    """`asker` asks for what the URL names, from its first row on; `reply`: the first answer."""

    asker: Asker
    reply: Reply
    hints: Hints


def open_url(asker: Asker, notes: Notes) -> Opened:
    """Raises NotRows, with what is there instead, and the errors of a source that cannot be asked."""
    hints = Hints.of(asker.query)
    if hints.names:
        try:
            bare = asker.without(hints.names)
            return Opened(bare, _read(bare, notes), hints)
        except (SourceRefused, NotRows, Retryable) as error:
            asker.tell(f"without {', '.join(hints.names)}: {error.got}")
    try:
        return Opened(asker, _read(asker, notes), hints)
    except (SourceRefused, SourceUnavailable) as error:
        if error.status not in _TOO_LARGE:
            raise
        asker.tell(f"without a limit: {error.got}")
        return _limited(asker, notes, hints, error)


def _limited(asker: Asker, notes: Notes, hints: Hints, error: TransferError) -> Opened:
    """Where an API refuses to give all it has in one answer, and has no limit of its own."""
    for name in LIMITS[:_TRIED]:
        limit = (name, _FEW)
        asking = asker.without([name])
        asking.query.append(limit)
        try:
            return Opened(asking, _read(asking, notes), replace(hints, limit=[limit]))
        except (SourceRefused, SourceUnavailable):
            continue
    raise error


def _read(asker: Asker, notes: Notes) -> Reply:
    body = _fetched(asker)
    where = f"GET {redact(body.url)}"
    try:
        shape = shape_of(body.text, body.headers.get("Content-Type", ""), whole=body.whole)
        found = read_rows(body.text, shape, whole=body.whole)
        if not found.rows:
            raise NotRows("no rows came", fix="give a URL that has rows now: columns are read from them")
    except NotRows as error:
        raise NotRows(error.got, where=where, fix=error.fix) from None
    asker.shape = shape
    asker.accept = NDJSON if shape.lines else asker.accept
    asker.tell(f"{where}: {len(found.rows):,} rows")
    notes.seen += _about(len(found.rows), asker)
    if not body.whole:
        asker.most_bytes = BRIEF
        notes.unclear.append("what stands behind the rows: the first answer was too long to be read whole")
    return Reply(body.url, body.headers, found, body.whole)


def _fetched(asker: Asker) -> Body:
    try:
        return asker.fetch()
    except SourceRefused as error:
        if error.status != 406:
            raise
    asker.accept = NDJSON
    return asker.fetch()


def _about(rows: int, asker: Asker) -> Sequence[str]:
    shape = asker.shape
    where = f"under {shape.key!r}" if shape.key else "one a line" if shape.lines else "in a bare array"
    seen = [f"rows: {where}, {rows:,} in the first answer"]
    return [*seen, f"arrays that are no rows: {', '.join(shape.others)}"] if shape.others else seen
