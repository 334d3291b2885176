"""Does the store hold every planned row once, intact, as the copies reported?"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from include.transfer.batches import Batch
from include.transfer.commit.plan_document import check_contract, contracted
from include.transfer.commit.receipt import Receipt
from include.transfer.commit.standing import Standing, read_standing
from include.transfer.dataset import Dataset
from include.transfer.errors import Finding
from include.transfer.formats import FORMATS
from include.transfer.payloads import Vouched
from include.transfer.store.bucket import Bucket
from include.transfer.store.keys import Prefix

CLEAR_COPY = "clear this batch's copy"


@dataclass(frozen=True)
class Verified:
    """The receipts found in the store, in the plan's order, and every disagreement."""

    receipts: list[Receipt]
    findings: list[Finding]

    @property
    def digest(self) -> str:
        """Names exactly these receipts: a commit compares it with what it is about to commit."""
        content = json.dumps([receipt.to_dict() for receipt in self.receipts], sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()


def read_receipts(bucket: Bucket, prefix: Prefix, batches: Sequence[Batch]) -> dict[Batch, Receipt | None]:
    """Each batch's receipt from the store, None where there is none to read."""
    return {batch: Receipt.from_dict(bucket.get_json(prefix.receipt(batch))) for batch in batches}


def compare_with_store(
    bucket: Bucket, prefix: Prefix, batches: Sequence[Batch], dataset: Dataset
) -> Verified:
    """Compare plan and store; report all findings, decide nothing. Of the source: `drifted` in drift.py.

    Nothing is believed that the store does not say itself: receipts come from the store, sizes and ETags
    from a HEAD of every object.
    """
    standing = read_standing(bucket, prefix)
    receipts = read_receipts(bucket, prefix, batches)
    findings: list[Finding] = []
    for batch, receipt in receipts.items():
        findings += _check_object(bucket, standing, batch, receipt, dataset)
    found = [receipt for receipt in receipts.values() if receipt]
    format_ = FORMATS[dataset.format]
    if differing := check_contract(found, dataset, contracted(bucket, prefix, dataset)):
        findings += differing
    elif format_.TABULAR or not dataset.rescues:
        findings += check_alike(found, ordered=format_.ORDERED)
    findings += check_twins(found)
    return Verified(found, findings)


def _check_object(
    bucket: Bucket, standing: Standing, batch: Batch, receipt: Receipt | None, dataset: Dataset
) -> Iterator[Finding]:
    where, prefix = str(batch), standing.prefix
    if receipt is None:
        yield Finding(where, f"there is no receipt {prefix.receipt(batch)}", CLEAR_COPY)
        return
    key = receipt.key
    right = prefix.is_data_of(key, batch, dataset.suffix)
    if not right or (receipt.start, receipt.rows) != (batch.start, batch.limit):
        got = f"the receipt is of {receipt.name} in {key}, not of {batch} in {prefix}*{dataset.suffix}"
        yield Finding(where, got, CLEAR_COPY)
        return
    if receipt.fingerprint != dataset.fingerprint:
        yield Finding(where, f"{key} was copied with other settings of the dataset", CLEAR_COPY)
        return
    if not standing.counts(receipt):
        yield Finding(where, f"{key} was begun before the run's last commit", CLEAR_COPY)
        return
    stored = bucket.head(key)
    if stored is None:
        yield Finding(where, f"there is no object {key}", CLEAR_COPY)
    elif (stored.bytes, stored.etag) != (receipt.bytes, receipt.etag):
        got = f"{stored.bytes:,} bytes, ETag {stored.etag}"
        said = f"{receipt.bytes:,} bytes, ETag {receipt.etag}"
        yield Finding(where, f"{key} has {got}; its receipt says {said}", CLEAR_COPY)


def check_source(receipts: Sequence[Receipt], url: str) -> Iterator[Finding]:
    """Every batch must be of the source at `url`: a connection may have been corrected meanwhile."""
    for receipt in receipts:
        if receipt.url not in ("", url):
            yield Finding(
                receipt.name, f"it was copied from {receipt.url}, and the source is {url}", CLEAR_COPY
            )


def check_reported(copied: Sequence[Vouched], receipts: Sequence[Receipt]) -> Iterator[Finding]:
    """Compare what the copies said they wrote with the receipts that stand in the store.

    A batch that no copy reported is no finding: the store has its receipt, or `verify` misses that.
    """
    said = {(each["start"], each["rows"]): each["sha256"] for each in copied}
    for receipt in receipts:
        sha256 = said.get((receipt.start, receipt.rows), receipt.sha256)
        if sha256 != receipt.sha256:
            got = f"its copy reported SHA-256 {sha256[:12]}…; the store's receipt says {receipt.sha256[:12]}…"
            yield Finding(receipt.name, got, CLEAR_COPY)


def check_ended(receipts: Sequence[Receipt], copied: Sequence[Vouched], total: int) -> Iterator[Finding]:
    """A chain must have been walked to its end: to an answer that names no further one."""
    rows = sum(receipt.rows for receipt in receipts)
    if receipts and receipts[-1].chain["next"] is not None:
        yield Finding(f"rows from {rows:,} on", "they were not copied: the chain goes on", "clear the copy")
    elif not receipts and any(each["rows"] for each in copied):
        yield Finding("the copy", "there is no receipt of what it reported", "clear the copy")
    elif rows != total:
        got = f"it counts {total:,} rows, and its answers have {rows:,}"
        yield Finding("the source", got, "check count_path and total, and what the API leaves out")


def check_alike(receipts: Sequence[Receipt], *, ordered: bool) -> Iterator[Finding]:
    """Columns, and in Parquet their types, must be those of the first batch.

    `ordered`: their order too, since databases load CSV by position.
    """
    for receipt in receipts[1:]:
        first = receipts[0]
        if sorted(receipt.columns) != sorted(first.columns) or (ordered and receipt.columns != first.columns):
            yield Finding(
                receipt.name,
                f"{receipt.key} has the columns {', '.join(receipt.columns)}; {first.key} has "
                f"{', '.join(first.columns)}",
                "declare them in the dataset's types",
            )
        differing = [name for name, kind in receipt.types.items() if first.types.get(name) != kind]
        if differing:
            yield Finding(
                receipt.name,
                f"in {receipt.key} the columns {', '.join(differing)} have other types than in {first.key}",
                "declare their types in the dataset",
            )


def check_twins(receipts: Sequence[Receipt]) -> Iterator[Finding]:
    """Two batches of the same bytes, where no hashes of their rows say more (proof.py)."""
    by_content = defaultdict(list)
    for receipt in receipts:
        if receipt.rows > 1 and not receipt.hashes:
            by_content[receipt.sha256].append(receipt.key)
    for keys in by_content.values():
        if len(keys) > 1:
            yield Finding(
                ", ".join(keys),
                "they hold the same bytes",
                "check paging's param: the API seems to ignore it",
            )
