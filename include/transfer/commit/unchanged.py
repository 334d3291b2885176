"""Is there anything to copy at all, or does the newest committed run hold what the source has?"""

import logging
from collections.abc import Iterator, Sequence

from include.transfer.batches import Batch
from include.transfer.commit.history import absent, catch_up, point_latest, run_of
from include.transfer.commit.manifest import Manifest
from include.transfer.dataset import Dataset
from include.transfer.source.count import Count
from include.transfer.store.bucket import Bucket
from include.transfer.store.keys import Prefix

log = logging.getLogger(__name__)


def standing_run(
    bucket: Bucket, prefix: Prefix, dataset: Dataset, url: str, source: Count, batches: Sequence[Batch] | None
) -> Manifest | None:
    """The newest committed run, if this one would write the same again; None: there is something to copy.

    The same: URL, version, number of rows, settings and batches (None: a chain has none), with every object
    still there. A source
    that names no version is never taken for unchanged. Nor is a run that has begun to copy: clearing it
    repairs it.
    """
    if source.version is None:
        log.info("the source names no version (version_header): it is copied, whether it changed or not")
        return None
    if any(stored.key != prefix.plan for stored in bucket.objects(str(prefix))):
        return None
    entry = catch_up(bucket, prefix)
    newest = run_of(bucket, prefix, entry)
    if newest is None:
        return None
    if reasons := list(_differences(newest, dataset, url, source, batches)):
        log.info("changed since run %s: %s", newest.prefix.run, "; ".join(reasons))
        return None
    if gone := absent(bucket, newest.prefix, newest.receipts):
        log.warning("%d objects of run %s are gone, such as %s", len(gone), newest.prefix.run, gone[0].key)
        return None
    point_latest(bucket, newest.prefix, entry)
    return newest


def _differences(
    newest: Manifest, dataset: Dataset, url: str, source: Count, batches: Sequence[Batch] | None
) -> Iterator[str]:
    if newest.url != url:
        yield f"source {newest.url} → {url}"
    if newest.source.version != source.version:
        yield f"version {newest.source.version} → {source.version}"
    if newest.source.rows != source.rows:
        yield f"{newest.source.rows:,} → {source.rows:,} rows"
    if newest.fingerprint != dataset.fingerprint:
        yield "the dataset has other settings"
    if dataset.duplicates == "fail" and ((newest.proof or {}).get("rows") or {}).get("repeated"):
        yield "it has rows that come twice"
    if newest.drift:
        yield "it was appended to while it was copied: a copy of one version is due"
    elif batches is not None and not _cut_so(newest, batches):
        yield "it is cut into other batches"


def _cut_so(newest: Manifest, batches: Sequence[Batch]) -> bool:
    return [(r.start, r.rows) for r in newest.receipts] == [(b.start, b.limit) for b in batches]
