"""The one write that makes a run visible."""

import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from include.transfer.batches import Batch
from include.transfer.commit.history import absent, point_latest
from include.transfer.commit.manifest import Manifest
from include.transfer.commit.receipt import Receipt
from include.transfer.commit.sweep import sweep
from include.transfer.commit.verify import Verified, read_receipts
from include.transfer.copy import uncommit
from include.transfer.errors import Unverified
from include.transfer.store.bucket import Bucket
from include.transfer.store.keys import Prefix

log = logging.getLogger(__name__)


def verified_receipts(bucket: Bucket, prefix: Prefix, batches: Sequence[Batch], digest: str) -> list[Receipt]:
    """The batches' receipts from the store; raises Unverified unless `digest` names exactly these."""
    receipts = [receipt for receipt in read_receipts(bucket, prefix, batches).values() if receipt]
    if Verified(receipts, []).digest != digest:
        raise Unverified([f"{prefix}: receipts changed since they were verified; clear verify and commit"])
    return receipts


def commit(bucket: Bucket, manifest: Manifest) -> dict[str, Any]:
    """Publish the run: one PUT of its manifest. Returns it as stored.

    Safe to run again: a manifest that says the same already is left alone. Raises Unverified where an
    object is gone by now, Overtaken where another run's retention is removing this one.
    """
    prefix, stored = manifest.prefix, manifest.to_dict()
    committed = bucket.get_json(prefix.manifest)
    if isinstance(committed, dict) and {k: v for k, v in committed.items() if k != "created_at"} == stored:
        log.info("%s is committed already", bucket.uri(prefix.manifest))
        stored = committed
    else:
        uncommit(bucket, prefix)
        if gone := absent(bucket, prefix, manifest.receipts):
            raise Unverified(
                [
                    f"{receipt.name}: {receipt.key} is not there, or not as its receipt says; expected "
                    f"{receipt.bytes:,} bytes, as verified; clear this batch's copy"
                    for receipt in gone
                ]
            )
        stored["created_at"] = datetime.now(UTC).isoformat(timespec="seconds")
        bucket.put_json(prefix.manifest, stored)
        log.info("committed %s: %d rows", bucket.uri(prefix.manifest), stored["rows"])
    # Not before: the manifest of an earlier plan may still name what is swept.
    kept = {prefix.receipt(Batch(receipt.start, receipt.rows)) for receipt in manifest.receipts}
    sweep(bucket, prefix, kept | {receipt.key for receipt in manifest.receipts})
    point_latest(bucket, prefix)
    return stored
