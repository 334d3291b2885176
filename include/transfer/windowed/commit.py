"""One manifest for the windows of a run that are new or changed."""

import logging
from collections.abc import Iterator, Sequence

from include.transfer.batches import Batch
from include.transfer.commit.gates import Gates
from include.transfer.commit.live import Live, gaps
from include.transfer.commit.log import newest
from include.transfer.commit.publish import manifest_of, publish, told, verified_receipts
from include.transfer.commit.standing import read_standing
from include.transfer.dataset import Dataset
from include.transfer.errors import Overtaken
from include.transfer.payloads import CommittedRun, PlannedBatch, StandingRun, VerifiedRun
from include.transfer.publish.table import LakeTable
from include.transfer.store.bucket import Bucket
from include.transfer.store.keys import Prefix
from include.transfer.windowed.due import window_of
from include.transfer.windowed.kept import still_live
from include.transfer.windowed.plan import key_of

log = logging.getLogger(__name__)


def commit_windows(
    dataset: Dataset,
    bucket: Bucket,
    verified: VerifiedRun,
    prefix: Prefix,
    gates: Gates | None,
    table: LakeTable | None = None,
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
    if all(window["kept"] for window in windows):
        if table:  # an earlier commit may not have come to it
            table.bring_up(prefix)
        return _stands(bucket, prefix, verified)
    places = [(_within(dataset, prefix, batch), Batch.from_dict(batch)) for batch in verified["batches"]]
    receipts = verified_receipts(bucket, prefix, places, verified["digest"])
    limits = [batch["limit"] or 0 for batch in verified["batches"]]
    size = max(limits, default=dataset.batch_size)
    manifest = manifest_of(dataset, prefix, verified, receipts, size)
    stored = publish(bucket, manifest, standing, gates, table)
    entry = newest(bucket, prefix)
    for since, until in _missing(dataset, entry.windows if entry else []):
        log.warning("nothing is copied from %s to %s: a backfill of these fills the gap", since, until)
    return {**told(bucket, stored), "watermark": entry.watermark if entry else None}


def _within(dataset: Dataset, prefix: Prefix, batch: PlannedBatch) -> Prefix:
    return prefix.within(key_of(dataset, batch["since"], batch["until"]))


def _missing(dataset: Dataset, lines: Sequence[Live]) -> Iterator[tuple[str, str]]:
    """The ranges between the dataset's start and its last window that no run has copied."""
    window = window_of(dataset)
    if window.start and lines and window.read(window.start) < window.read(lines[0].since):
        yield window.axis.text(window.read(window.start)), lines[0].since
    yield from gaps(lines)


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
