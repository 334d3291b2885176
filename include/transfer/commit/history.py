"""The runs of a dataset as the store has them: which are committed, which is the newest, are they whole."""

import logging
from collections.abc import Collection, Iterator, Sequence
from itertools import islice

from include.transfer.commit.entry import Entry
from include.transfer.commit.log import append, newest
from include.transfer.commit.manifest import Manifest, complaints
from include.transfer.commit.receipt import Receipt
from include.transfer.errors import Unverified
from include.transfer.store.bucket import Bucket
from include.transfer.store.keys import Prefix

log = logging.getLogger(__name__)

_LOOKS = 4


def committed_runs(
    bucket: Bucket, any_run: Prefix, after: str = "", but: Collection[str] = ()
) -> Iterator[Manifest]:
    """The committed runs of `any_run`'s dataset, the newest first; a run's name begins with its time.

    `after`: only those that are newer than this run; `but`: none of these. A run is committed where its
    manifest can be read as one: what is damaged or foreign counts for nothing here, and is neither trusted
    nor removed.
    """
    below = f"{any_run.dataset}/"
    for folder in reversed(list(bucket.folders(below, f"{below}{after}/" if after else ""))):
        prefix = any_run.of(folder.split("/")[-2])
        if prefix is None or prefix.run in but or bucket.head(prefix.manifest) is None:
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


def newest_run(bucket: Bucket, any_run: Prefix) -> Manifest | None:
    """The run that a reader of the dataset takes: the log's last, or one that was committed since."""
    entry = newest(bucket, any_run)
    late = next(committed_runs(bucket, any_run, entry.seen), None) if entry else None
    return late or run_of(bucket, any_run, entry)


def run_of(bucket: Bucket, any_run: Prefix, entry: Entry | None) -> Manifest | None:
    """The manifest that the entry names; where there is none that can be read, the newest that can."""
    run = any_run.of(entry.run) if entry else None
    found = Manifest.from_dict(bucket.get_json(run.manifest), run) if run else None
    return found or next(committed_runs(bucket, any_run), None)


def catch_up(bucket: Bucket, own: Prefix) -> Entry | None:
    """Enter in the log what was committed since its last entry, but for the run `own`; returns the last one.

    Who committed it died before that, or is of a release without a log. Where there is no log, it begins with
    the newest run.
    """
    entry = newest(bucket, own)
    late = (each for each in committed_runs(bucket, own, entry.seen if entry else "") if each.prefix != own)
    missing = list(late) if entry else list(islice(late, 1))
    for manifest in reversed(missing):
        try:
            entry = append(bucket, manifest, entry)
        except Unverified as error:
            log.warning("run %s is committed, and is not in the log: %s", manifest.prefix.run, error)
    return entry


def point_latest(bucket: Bucket, run: Prefix, entry: Entry | None) -> None:
    """Let `_latest.json` name the run that a reader takes, and the last entry of the log.

    Looks again after it has written: of two commits at once the older may write last. But not for ever: the
    pointer is a convenience, and a store may go on showing what was there before.
    """
    for _ in range(_LOOKS):
        named = {"run": run.run, "manifest": run.manifest} | ({"log": entry.number} if entry else {})
        if bucket.get_json(run.latest) == named:
            return
        bucket.put_json(run.latest, named)
        if (last := newest(bucket, run)) and last != entry:
            entry, run = last, run.of(last.run) or run


def newest_manifest(bucket: Bucket, any_run: Prefix) -> Manifest | None:
    """The manifest of the run that `_latest.json` names, if it can be read."""
    prefix = any_run.of(pointed_at(bucket, any_run))
    return Manifest.from_dict(bucket.get_json(prefix.manifest), prefix) if prefix else None


def pointed_at(bucket: Bucket, any_run: Prefix) -> str:
    """The run that `_latest.json` names; empty where it names none."""
    latest = bucket.get_json(any_run.latest)
    return str(latest.get("run", "")) if isinstance(latest, dict) else ""
