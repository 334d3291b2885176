"""Does the store hold every planned row once, intact, and is the source still what was copied?"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from include.transfer.batches import Batch
from include.transfer.commit.receipt import Receipt
from include.transfer.store.bucket import Bucket
from include.transfer.store.keys import Prefix


@dataclass(frozen=True)
class Verified:
    """The receipts found in the store, in the plan's order, and every disagreement as a sentence."""

    receipts: list[Receipt]
    findings: list[str]

    @property
    def digest(self) -> str:
        """Names exactly these receipts: a commit compares it with what it is about to commit."""
        content = json.dumps([receipt.to_dict() for receipt in self.receipts], sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()


def read_receipts(bucket: Bucket, prefix: Prefix, batches: Sequence[Batch]) -> dict[Batch, Receipt | None]:
    """Each batch's receipt from the store, None where there is none to read."""
    return {batch: Receipt.from_dict(bucket.get_json(prefix.receipt(batch))) for batch in batches}


def verify(
    bucket: Bucket, prefix: Prefix, batches: Sequence[Batch], suffix: str, fingerprint: str
) -> Verified:
    """Compare plan and store; report all findings, decide nothing. Of the source: `drifted` in drift.py.

    Nothing is believed that the store does not say itself: receipts come from the store, sizes and ETags
    from a HEAD of every object.
    """
    receipts = read_receipts(bucket, prefix, batches)
    findings: list[str] = []
    for batch, receipt in receipts.items():
        findings += _check_object(bucket, prefix.data(batch, suffix), batch, receipt, fingerprint)
    found = [receipt for receipt in receipts.values() if receipt]
    findings += check_alike(found, ordered=suffix.startswith(".csv"))
    findings += check_twins(found)
    return Verified(found, findings)


def _check_object(
    bucket: Bucket, key: str, batch: Batch, receipt: Receipt | None, fingerprint: str
) -> list[str]:
    if receipt is None:
        return [f"{batch}: no receipt; expected one beside {key}; clear this batch's copy"]
    if (receipt.key, receipt.start, receipt.rows, receipt.fingerprint) != (
        key,
        batch.start,
        batch.limit,
        fingerprint,
    ):
        return [
            f"{batch}: its receipt is of {receipt.rows:,} rows from {receipt.start:,} in {receipt.key}, "
            f"or of other settings; expected {batch.limit:,} rows in {key}; clear this batch's copy"
        ]
    stored = bucket.head(key)
    if stored is None:
        return [f"{batch}: no object {key}; expected {receipt.bytes:,} bytes; clear this batch's copy"]
    if (stored.bytes, stored.etag) != (receipt.bytes, receipt.etag):
        return [
            f"{batch}: {key} has {stored.bytes:,} bytes and ETag {stored.etag}; expected {receipt.bytes:,} "
            f"and {receipt.etag}; clear this batch's copy"
        ]
    return []


def check_alike(receipts: Sequence[Receipt], *, ordered: bool) -> list[str]:
    """Columns, and in Parquet their types, must be those of the first batch.

    `ordered`: their order too, since databases load CSV by position.
    """
    findings = []
    for receipt in receipts[1:]:
        first = receipts[0]
        if sorted(receipt.columns) != sorted(first.columns) or (ordered and receipt.columns != first.columns):
            findings.append(
                f"{receipt.name}: {receipt.key} has the columns {', '.join(receipt.columns)}; "
                f"expected {', '.join(first.columns)} as in {first.key}; declare them in the dataset's types"
            )
        differing = [name for name, kind in receipt.types.items() if first.types.get(name) != kind]
        if differing:
            findings.append(
                f"{receipt.name}: in {receipt.key} columns {', '.join(differing)} have other types than in "
                f"{first.key}; expected the same in all batches; "
                f"declare their types in the dataset"
            )
    return findings


def check_twins(receipts: Sequence[Receipt]) -> list[str]:
    """Two batches of the same bytes: an API that ignores its offset answers every batch alike."""
    by_content = defaultdict(list)
    for receipt in receipts:
        if receipt.rows > 1:
            by_content[receipt.sha256].append(receipt.key)
    return [
        f"{', '.join(keys)} hold the same bytes; expected different rows; does the API heed its offset?"
        for keys in by_content.values()
        if len(keys) > 1
    ]
