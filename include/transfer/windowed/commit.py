"""One manifest for the windows of a run that are new or changed."""

import logging
from collections.abc import Iterator, Sequence
from itertools import chain

from include.transfer.batches import Batch
from include.transfer.commit.gates import Gates
from include.transfer.commit.live import Live, gaps
from include.transfer.commit.log import newest
from include.transfer.commit.manifest import Manifest
from include.transfer.commit.publish import publish
from include.transfer.commit.receipt import Receipt
from include.transfer.commit.standing import read_standing
from include.transfer.commit.verify import Verified, read_receipts
from include.transfer.dataset import Dataset
from include.transfer.errors import Finding, Overtaken, Unverified
from include.transfer.formats import FORMATS
from include.transfer.payloads import CommittedRun, StandingRun, VerifiedRun
from include.transfer.source.count import Count
from include.transfer.store.bucket import Bucket
from include.transfer.store.keys import Prefix
from include.transfer.windowed.due import window_of
from include.transfer.windowed.kept import still_live
from include.transfer.windowed.plan import key_of

log = logging.getLogger(__name__)


def commit_windows(
    dataset: Dataset, bucket: Bucket, verified: VerifiedRun, prefix: Prefix, gates: Gates | None
) -> CommittedRun | StandingRun:
    """Commit what is new; where nothing is, remove what was copied, and name the run that stands.

    Safe to run again. Raises Overtaken where a window that was to keep its objects has others by now.
    """
    windows = verified["windows"]
    standing = read_standing(bucket, prefix)
    if not still_live(bucket, prefix, dataset, windows):
        raise Overtaken(
            "another run has committed some of these windows meanwhile", fix="clear the whole run"
        )
    new = [window for window in windows if not window["kept"]]
    if not new:
        return _stands(bucket, prefix, verified)
    receipts = _receipts(bucket, prefix, dataset, verified)
    typed = bool(receipts) and FORMATS[dataset.format].TYPED
    limits = [batch["limit"] or 0 for batch in verified["batches"]]
    manifest = Manifest(
        prefix=prefix,
        url=verified["url"],
        source=Count(verified["rows"], verified["version"]),
        format=dataset.format,
        compression=dataset.compression,
        batch_size=max(limits, default=dataset.batch_size),
        columns=list(dict.fromkeys(chain.from_iterable(r.columns for r in receipts)) or dataset.types),
        types=receipts[0].types if typed else dict(dataset.types),
        fingerprint=dataset.fingerprint,
        receipts=receipts,
        drift=None,
        proof=verified.get("proof"),
        provenance=verified.get("provenance", ""),
        windows=[{name: each[name] for name in ("since", "until", "rows")} for each in new],
        base=verified["base"],
    )
    stored = publish(bucket, manifest, standing, gates)
    entry = newest(bucket, prefix)
    for since, until in _missing(dataset, entry.windows if entry else []):
        log.warning("nothing is copied from %s to %s: a backfill of these fills the gap", since, until)
    return {
        "manifest": bucket.uri(prefix.manifest),
        "dataset": prefix.dataset,
        "run": prefix.run,
        "rows": stored.rows,
        "bytes": stored.bytes,
        "format": stored.format,
        "appended": [],
        "removed": [],
        "watermark": entry.watermark if entry else None,
    }


def _missing(dataset: Dataset, lines: Sequence[Live]) -> Iterator[tuple[str, str]]:
    """The ranges between the dataset's start and its last window that no run has copied."""
    window = window_of(dataset)
    if window.start and lines and window.read(window.start) < window.read(lines[0].since):
        yield window.axis.text(window.read(window.start)), lines[0].since
    yield from gaps(lines)


def _receipts(bucket: Bucket, prefix: Prefix, dataset: Dataset, verified: VerifiedRun) -> list[Receipt]:
    """The receipts of the new windows. Raises Unverified unless they are those that were verified."""
    receipts: list[Receipt] = []
    for batch in verified["batches"]:
        within = prefix.within(key_of(dataset, batch["since"], batch["until"]))
        receipts += [
            each for each in read_receipts(bucket, within, [Batch.from_dict(batch)]).values() if each
        ]
    if Verified(receipts, []).digest != verified["digest"]:
        changed = Finding(str(prefix), "its receipts changed after verify", "clear verify and commit")
        raise Unverified([changed])
    return receipts


def _stands(bucket: Bucket, prefix: Prefix, verified: VerifiedRun) -> StandingRun:
    """Remove this run's copies, which hold what is committed already."""
    run = verified["windows"][-1]["kept"]
    if not bucket.head(prefix.manifest):
        for stored in list(bucket.objects(str(prefix))):
            if prefix.is_data(stored.key) or prefix.is_receipt(stored.key):
                bucket.delete(stored.key, stored.etag)
        bucket.delete(prefix.plan)
    of = prefix.of(run) or prefix
    log.info("UNCHANGED: all windows have the same rows as before, and nothing is committed")
    return {"manifest": bucket.uri(of.manifest), "run": run, "rows": 0, "version": verified["version"]}
