"""What is committed at a run's prefix, and how attempts at one run keep out of each other's way.

Airflow may take a copy or a commit for dead and start another, and the dead one may go on at any later time.
So no attempt writes over, or removes, what another one's commit names:

1. An object's name is its attempt's own, and so is that of its rows' hashes. Nothing is written twice.
2. A receipt names the object. It replaces the receipt that the copy found when it began, or none: a compare
   and swap (store/swap.py). Who comes second takes the other's receipt where it vouches for the same rows,
   and else fails; either way it removes its own object.
3. The manifest is swapped in the same way, for what stood when the commit began. It is not taken away to copy
   again: the old one holds until the new one is in its place.
4. An attempt's generation, in its objects' names, is the ETag of the manifest that it found. A receipt counts
   if the manifest that stands names it, or if it was begun under that manifest. So what an earlier attempt
   writes after a commit is never committed, and the sweep may remove it at any time: all that the manifest
   does not name, and that was not begun under it.
"""

from dataclasses import dataclass
from functools import cached_property

from include.transfer.commit.manifest import Manifest
from include.transfer.commit.receipt import Receipt
from include.transfer.errors import Overtaken
from include.transfer.store.bucket import Bucket
from include.transfer.store.keys import Prefix


@dataclass(frozen=True)
class Standing:
    """`etag`: "" where there is no manifest; `manifest`: None also where what stands in its place is none."""

    prefix: Prefix
    etag: str
    manifest: Manifest | None

    def counts(self, receipt: Receipt) -> bool:
        """Whether a commit that replaces this may name `receipt`."""
        if self.manifest is None or self.prefix.began_with(receipt.key, self.etag):
            return True
        return receipt.key in self._named

    @cached_property
    def _named(self) -> set[str]:
        return {receipt.key for receipt in self.manifest.receipts} if self.manifest else set()


def read_standing(bucket: Bucket, prefix: Prefix) -> Standing:
    stored, etag = bucket.get_document(prefix.manifest)
    return Standing(prefix, etag, Manifest.from_dict(stored, prefix) if stored is not None else None)


def refuse_removed(bucket: Bucket, prefix: Prefix) -> None:
    """Raise Overtaken where retention is removing the run.

    Ask after `read_standing`: retention notes it first, and then removes the manifest (retention.py).
    """
    if bucket.head(prefix.tombstone):
        raise Overtaken(
            "this old run is being removed (keep_runs)",
            where=bucket.uri(prefix.tombstone),
            fix=f"trigger a new run, or clear this one after the next commit of {prefix.dataset}",
        )
