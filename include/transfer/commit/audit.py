"""A committed run, read again from outside: does the store hold what its manifest says, byte by byte?"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from include.transfer.batches import Batch
from include.transfer.commit.manifest import Manifest, complaints
from include.transfer.commit.receipt import Receipt
from include.transfer.commit.verify import check_alike, check_twins
from include.transfer.formats.read_back import Unreadable, read_back
from include.transfer.store.bucket import Bucket
from include.transfer.store.keys import Prefix

Tick = Callable[[str], None]


@dataclass(frozen=True)
class Audit:
    """What was read, and everything that is wrong; nothing wrong: `findings` is empty.

    `stored`: the manifest as it stands in the store; None where there is none that can be read.
    """

    stored: dict[str, Any] | None
    findings: list[str] = field(default_factory=list)


def audit(bucket: Bucket, prefix: Prefix, tick: Tick = lambda text: None) -> Audit:
    """Read the run's manifest and every object that it names. `tick` is told how far it is, often.

    Raises the errors of the store; what is wrong with the run is a finding, never an error.
    """
    uri = bucket.uri(prefix.manifest)
    stored = bucket.get_json(prefix.manifest)
    if stored is None and bucket.head(prefix.manifest) is None:
        return Audit(None, [f"{uri} is not there; expected the manifest of a committed run"])
    manifest = Manifest.from_dict(stored, prefix)
    if stored is None or manifest is None:
        return Audit(None, [f"{uri} is no manifest of this run: {why}" for why in complaints(stored, prefix)])
    receipts = manifest.receipts
    findings = [*_sums(stored, receipts), *_coverage(receipts)]
    findings += check_alike(receipts, ordered=stored["format"] == "csv") + check_twins(receipts)
    done, total = 0, sum(receipt.bytes for receipt in receipts)
    for number, receipt in enumerate(receipts, 1):
        tick(f"reading back object {number} of {len(receipts)}, {done / 1e6:,.0f} of {total / 1e6:,.0f} MB")
        findings += _object(bucket, receipt)
        findings += _receipt(bucket, prefix, receipt)
        done += receipt.bytes
    return Audit(stored, [*findings, *_around(bucket, prefix, receipts)])


def _sums(stored: dict[str, Any], receipts: Sequence[Receipt]) -> Iterator[str]:
    """Totals that disagree with the receipts."""
    for name in ("rows", "bytes"):
        total = sum(getattr(receipt, name) for receipt in receipts)
        if stored[name] != total:
            yield f"the manifest says {stored[name]:,} {name}; its receipts add up to {total:,}"
    if stored["rows"] != stored["source"]["count"]:
        yield f"the source had {stored['source']['count']:,} rows; the manifest has {stored['rows']:,}"


def _coverage(receipts: Sequence[Receipt]) -> Iterator[str]:
    """Batches that leave a gap or overlap."""
    reached = 0
    for receipt in sorted(receipts, key=lambda receipt: receipt.start):
        if receipt.start != reached:
            yield f"{receipt.key} starts at row {receipt.start:,}; expected row {reached:,}"
        reached = receipt.start + receipt.rows


def _object(bucket: Bucket, receipt: Receipt) -> list[str]:
    if bucket.head(receipt.key) is None:
        return [f"{receipt.name}: {receipt.key} is not there; expected {receipt.bytes:,} bytes"]
    try:
        held = read_back(bucket.get(receipt.key), receipt.key, receipt.columns, receipt.types)
    except Unreadable as error:
        return [f"{receipt.name}: {receipt.key}: {error}"]
    return [
        f"{receipt.name}: {receipt.key}: {name} is {getattr(held, name)}; expected {getattr(receipt, name)}"
        for name in ("bytes", "sha256", "rows")
        if getattr(held, name) != getattr(receipt, name)
    ]


def _receipt(bucket: Bucket, prefix: Prefix, receipt: Receipt) -> list[str]:
    """The manifest's receipt and the one beside the object must be the same."""
    key = prefix.receipt(Batch(receipt.start, receipt.rows))
    beside = bucket.get_json(key)
    if beside == receipt.to_dict():
        return []
    what = "is not there, or not JSON" if beside is None else "says other things"
    return [f"{receipt.name}: {key} {what}; expected the manifest's receipt"]


def _around(bucket: Bucket, prefix: Prefix, receipts: Sequence[Receipt]) -> Iterator[str]:
    """What stands in the run's folder and is not of the run."""
    kept = {receipt.key for receipt in receipts}
    kept |= {prefix.receipt(Batch(receipt.start, receipt.rows)) for receipt in receipts}
    for found in bucket.objects(str(prefix)):
        if (prefix.is_data(found.key) or prefix.is_receipt(found.key)) and found.key not in kept:
            yield f"{found.key} is in the store; the manifest does not name it"
    if bucket.head(prefix.tombstone):
        yield f"{prefix.tombstone} is there: this run is being removed; expected one that stays"
