"""The one write that makes a run visible."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from include.transfer.batches import Batch
from include.transfer.commit.history import absent, point_latest
from include.transfer.commit.manifest import Manifest
from include.transfer.commit.receipt import Receipt, keys_of
from include.transfer.commit.sweep import sweep
from include.transfer.commit.verify import CLEAR_COPY, Verified, read_receipts
from include.transfer.copy import uncommit
from include.transfer.errors import Finding, Unverified
from include.transfer.store.bucket import Bucket
from include.transfer.store.keys import Prefix

log = logging.getLogger(__name__)


def verified_receipts(bucket: Bucket, prefix: Prefix, batches: Sequence[Batch], digest: str) -> list[Receipt]:
    """The batches' receipts from the store; raises Unverified unless `digest` names exactly these."""
    receipts = [receipt for receipt in read_receipts(bucket, prefix, batches).values() if receipt]
    if Verified(receipts, []).digest != digest:
        changed = Finding(str(prefix), "its receipts changed after verify", "clear verify and commit")
        raise Unverified([changed])
    return receipts


def publish(bucket: Bucket, manifest: Manifest) -> Manifest:
    """Publish the run: one PUT of its manifest. Returns it as stored.

    Safe to run again: a manifest that says the same already is left alone. Raises Unverified where an
    object is gone by now, Overtaken where another run's retention is removing this one, DocumentTooLarge
    where no reader would take the manifest.
    """
    prefix = manifest.prefix
    committed = Manifest.from_dict(bucket.get_json(prefix.manifest), prefix)
    if manifest.says_the_same(committed):
        log.info("%s is committed already", bucket.uri(prefix.manifest))
    else:
        uncommit(bucket, prefix)
        if gone := absent(bucket, prefix, manifest.receipts):
            raise Unverified(
                [
                    Finding(each.name, f"{each.key} is gone or changed after verify", CLEAR_COPY)
                    for each in gone
                ]
            )
        manifest = replace(manifest, created_at=datetime.now(UTC).isoformat(timespec="seconds"))
        bucket.put_json(prefix.manifest, manifest.to_dict())
        log.info("committed %s: %d rows", bucket.uri(prefix.manifest), manifest.rows)
    # Not before: the manifest of an earlier plan may still name what is swept.
    sweep(bucket, prefix, keys_of(prefix, manifest.receipts))
    point_latest(bucket, prefix)
    return manifest
