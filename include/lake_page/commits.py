"""A dataset's newest commits, as its log in the store has them, and what each one added and replaced."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from include.lake_page.kept import Kept
from include.lake_page.stored_windows import stored_windows
from include.transfer.commit.entry import Entry
from include.transfer.commit.live import Live, place
from include.transfer.commit.log import newest, read_entry
from include.transfer.errors import Unverified
from include.transfer.store.bucket import Bucket
from include.transfer.store.keys import Prefix

MOST_COMMITS = 5


@dataclass(frozen=True)
class Commit:
    """An entry of the log. `replaced`: the windows that an earlier run had; of a snapshot none.

    `replaced_rows`: rows that are no longer the dataset's; None: not known, since a manifest is gone.
    """

    entry: Entry
    replaced: tuple[Live, ...] = ()
    replaced_rows: int | None = 0


@dataclass(frozen=True)
class Commits:
    """The newest commits, the newest first; `problem`: what stands in the next one's place."""

    found: tuple[Commit, ...] = ()
    problem: str = ""


def commits(bucket: Bucket, dataset: str) -> Commits:
    """Two GETs and a HEAD, a HEAD for each entry but the newest, and the manifests that were replaced.

    May raise TransferError.
    """
    any_run, problem = Prefix(dataset, "any"), ""
    entries: list[Entry | None] = []
    try:
        entry = newest(bucket, any_run)
        while entry and len(entries) <= MOST_COMMITS:
            entries.append(entry)
            entry = _read(bucket, any_run, entry.number - 1)
    except Unverified as error:
        problem = str(error.findings[0])
    if len(entries) <= MOST_COMMITS:
        entries.append(None)
    told = (_commit(bucket, any_run, after, before) for after, before in pairwise(entries) if after)
    return Commits(tuple(told), problem)


def _read(bucket: Bucket, any_run: Prefix, number: int) -> Entry | None:
    """As `read_entry`: a HEAD, and a GET of what is not known. An entry of a year of hours is a megabyte."""
    stored = bucket.head(any_run.entry(number))
    if stored is None:
        return None
    known = (bucket.name, stored.key, stored.etag)
    if (entry := _entries.get(known)) is None and (entry := read_entry(bucket, any_run, number)):
        _entries.put(known, entry)
    return entry


_entries: Kept[Entry] = Kept(most=12)


def _commit(bucket: Bucket, any_run: Prefix, entry: Entry, before: Entry | None) -> Commit:
    if before is None:  # the first; or the entry before it was swept, and may have been of any rows
        return Commit(entry, (), None if entry.replaces else 0)
    if not entry.windows:
        return Commit(entry, (), before.rows if entry.replaces and not before.windows else None)
    lost = tuple(overlaps(entry.added, before.windows))
    return Commit(entry, lost, _rows(bucket, any_run, lost))


def overlaps(new: Sequence[Live], old: Sequence[Live]) -> Iterator[Live]:
    """The parts of `old` that `new` covers; both are in order, and neither overlaps itself."""
    first = 0
    for line in new:
        while first < len(old) and place(old[first].until) <= place(line.since):
            first += 1
        for other in old[first:]:
            if place(other.since) >= place(line.until):
                break
            since = max(line.since, other.since, key=place)
            until = min(line.until, other.until, key=place)
            yield replace(other, since=since, until=until)


def _rows(bucket: Bucket, any_run: Prefix, lost: Sequence[Live]) -> int | None:
    """Rows of these parts of earlier runs, whose windows are replaced whole."""
    prefixes = {line.run: any_run.of(line.run) for line in lost}
    stored = stored_windows(bucket, [prefix for prefix in prefixes.values() if prefix])
    rows = 0
    for run, prefix in prefixes.items():
        windows = stored.get(prefix) if prefix else None
        if windows is None:
            return None
        own = [line for line in lost if line.run == run]
        rows += sum(each.rows for each in windows if any(line.covers(each.since, each.until) for line in own))
    return rows
