"""Recognise: candidates for a dataset's settings, the best first, from what an API answers."""

import re
from collections.abc import Iterator
from dataclasses import asdict, fields, replace
from typing import Any

from include.transfer.errors import Fatal
from include.transfer.probe import continuations as follow
from include.transfer.probe.asking import Pairs, Reply
from include.transfer.probe.counting import NO_TOTAL, totals_of
from include.transfer.probe.limits import find_limit, largest, with_size
from include.transfer.probe.names import FIRST_CURSORS, words
from include.transfer.probe.opening import Notes, Opened
from include.transfer.probe.positions import find_position, linked
from include.transfer.probe.totals_seen import pages_seen, totals_seen
from include.transfer.source.chains import Cursor, Link, Single
from include.transfer.source.paging import Offset, Page
from include.transfer.source.row_hashes import ROW_BYTES
from include.transfer.source.styles import Paging

_BESIDE_A_CHAIN = 6  # positions tried, where answers lead from one to the next
_ROUND = {10, 20, 25, 30, 40, 50, 100, 200, 250, 500, 1_000, 2_000, 5_000, 10_000}


class Recognition:
    """What is known of one API from its first answers; `candidates` asks for more."""

    def __init__(self, opened: Opened, notes: Notes) -> None:
        self.asker, self.first, self.hints = opened.asker, opened.reply, opened.hints
        self.notes = notes
        self.limit = find_limit(self.asker, self.first, [name for name, _ in self.hints.limit])
        self.replies = [self.first, *([self.limit.short] if self.limit else [])]
        self.numbers = totals_seen(self.replies)
        notes.seen += [f"{place} says {value:,}" for place, value in self.numbers.totals]
        if self.numbers.own:
            notes.seen.append(f"numbers of the page alone, no totals: {', '.join(self.numbers.own)}")

    def candidates(self) -> Iterator[dict[str, Any]]:
        """Settings without a name, each found by asking and not proven yet; one where batches are planned
        is in front of a chain. Raises Fatal where the API has more rows than any way brings.
        """
        totals = totals_of(
            self.asker, self.numbers, self.limit.name if self.limit else "", len(self.first.rows)
        )
        planned = totals or [{"total": place} for place in pages_seen(self.replies[-1])]
        position = self._position() if planned else None
        if position:
            yield from (self._settings(position, total) for total in planned)
        total = totals[0] if totals else NO_TOTAL
        if chain := self._chain():
            yield self._settings(chain, total)
        if not totals and (position := position or self._position()):
            yield self._settings(position, NO_TOTAL)
        if row := follow.find_row_cursor(self.asker, self.first):
            yield self._settings(self._sized(row), total)
        yield self._settings(Single(), self._all_at_once(totals))

    def _position(self) -> Offset | Page | None:
        most = {"most": _BESIDE_A_CHAIN} if self._has_more() else {}
        hinted = [*(name for name, _ in self.hints.position), *linked(self.replies[-1])]
        paging = find_position(self.asker, self.first, self.limit, hinted, **most)
        if paging is None or self.limit is None:
            return paging
        wanted = next((int(value) for name, value in self.hints.limit if name == self.limit.name), 0)
        total = self.numbers.totals[0][1] if self.numbers.totals else None
        return with_size(self.asker, paging, wanted, total, self.notes.seen.append)

    def _chain(self) -> Paging | None:
        """By links and tokens, of the first answer, of a limited one, which has a next one sooner, or of one
        that is asked for a first token."""
        refused: set[str] = set()
        hinted = [
            (name, value if (name, value) in self.asker.query else "") for name, value in self.hints.cursor
        ]
        for reply in self.replies:
            found = follow.find_link(self.asker, reply) or follow.find_cursor(
                self.asker, reply, hinted, refused
            )
            if found:
                return self._sized(found)
        for first in dict.fromkeys((*(pair for pair in self.hints.cursor if pair[1] == "*"), *FIRST_CURSORS)):
            reply_to = self.asker.rows([first])
            if reply_to and reply_to.rows:
                cursor = follow.find_cursor(self.asker, reply_to, [first], refused)
                if cursor:
                    return self._sized(cursor)
        return None

    def _sized(self, paging: Cursor | Link) -> Paging:
        """With as many rows in an answer as the API gives: fewer requests."""
        size = largest(self.asker, self.limit.name) if self.limit else 0
        return replace(paging, limit_param=self.limit.name, size=size) if self.limit and size else paging

    def _has_more(self) -> bool:
        """Whether the first answer says that there is another."""
        link = self.first.headers.get("Link", "")
        return bool(re.search(r"rel=\"?next\b", link) or follow.more_in(self.first))

    def _all_at_once(self, totals: list[dict[str, Any]]) -> dict[str, Any]:
        rows = len(self.first.rows)
        stated = [value for _, value in self.numbers.totals if value > rows]
        if stated or self._has_more() or self._gives_more(rows):
            says = f"it says that there are {stated[0]:,} rows" if stated else "there are more rows"
            raise Fatal(
                f"{says}, the first answer has {rows:,}, and nothing that was tried brings the others",
                where=f"GET {self.asker.path}",
            )
        if rows in _ROUND:
            self.notes.unclear.append(
                f"whether these {rows:,} rows are all: so many are often a page, though nothing says that "
                "there are more"
            )
        unclear = [{"total": place, "count_path": self.asker.path} for place, _ in self.numbers.unclear]
        return [*totals, *unclear, NO_TOTAL][0]

    def _gives_more(self, rows: int) -> bool:
        reply = self.asker.rows([(self.limit.name, str(10 * rows))]) if self.limit else None
        return reply is not None and len(reply.rows) > rows

    # -- as settings -----------------------------------------------------------------------------------------

    def _settings(self, paging: Paging, total: dict[str, Any]) -> dict[str, Any]:
        asker, own = self.asker, _settings_of(paging)
        sent = {own.get("param"), own.get("limit_param")}
        query = [pair for pair in asker.query if pair[0] not in sent]
        found: dict[str, Any] = {**total, "rows_path": asker.path}
        if asker.shape.key:
            found["rows_key"] = asker.shape.key
        found["paging"] = own
        if query:
            found["query"] = _by_name(query)
        if asker.accept != "application/json":
            found["accept"] = asker.accept
        if version := self._version():
            found["version_header"] = version
        if _has_equal(self.first):
            found["duplicates"] = "allow"
        return found

    def _version(self) -> str:
        """A header that is the same for two different answers: an ETag of an answer's own bytes is none."""
        if len(self.replies) < 2:
            return ""
        one, other = (reply.headers for reply in self.replies)
        for name, value in one.items():
            parts = words(name)
            of_data = parts & {"dataset", "data"} and parts & {"version", "revision"}
            named = name.lower() == "etag" or of_data
            if named and value and other.get(name) == value:
                return name
        return ""


def _settings_of(paging: Paging) -> dict[str, Any]:
    """Style, names and sizes; what has its default and says nothing is left out."""
    silent = {f.name for f in fields(paging) if f.default == getattr(paging, f.name)}
    kept = (
        {"style", "param", "limit_param", "first"}
        if isinstance(paging, Offset | Page)
        else {"style", "param"}
    )
    settings = {name: value for name, value in asdict(paging).items() if name in kept or name not in silent}
    return {"style": settings.pop("style"), **settings}


def _has_equal(reply: Reply) -> bool:
    """Two equal rows in one answer are the source's own: paging cannot have brought them twice."""
    hashes = reply.found.hashes
    each = {hashes[at : at + ROW_BYTES] for at in range(0, len(hashes), ROW_BYTES)}
    return len(each) < len(reply.rows)


def _by_name(query: Pairs) -> dict[str, Any]:
    names = dict.fromkeys(name for name, _ in query)
    values = {name: [value for each, value in query if each == name] for name in names}
    return {name: found if len(found) > 1 else found[0] for name, found in values.items()}
