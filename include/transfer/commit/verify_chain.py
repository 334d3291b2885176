"""Is a chain of answers in the store from its first row to its last, intact, as its copy reported?"""

import logging
from collections.abc import Sequence

from include.transfer.batches import Batch
from include.transfer.commit.drift import drifted
from include.transfer.commit.proof import prove
from include.transfer.commit.sealed import sealed
from include.transfer.commit.verify import check_ended, check_reported, check_source, compare_with_store
from include.transfer.errors import Unverified
from include.transfer.payloads import PlannedBatch, VerifiedRun, Vouched
from include.transfer.source.api import Api, Behind
from include.transfer.source.count import Count
from include.transfer.store.bucket import Bucket
from include.transfer.store.keys import Prefix

log = logging.getLogger(__name__)


def verified_chain(
    api: Api, bucket: Bucket, planned: PlannedBatch, copied: Sequence[Vouched], prefix: Prefix
) -> VerifiedRun:
    """As `verify` in run.py: its receipts must lead from the first answer to the last."""
    dataset = api.dataset
    receipts = list(sealed(bucket, prefix))
    batches = [Batch(receipt.start, receipt.rows) for receipt in receipts]
    rows = sum(batch.limit for batch in batches)
    uncounted = dataset.total == "none"
    source = Count(rows, api.named_version()) if uncounted else api.count()
    before = Count(rows if planned["total"] is None else planned["total"], planned["version"])
    verified = compare_with_store(bucket, prefix, batches, dataset)
    findings = [
        *verified.findings,
        *check_ended(receipts, copied, source.rows),
        *check_reported(copied, receipts),
        *check_source(receipts, api.url),
        *drifted(receipts, before, source),
    ]
    how = {"grows": False, "sound": not findings}
    proof = prove(api, bucket, prefix, receipts, before, source, Behind(rows, "reached"), **how)
    if findings := [*findings, *proof.findings]:
        raise Unverified(findings)
    log.info("verified %d objects, %d rows", len(receipts), rows)
    return {
        "rows": rows,
        "version": source.version,
        "url": api.url,
        "digest": verified.digest,
        "batches": [batch.planned(source.version) for batch in batches],
        "appended": 0,
        "drift": None,
        "proof": proof.to_dict() | {"counted_twice": not uncounted and proof.counted_twice},
        "provenance": api.provenance,
    }
