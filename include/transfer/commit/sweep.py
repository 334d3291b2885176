"""What dead attempts left in a run's folder: objects, receipts and unfinished uploads of no use."""

import logging
from collections.abc import Collection, Iterable

from include.transfer.errors import TransferError
from include.transfer.store.bucket import Bucket, Upload
from include.transfer.store.keys import Prefix

log = logging.getLogger(__name__)


def sweep(bucket: Bucket, prefix: Prefix, kept: Collection[str]) -> None:
    """Remove this run's objects and receipts but those in `kept`, and abort its unfinished uploads.

    An earlier plan of the same run, with other batches or another format, leaves such objects: a reader of
    `data_from_*` would take rows twice. Nothing outside of the run's folder is touched, and in it only names
    that a copy gives.
    """
    strays = []
    for stored in list(bucket.objects(str(prefix))):
        if (prefix.is_data(stored.key) or prefix.is_receipt(stored.key)) and stored.key not in kept:
            log.info("removing %s: not in the plan", bucket.uri(stored.key))
            bucket.delete(stored.key)
            strays.append(stored.key)
    abort_uploads(bucket, prefix, filter(prefix.is_data, [*kept, *strays]))


def abort_uploads(bucket: Bucket, prefix: Prefix, keys: Iterable[str]) -> None:
    """Abort the unfinished uploads of a run: they are charged for, and shown by nobody.

    `keys`: objects of the run. MinIO lists uploads by whole keys only, so there these alone are seen. No
    reader meets an upload, and not every store lists them or lets these keys do so: what fails is a warning.
    """
    below = str(prefix)
    try:
        aborted = _abort(bucket, below)
        if not aborted and not bucket.lists_uploads_below(below):
            for key in keys:
                _abort(bucket, key, whole=True)
    except TransferError as error:
        log.warning(
            "unfinished uploads below %s may be left: %s; let a rule of the bucket end them after some days",
            *(bucket.uri(below), error),
        )


def _abort(bucket: Bucket, prefix: str, *, whole: bool = False) -> set[Upload]:
    """Abort all unfinished uploads of keys that begin with `prefix`, or of that `whole` key alone."""
    seen: set[Upload] = set()
    while found := {up for up in bucket.uploads(prefix) if not whole or up.key == prefix} - seen:
        for upload in found:
            log.info("aborting an unfinished upload of %s", bucket.uri(upload.key))
            bucket.abort(upload)
        seen |= found
    return seen
