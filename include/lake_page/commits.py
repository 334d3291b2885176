"""A dataset's newest commits, as its log in the store has them."""

from dataclasses import dataclass

from include.transfer.commit.entry import Entry
from include.transfer.commit.log import newest, read_entry
from include.transfer.errors import Unverified
from include.transfer.store.bucket import Bucket
from include.transfer.store.keys import Prefix

MOST_COMMITS = 5


@dataclass(frozen=True)
class Commits:
    """The newest entries of the log, the newest first; `problem`: what stands in the next one's place."""

    entries: tuple[Entry, ...] = ()
    problem: str = ""


def commits(bucket: Bucket, dataset: str) -> Commits:
    """Two GETs and a HEAD, and a GET for each entry but the newest. May raise TransferError."""
    any_run = Prefix(dataset, "any")
    found: list[Entry] = []
    try:
        entry = newest(bucket, any_run)
        while entry and len(found) < MOST_COMMITS:
            found.append(entry)
            entry = read_entry(bucket, any_run, entry.number - 1)
    except Unverified as error:
        return Commits(tuple(found), str(error.findings[0]))
    return Commits(tuple(found))
