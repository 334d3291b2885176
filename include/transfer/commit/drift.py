"""A source that changes while it is copied: what changed, and the tail of one that only grew.

What `append` proves: the rows before the tail have not moved (the last planned batch is read again and must
give the same SHA-256), and every row of the tail is in the store once. What it cannot: that no row before
that batch was edited in place, or one inserted for each that was removed. So it is for sources that are only
ever appended to.
"""

import hashlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from include.transfer.batches import Batch
from include.transfer.commit.plan_document import contracted
from include.transfer.commit.receipt import Receipt
from include.transfer.copy import copy_batch
from include.transfer.errors import Finding, about
from include.transfer.formats import encode
from include.transfer.schema.columns import Columns
from include.transfer.source.api import Api
from include.transfer.source.count import Count
from include.transfer.store.bucket import Bucket
from include.transfer.store.keys import Prefix

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Tail:
    """Batches behind the planned ones that are in the store too, and what speaks against them."""

    batches: list[Batch] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


def copy_tail(
    api: Api, bucket: Bucket, prefix: Prefix, planned: Sequence[Batch], before: Count, now: Count
) -> Tail:
    """Copy the rows [before.rows, now.rows), one batch after another, each streamed.

    Safe to run again: batches start where they did before, and what is there and matches is not copied again.
    """
    size = max((batch.limit for batch in planned), default=api.dataset.batch_size)
    starts = range(before.rows, now.rows, size)
    tail = [Batch(start, min(size, now.rows - start), now.rows) for start in starts]
    log.info("the source grew, %s: copying the tail in %d batches", change(before, now), len(tail))
    if planned and (finding := _moved(api, bucket, prefix, planned[-1], now)):
        return Tail(findings=[finding])
    for batch in tail:
        copy_batch(api, bucket, prefix, batch)
    after = api.count()
    if after.rows >= now.rows:
        return Tail(tail)
    got = f"it shrank while its tail was copied, {change(now, after)}"
    return Tail(tail, [Finding("the source", got, "clear the whole run")])


def _moved(api: Api, bucket: Bucket, prefix: Prefix, last: Batch, now: Count) -> Finding | None:
    """Why rows before the tail are not what they were; None: the last of them are.

    A row that was inserted or removed anywhere before shifts the last batch; only it is read again.
    """
    receipt = Receipt.from_dict(bucket.get_json(prefix.receipt(last)))
    if receipt is None or (now.version is not None and receipt.source_version == now.version):
        return None  # verify misses the receipt itself; rows of the present version are where they are
    with about(last):
        again = _sha256(api, last, contracted(bucket, prefix, api.dataset))
    if again == receipt.sha256:
        log.info("%s: read again, and the same as before", last)
        return None
    return Finding(
        str(last),
        f"read again at version {api.version}, SHA-256 {again[:12]}…; copied at version "
        f"{receipt.source_version}, SHA-256 {receipt.sha256[:12]}…: the source did more than grow at its end",
        "clear the whole run",
    )


def _sha256(api: Api, batch: Batch, types: Mapping[str, str]) -> str:
    """The hash of the object that a copy of `batch` would write now; nothing is stored."""
    digest = hashlib.sha256()
    dataset = api.dataset
    how = dataset.format, dataset.compression, dataset.csv_formulas
    for piece in encode(api.rows(batch), Columns(types, rescues=dataset.rescues), *how):
        digest.update(piece)
    return digest.hexdigest()


def change(before: Count, now: Count) -> str:
    """What is other than before, for people: "40 → 52 rows, version v1 → v2"."""
    rows = f"{before.rows:,} → {now.rows:,} rows" if before.rows != now.rows else f"{now.rows:,} rows"
    named = before.version is not None and now.version is not None and before.version != now.version
    return f"{rows}, version {before.version} → {now.version}" if named else rows


def record(before: Count, now: Count, receipts: Sequence[Receipt]) -> dict[str, Any]:
    """For the manifest: the source at plan and at verify, and which rows were read at which version."""
    return {
        "planned": {"count": before.rows, "version": before.version},
        "verified": {"count": now.rows, "version": now.version},
        "rows": _spans(receipts),
    }


def _spans(receipts: Sequence[Receipt]) -> list[dict[str, Any]]:
    """Neighbouring batches of one version as one: start, rows, version."""
    spans: list[dict[str, Any]] = []
    for receipt in receipts:
        if spans and spans[-1]["version"] == receipt.source_version:
            spans[-1]["rows"] += receipt.rows
        else:
            spans.append({"start": receipt.start, "rows": receipt.rows, "version": receipt.source_version})
    return spans


def drifted(receipts: Sequence[Receipt], before: Count, now: Count) -> list[Finding]:
    """Every way in which the source is no longer what was planned and copied."""
    found = []
    if now.rows != before.rows:
        fix = "clear the whole run"
        if now.rows > before.rows:
            fix += ", or set on_drift to append if the source only ever grows at its end"
        found.append(Finding("the source", f"it changed during the run: {change(before, now)}", fix))
    # A count may come without the version that its rows have.
    ends = [count.version for count in (before, now) if count.version is not None]
    versions_of_rows = {receipt.source_version for receipt in receipts}
    versions = {str(version) for version in [*ends, *versions_of_rows]}
    if len(versions) > 1:
        spans = [f"{Batch(s['start'], s['rows'])} at version {s['version']}" for s in _spans(receipts)]
        got = (
            f"it changed during the run: planned at version {before.version}, now at {now.version}, copied "
            f"{', '.join(spans) or 'nothing'}"
        )
        fix = "clear the whole run: batches of the present version are not copied again"
        if before.version == now.version and before.version not in versions_of_rows:
            fix += "; if version_header is of each answer and not of the dataset, empty it"
        found.append(Finding("the source", got, fix))
    return found
