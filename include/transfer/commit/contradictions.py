"""What a manifest says against itself."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from include.transfer.batches import Batch
from include.transfer.commit.manifest import Manifest
from include.transfer.commit.receipt import Receipt
from include.transfer.errors import Finding


def contradictions(manifest: Manifest, stored: Mapping[str, Any]) -> Iterator[Finding]:
    """What a manifest says against itself: totals, and batches that leave a gap or overlap."""
    for name, total in (("rows", manifest.rows), ("bytes", manifest.bytes)):
        if stored[name] != total:
            yield Finding("the manifest", f"says {stored[name]:,} {name}; its receipts add up to {total:,}")
    if manifest.rows != manifest.source.rows:
        got = f"the source had {manifest.source.rows:,} rows; the receipts have {manifest.rows:,}"
        yield Finding("the manifest", got)
    for window in dict.fromkeys(receipt.window for receipt in manifest.receipts):
        own = [receipt for receipt in manifest.receipts if receipt.window == window]
        yield from _gaps(own)
        yield from _broken_chain(own)
    for receipt in manifest.receipts:
        if receipt.rows < 1 or receipt.bytes < 0:
            yield Finding(receipt.key, f"{Batch(receipt.start, receipt.rows)} in {receipt.bytes:,} bytes")


def _gaps(receipts: Sequence[Receipt]) -> Iterator[Finding]:
    reached = 0
    for receipt in sorted(receipts, key=lambda receipt: receipt.start):
        if receipt.start != reached:
            yield Finding(
                receipt.key, f"it starts at row {receipt.start:,}, and the one before ends at {reached:,}"
            )
        reached = receipt.start + receipt.rows


def _broken_chain(receipts: Sequence[Receipt]) -> Iterator[Finding]:
    """Objects of a chain of answers lead from the first answer to the last."""
    mark = None
    for receipt in receipts:
        if receipt.chain and receipt.chain.get("begins") != mark:
            yield Finding(receipt.key, "it does not begin where the one before ends")
        mark = receipt.chain.get("next")
    if mark is not None:
        yield Finding("the manifest", "its last object is not the end of the chain")
