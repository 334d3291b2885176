"""Old committed runs go, so that no reader ever meets half of one: un-committed first, then removed."""

import logging

from include.transfer.commit.history import committed_runs, pointed_at
from include.transfer.commit.sweep import abort_uploads
from include.transfer.store.bucket import Bucket
from include.transfer.store.keys import Prefix

log = logging.getLogger(__name__)


def retire(bucket: Bucket, prefix: Prefix, keep: int) -> list[str]:
    """Keep the newest `keep` committed runs of the dataset (0: all); returns the names of those removed.

    Also ends what an earlier, interrupted removal left. Never removed: a run that is not older than the one
    at `prefix`, one without a manifest (it is being copied, or has failed), one whose manifest cannot be
    read, and the one that `_latest.json` names.
    """
    noted = _noted(bucket, prefix)
    removed = [old.run for old in noted if not bucket.head(old.manifest) and remove(bucket, old, begun=True)]
    surplus = _surplus(bucket, prefix, keep) if keep else []
    for old in noted:
        if old.run not in removed and old not in surplus:
            bucket.delete(old.tombstone)  # broke off before anything was removed, and is to stay by now
    return removed + [old.run for old in surplus if remove(bucket, old)]


def _surplus(bucket: Bucket, prefix: Prefix, keep: int) -> list[Prefix]:
    """Committed runs beyond the newest `keep`, the oldest first."""
    committed = [manifest.prefix for manifest in committed_runs(bucket, prefix)]
    latest = pointed_at(bucket, prefix)
    return [old for old in reversed(committed[keep:]) if old.run < prefix.run and old.run != latest]


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
