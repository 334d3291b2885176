"""The one write that makes a run visible."""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import chain
from typing import TYPE_CHECKING

from include.transfer.batches import Batch
from include.transfer.commit.entry import Entry
from include.transfer.commit.gates import Gates
from include.transfer.commit.history import absent, catch_up, point_latest, run_of
from include.transfer.commit.log import append, taken
from include.transfer.commit.manifest import Manifest
from include.transfer.commit.receipt import Receipt
from include.transfer.commit.standing import Standing, read_standing, refuse_removed
from include.transfer.commit.sweep import sweep
from include.transfer.commit.verify import CLEAR_COPY, Verified, read_receipts
from include.transfer.dataset import Dataset
from include.transfer.errors import Finding, Overtaken, Unverified
from include.transfer.formats import FORMATS
from include.transfer.payloads import CommittedRun, VerifiedRun
from include.transfer.source.count import Count
from include.transfer.store.bucket import Bucket
from include.transfer.store.keys import Prefix
from include.transfer.store.swap import decides_races, swap_json

if TYPE_CHECKING:
    from include.transfer.publish.table import LakeTable

log = logging.getLogger(__name__)


def verified_receipts(
    bucket: Bucket, prefix: Prefix, batches: Iterable[tuple[Prefix, Batch]], digest: str
) -> list[Receipt]:
    """The receipts of these batches, each below its prefix.

    Raises Unverified unless `digest` names exactly these.
    """
    read = (read_receipts(bucket, within, [batch])[batch] for within, batch in batches)
    receipts = [receipt for receipt in read if receipt]
    if Verified(receipts, []).digest != digest:
        changed = Finding(str(prefix), "its receipts changed after verify", "clear verify and commit")
        raise Unverified([changed])
    return receipts


def manifest_of(
    dataset: Dataset, prefix: Prefix, verified: VerifiedRun, receipts: list[Receipt], batch_size: int
) -> Manifest:
    """What a verified run commits: these receipts. `batch_size`: rows in the largest planned batch."""
    typed = bool(receipts) and FORMATS[dataset.format].TYPED
    windows = [window for window in verified.get("windows", []) if not window["kept"]]
    ends = [{name: window[name] for name in ("since", "until", "rows")} for window in windows]
    return Manifest(
        prefix=prefix,
        url=verified["url"],
        source=Count(verified["rows"], verified["version"]),
        format=dataset.format,
        compression=dataset.compression,
        batch_size=batch_size,
        columns=list(dict.fromkeys(chain.from_iterable(r.columns for r in receipts)) or dataset.types),
        types=receipts[0].types if typed else dict(dataset.types),
        fingerprint=dataset.fingerprint,
        receipts=receipts,
        drift=verified["drift"],
        proof=verified.get("proof"),
        provenance=verified.get("provenance", ""),
        windows=ends if "windows" in verified else None,
        base=verified.get("base"),
    )


def told(bucket: Bucket, manifest: Manifest, appended: Sequence[Receipt] = ()) -> CommittedRun:
    """What `commit` returns of a run that is published; `appended`: its receipts that were not planned."""
    return {
        "manifest": bucket.uri(manifest.prefix.manifest),
        "dataset": manifest.prefix.dataset,
        "run": manifest.prefix.run,
        "rows": manifest.rows,
        "bytes": manifest.bytes,
        "format": manifest.format,
        "appended": [receipt.key for receipt in appended],
        "removed": [],
    }


def publish(
    bucket: Bucket,
    manifest: Manifest,
    standing: Standing,
    gates: Gates | None = None,
    table: "LakeTable | None" = None,
) -> Manifest:
    """Publish the run: one PUT of its manifest, in place of `standing` alone. Returns it as stored.

    `standing` must have been read before the receipts were: then those of another commit cannot pass for this
    one's. `gates`: how it may differ from the run before; None: in any way. `table`: brought up to the log
    once the run is there; what that raises undoes nothing. Safe to run again: a manifest that says the same
    already is left alone. Raises Unverified where a gate holds it or an object is gone by now, Overtaken
    where another attempt committed other rows meanwhile or retention removes this run, DocumentTooLarge where
    no reader would take the manifest.
    """
    prefix = manifest.prefix
    last = catch_up(bucket, prefix)
    if manifest.says_the_same(standing.manifest):
        log.info("%s is committed already", bucket.uri(prefix.manifest))
        etag = standing.etag
    else:
        _refuse_held(bucket, manifest, gates, last)
        manifest = replace(manifest, created_at=datetime.now(UTC).isoformat(timespec="seconds"))
        etag = _swapped(bucket, manifest, standing)
    entry = _entered(bucket, manifest, standing, etag, last)
    stands = manifest if entry.run == prefix.run else run_of(bucket, prefix, entry) or manifest
    point_latest(bucket, stands.prefix, entry)
    if table:
        table.bring_up(prefix)
    # Not before: the manifest of an earlier plan, and the table, may still name what is swept.
    sweep(bucket, prefix, manifest.keys, etag, table)
    if not decides_races(bucket, prefix.latest):
        log.warning(
            "the store of %s does not decide between two writes at one moment (If-None-Match): of two "
            "commits of this run at once, the later one stands",
            bucket.uri(prefix.manifest),
        )
    return manifest


def _refuse_held(bucket: Bucket, manifest: Manifest, gates: Gates | None, last: Entry | None) -> None:
    findings = list(taken(manifest, last, manifest.base))
    before = run_of(bucket, manifest.prefix, last) if gates else None
    if gates and before and before.prefix.run <= manifest.prefix.run:
        findings += gates.findings(before, manifest)
    if findings:
        raise Unverified(findings)


def _entered(bucket: Bucket, manifest: Manifest, standing: Standing, etag: str, last: Entry | None) -> Entry:
    """Enter the run in the dataset's log; a first commit that may not be entered is none."""
    try:
        return append(bucket, manifest, last)
    except Unverified:
        if not standing.etag:
            bucket.delete(manifest.prefix.manifest, etag)
        raise


def _swapped(bucket: Bucket, manifest: Manifest, standing: Standing) -> str:
    """Put the manifest in the place of `standing`; returns its ETag."""
    prefix = manifest.prefix
    refuse_removed(bucket, prefix)
    _refuse_uncommittable(bucket, manifest, standing)
    if stored := swap_json(bucket, prefix.manifest, manifest.to_dict(), standing.etag):
        log.info("committed %s: %d rows", bucket.uri(prefix.manifest), manifest.rows)
        try:
            refuse_removed(bucket, prefix)
            _refuse_uncommittable(bucket, manifest, standing)
        except (Overtaken, Unverified):
            bucket.delete(prefix.manifest, stored.etag)
            raise
        return stored.etag
    now = read_standing(bucket, prefix)
    if not manifest.says_the_same(now.manifest):
        raise Overtaken("another attempt committed it meanwhile", where=bucket.uri(prefix.manifest))
    log.info("another attempt has committed %s, with the same content", bucket.uri(prefix.manifest))
    return now.etag


def _refuse_uncommittable(bucket: Bucket, manifest: Manifest, standing: Standing) -> None:
    late = [receipt for receipt in manifest.receipts if not standing.counts(receipt)]
    if wrong := late or absent(bucket, manifest.prefix, manifest.receipts):
        got = "was begun before the last commit" if late else "is gone or changed after verify"
        raise Unverified([Finding(each.name, f"{each.key} {got}", CLEAR_COPY) for each in wrong])
