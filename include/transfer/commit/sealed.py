"""The receipts of a chain, each of which names where the next begins: see copy_chain.py."""

from collections.abc import Iterator

from include.transfer.batches import Batch
from include.transfer.commit.receipt import Receipt
from include.transfer.store.bucket import Bucket
from include.transfer.store.keys import Prefix

HIDDEN = "***"  # in a mark: what stood there was secret


def sealed(bucket: Bucket, prefix: Prefix) -> Iterator[Receipt]:
    """The receipts of a run's chain in their order, as far as each begins where the one before ended."""
    start, mark = 0, None
    while True:
        receipt = Receipt.from_dict(bucket.get_json(prefix.receipt(Batch(start, 1))))
        if receipt is None or receipt.start != start or receipt.chain.get("begins", "") != mark:
            return
        yield receipt
        mark = receipt.chain["next"]
        if mark is None:
            return
        start += receipt.rows
