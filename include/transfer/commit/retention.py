"""Old committed runs go, so that no reader ever meets half of one: un-committed first, then removed."""

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from include.transfer.commit.history import committed_runs, pointed_at
from include.transfer.commit.log import newest, read_entry
from include.transfer.commit.manifest import Manifest
from include.transfer.commit.sweep import abort_uploads
from include.transfer.store.bucket import Bucket
from include.transfer.store.keys import Prefix

if TYPE_CHECKING:
    from include.transfer.publish.table import LakeTable

log = logging.getLogger(__name__)

# Where all runs are kept, too. Of a dataset by windows each entry names all that are live: a year of hours is
# a megabyte.
MOST_ENTRIES = 1_000


def retire(bucket: Bucket, prefix: Prefix, keep: int, table: "LakeTable | None" = None) -> list[str]:
    """Keep the newest `keep` committed runs of the dataset (0: all); returns the names of those removed.

    The newest by the dataset's log, of which older entries go first; what a kept entry refers to stays. Also
    ends what an earlier, interrupted removal left. Never removed: a run that is not older than the one at
    `prefix`, one without a manifest (it is being copied, or has failed), one whose manifest cannot be read,
    and the one that `_latest.json` names. Snapshots of `table` go before what they name; what a branch or a
    tag holds stays with its runs.
    """
    noted = _noted(bucket, prefix)
    removed = [old.run for old in noted if not bucket.head(old.manifest) and remove(bucket, old, begun=True)]
    kept = _kept(bucket, prefix, keep)
    if table:
        table.expire_before(kept.first)
    _sweep_log(bucket, prefix, kept.first)
    surplus = _surplus(bucket, prefix, kept, keep) if keep else []
    surplus = _unnamed(table, surplus) if table and surplus else surplus
    for old in noted:
        if old.run not in removed and old not in surplus:
            bucket.delete(old.tombstone)  # broke off before anything was removed, and is to stay by now
    return removed + [old.run for old in surplus if remove(bucket, old)]


@dataclass(frozen=True)
class _Kept:
    """Entries that stay: the first one's number, the runs that they enter, and all that they refer to."""

    first: int
    committed: set[str]
    runs: set[str]


def _kept(bucket: Bucket, prefix: Prefix, keep: int) -> _Kept:
    """The newest entries, of as many runs as are to be kept. A damaged run is none of these, and stays."""
    entry = newest(bucket, prefix)
    first = max(1, entry.number - MOST_ENTRIES + 1) if entry else 0
    committed: set[str] = set()
    runs: set[str] = set()
    while keep and entry and entry.number >= first and len(committed) < keep:
        own = prefix.of(entry.run)
        if own and Manifest.from_dict(bucket.get_json(own.manifest), own):
            committed.add(entry.run)
        runs |= entry.runs
        if len(committed) == keep:
            first = entry.number
        entry = read_entry(bucket, prefix, entry.number - 1)
    return _Kept(first, committed, runs)


def _sweep_log(bucket: Bucket, prefix: Prefix, first: int) -> None:
    """Remove entries before this one, the oldest first: so that numbers stay consecutive."""
    for stored in bucket.objects(prefix.log):
        if stored.key >= prefix.entry(first):
            return
        bucket.delete(stored.key)


def _surplus(bucket: Bucket, prefix: Prefix, kept: _Kept, keep: int) -> list[Prefix]:
    """Committed runs that nothing kept refers to, the oldest first.

    The log of an older release's lake has just begun: then runs that it does not name are among the newest.
    """
    found = committed_runs(bucket, prefix, but=kept.runs)
    others = [manifest.prefix for manifest in found if not _on_its_way(manifest, kept)]
    latest = pointed_at(bucket, prefix)
    surplus = others[keep - len(kept.committed) :]
    return [old for old in reversed(surplus) if old.run < prefix.run and old.run != latest]


def _unnamed(table: "LakeTable", surplus: list[Prefix]) -> list[Prefix]:
    """Those of which no snapshot names an object by now."""
    folders = tuple(map(str, surplus))
    named = table.release(lambda key: key.startswith(folders))
    return [old for old in surplus if not any(key.startswith(str(old)) for key in named)]


def _on_its_way(manifest: Manifest, kept: _Kept) -> bool:
    """Whether a run of windows is yet to be entered: the kept entries are all since its plan, and lack it."""
    return manifest.windows is not None and manifest.base is not None and manifest.base >= kept.first - 1


def _noted(bucket: Bucket, prefix: Prefix) -> list[Prefix]:
    """Older runs that have a tombstone."""
    noted = [stored.key for stored in bucket.objects(prefix.removing)]
    runs = [prefix.of(key.removeprefix(prefix.removing).removesuffix(".json")) for key in noted]
    return [old for old in runs if old and old.tombstone in noted and old.run < prefix.run]


def remove(bucket: Bucket, old: Prefix, *, begun: bool = False) -> bool:
    """Remove one committed run; False if it turns out to be copied anew at this moment.

    The tombstone first: from then on no copy begins below `old`, and no commit (`refuse_removed`). The
    manifest next, then what it named; the tombstone last, so that what breaks off on the way is known. A
    commit that stalls meanwhile cannot put its manifest in the place of one that is gone. `begun`: the
    tombstone was found there. Two removers at once do the same work twice.
    """
    if not begun:
        bucket.put_json(old.tombstone, {"run": old.run})
        standing = bucket.head(old.manifest)
        if standing is None or _copied_anew(bucket, old, standing.etag):
            bucket.delete(old.tombstone)
            return False
    bucket.delete(old.manifest)
    found = {stored.key: stored.etag for stored in bucket.objects(str(old))}
    objects = [key for key in found if old.is_data(key)]
    plan = [old.plan] if old.plan in found else []
    for key in [*objects, *filter(old.is_receipt, found), *filter(old.is_report, found), *plan]:
        bucket.delete(key, found[key])
    abort_uploads(bucket, old)
    bucket.delete(old.tombstone)
    log.info("removed run %s of %s: %d objects", old.run, old.dataset, len(objects))
    return True


def _copied_anew(bucket: Bucket, old: Prefix, committed: str) -> bool:
    """Whether there are objects that were begun after the run's commit: somebody repairs it, or failed to."""
    found = bucket.objects(str(old))
    return any(old.is_data(each.key) and old.began_with(each.key, committed) for each in found)
