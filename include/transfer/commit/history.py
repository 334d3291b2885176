"""The runs of a dataset as the store has them: which are committed, which is the newest, are they whole."""

import logging
from collections.abc import Iterator, Sequence

from include.transfer.commit.manifest import Manifest, complaints
from include.transfer.commit.receipt import Receipt
from include.transfer.store.bucket import Bucket
from include.transfer.store.keys import Prefix

log = logging.getLogger(__name__)

_LOOKS = 4


def committed_runs(bucket: Bucket, any_run: Prefix) -> Iterator[Manifest]:
    """The committed runs of `any_run`'s dataset, the newest first; a run's name begins with its time.

    A run is committed where its manifest can be read as one: what is damaged or foreign counts for nothing
    here, and is neither trusted nor removed.
    """
    for folder in reversed(list(bucket.folders(f"{any_run.dataset}/"))):
        prefix = any_run.of(folder.split("/")[-2])
        if prefix is None or bucket.head(prefix.manifest) is None:
            continue
        stored = bucket.get_json(prefix.manifest)
        if manifest := Manifest.from_dict(stored, prefix):
            yield manifest
        else:
            log.warning(
                "%s is left aside: %s; correct or delete it",
                bucket.uri(prefix.manifest),
                next(complaints(stored, prefix), "it changed while it was read"),
            )


def absent(bucket: Bucket, prefix: Prefix, receipts: Sequence[Receipt]) -> list[Receipt]:
    """Receipts whose object is not in the store, or is another one: by size and ETag.

    One listing for all, and a HEAD for what it lacks: a store's listing may lag behind its objects.
    """
    listed = (
        {found.key: (found.bytes, found.etag) for found in bucket.objects(str(prefix))} if receipts else {}
    )
    missing = []
    for receipt in receipts:
        if listed.get(receipt.key) != (receipt.bytes, receipt.etag):
            found = bucket.head(receipt.key)
            if found is None or (found.bytes, found.etag) != (receipt.bytes, receipt.etag):
                missing.append(receipt)
    return missing


def point_latest(bucket: Bucket, any_run: Prefix) -> None:
    """Let `_latest.json` name the newest committed run of the dataset.

    Looks again after it has written: of two commits at once the older may write last. But not for ever: the
    pointer is a convenience, and a store may go on showing what was there before.
    """
    for _ in range(_LOOKS):
        newest = next(committed_runs(bucket, any_run), None)
        named = {"run": newest.prefix.run, "manifest": newest.prefix.manifest} if newest else None
        if named is None or bucket.get_json(any_run.latest) == named:
            return
        bucket.put_json(any_run.latest, named)


def newest_manifest(bucket: Bucket, any_run: Prefix) -> Manifest | None:
    """The manifest of the run that `_latest.json` names, if it can be read."""
    prefix = any_run.of(pointed_at(bucket, any_run))
    return Manifest.from_dict(bucket.get_json(prefix.manifest), prefix) if prefix else None


def pointed_at(bucket: Bucket, any_run: Prefix) -> str:
    """The run that `_latest.json` names; empty where it names none."""
    latest = bucket.get_json(any_run.latest)
    return str(latest.get("run", "")) if isinstance(latest, dict) else ""
