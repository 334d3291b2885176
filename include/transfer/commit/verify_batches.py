"""Are all planned batches in the store once, intact, as the copies reported, and does the source agree?"""

import logging
from collections.abc import Sequence

from include.transfer.batches import Batch
from include.transfer.commit.drift import Tail, copy_tail, drifted, record
from include.transfer.commit.proof import behind_the_end, prove
from include.transfer.commit.verify import check_reported, check_source, compare_with_store
from include.transfer.errors import Unverified
from include.transfer.payloads import PlannedBatch, VerifiedRun, Vouched
from include.transfer.policy import Policy
from include.transfer.source.api import Api
from include.transfer.source.count import Count
from include.transfer.store.bucket import Bucket
from include.transfer.store.keys import Prefix

log = logging.getLogger(__name__)


def verified_batches(
    api: Api,
    bucket: Bucket,
    batches: Sequence[PlannedBatch],
    copied: Sequence[Vouched],
    prefix: Prefix,
    policy: Policy,
) -> VerifiedRun:
    """As `verify` in run.py, of a dataset or a window that is copied in batches. Raises Unverified."""
    dataset, source = api.dataset, api.count()
    planned = [Batch.from_dict(batch) for batch in batches]
    before = Count(sum(batch.limit for batch in planned), batches[0]["version"] if batches else None)
    grown = policy.on_drift == "append" and source.rows > before.rows
    tail = copy_tail(api, bucket, prefix, planned, before, source) if grown else Tail()
    complete = [*planned, *tail.batches]
    verified = compare_with_store(bucket, prefix, complete, dataset)
    reported = [*check_reported(copied, verified.receipts), *check_source(verified.receipts, api.url)]
    drift = [] if tail.batches else drifted(verified.receipts, before, source)
    findings = [*verified.findings, *reported, *tail.findings, *drift]
    behind = behind_the_end(api, verified.receipts, source)
    how = {"grows": policy.on_drift == "append", "sound": not findings}
    proof = prove(api, bucket, prefix, verified.receipts, before, source, behind, **how)
    if findings := [*findings, *proof.findings]:
        raise Unverified(findings)
    log.info("verified %d batches, %d rows", len(verified.receipts), source.rows)
    return {
        "rows": source.rows,
        "version": source.version,
        "url": api.url,
        "digest": verified.digest,
        "batches": [batch.planned(source.version) for batch in complete],
        "appended": len(tail.batches),
        "drift": record(before, source, verified.receipts) if tail.batches else None,
        "proof": proof.to_dict(),
        "provenance": api.provenance,
    }
