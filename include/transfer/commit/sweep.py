"""What dead attempts left in a run's folder: objects, receipts and unfinished uploads of no use."""

import logging
from collections.abc import Collection
from typing import TYPE_CHECKING

from include.transfer.errors import TransferError
from include.transfer.store.bucket import Bucket, Upload
from include.transfer.store.keys import Prefix

if TYPE_CHECKING:
    from include.transfer.publish.table import LakeTable

log = logging.getLogger(__name__)


def sweep(
    bucket: Bucket, prefix: Prefix, kept: Collection[str], committed: str, table: "LakeTable | None" = None
) -> None:
    """Remove this run's objects and receipts but those in `kept`, and abort its unfinished uploads.

    `committed`: the ETag of the manifest that names what is kept. What was begun under it is spared, and
    where another manifest stands by now, everything: its commit sweeps. What goes can be in no later manifest
    (see standing.py), so this may stall anywhere. Nothing outside of the run's folder is touched, and in it
    only names that a copy gives. What a snapshot of `table` names goes when that can be expired.
    """
    listed = list(bucket.objects(str(prefix)))
    found = bucket.head(prefix.manifest)
    if found is None or found.etag != committed:
        return
    ours = (stored for stored in listed if prefix.is_data(stored.key) or prefix.is_receipt(stored.key))
    surplus = [each for each in ours if each.key not in kept and not prefix.began_with(each.key, committed)]
    objects = {each.key for each in surplus if prefix.is_data(each.key)}
    named = table.release(objects.__contains__) if table and objects else set()
    for stored in surplus:
        if stored.key not in named:
            log.info("removing %s: no part of what is committed", bucket.uri(stored.key))
            bucket.delete(stored.key, stored.etag)
    abort_uploads(bucket, prefix, committed)


def abort_uploads(bucket: Bucket, prefix: Prefix, committed: str | None = None) -> None:
    """Abort the unfinished uploads of a run, but those begun under the manifest with the ETag `committed`.

    They are charged for, and shown by nobody. Not every store lists them, or lets these keys do so: what
    fails is a warning. MinIO lists those of whole keys only, and ends unfinished ones by itself after a day.
    """
    below = str(prefix)
    try:
        _abort(bucket, prefix, committed)
    except TransferError as error:
        log.warning(
            "unfinished uploads below %s may be left: %s; let a rule of the bucket end them after some days",
            *(bucket.uri(below), error),
        )


def _abort(bucket: Bucket, prefix: Prefix, committed: str | None) -> None:
    seen: set[Upload] = set()
    while found := set(bucket.uploads(str(prefix))) - seen:
        for upload in found:
            if committed is None or not prefix.began_with(upload.key, committed):
                log.info("aborting an unfinished upload of %s", bucket.uri(upload.key))
                bucket.abort(upload)
        seen |= found
