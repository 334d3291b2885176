"""The one write that makes a run visible."""

import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from include.datasets import Dataset
from include.transfer.batches import Batch
from include.transfer.bucket import Bucket
from include.transfer.count import Count
from include.transfer.errors import Unverified
from include.transfer.prefix import Prefix
from include.transfer.verify import Verified, read_receipts

log = logging.getLogger(__name__)

MANIFEST_VERSION = 1


def commit(
    bucket: Bucket,
    prefix: Prefix,
    dataset: Dataset,
    batches: Sequence[Batch],
    source: Count,
    url: str,
    digest: str,
) -> dict[str, Any]:
    """Publish the run: one PUT of its manifest. Returns the manifest.

    `digest` names the receipts that were verified; raises Unverified if the store holds others by now.
    Safe to run again: a manifest that says the same already is left alone.
    """
    receipts = [receipt for receipt in read_receipts(bucket, prefix, batches).values() if receipt]
    if Verified(receipts, []).digest != digest:
        raise Unverified([f"{prefix}: receipts changed since they were verified; clear verify and commit"])
    manifest = {
        "version": MANIFEST_VERSION,
        "dataset": dataset.name,
        "run": prefix.run,
        "source": {"url": url, "count": source.rows, "version": source.version},
        "format": dataset.format,
        "compression": dataset.compression,
        "batch_size": max((batch.limit for batch in batches), default=dataset.batch_size),
        "rows": sum(receipt.rows for receipt in receipts),
        "bytes": sum(receipt.bytes for receipt in receipts),
        "columns": receipts[0].columns if receipts else list(dataset.types),
        "types": dict(dataset.types),
        "receipts": [receipt.to_dict() for receipt in receipts],
    }
    committed = bucket.get_json(prefix.manifest)
    if isinstance(committed, dict) and {k: v for k, v in committed.items() if k != "created_at"} == manifest:
        log.info("%s is committed already", bucket.uri(prefix.manifest))
        manifest = committed
    else:
        manifest["created_at"] = datetime.now(UTC).isoformat(timespec="seconds")
        bucket.put_json(prefix.manifest, manifest)
        log.info("committed %s: %d rows", bucket.uri(prefix.manifest), manifest["rows"])
    # Not before: the manifest of an earlier plan may still name what is swept.
    _sweep(bucket, prefix, {receipt.key for receipt in receipts})
    _point_latest(bucket, prefix)
    return manifest


def _sweep(bucket: Bucket, prefix: Prefix, kept: set[str]) -> None:
    """Remove this run's objects that no receipt vouches for: left by an earlier plan of the same run."""
    for stored in list(bucket.objects(str(prefix))):
        if prefix.is_data(stored.key) and stored.key not in kept:
            log.info("removing %s: not in the plan", bucket.uri(stored.key))
            bucket.delete(stored.key)


def _point_latest(bucket: Bucket, prefix: Prefix) -> None:
    """Let `_latest.json` name the newest committed run; an older one that is committed again stays behind."""
    latest = bucket.get_json(prefix.latest)
    run = str(latest.get("run", "")) if isinstance(latest, dict) else ""
    if run < prefix.run or bucket.head(f"{prefix.dataset}/{run}/_manifest.json") is None:
        bucket.put_json(prefix.latest, {"run": prefix.run, "manifest": prefix.manifest})
