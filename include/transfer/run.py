"""What each task of a copy does, in the order of the run: plain Python between Airflow and the core."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from include.transfer.batches import Batch, plan_batches
from include.transfer.commit.drift import Tail, copy_tail, drifted, record
from include.transfer.commit.manifest import Manifest
from include.transfer.commit.publish import commit as commit_run
from include.transfer.commit.publish import verified_receipts
from include.transfer.commit.retention import retire
from include.transfer.commit.unchanged import unchanged as unchanged_run
from include.transfer.commit.verify import verify as verify_run
from include.transfer.copy import copy as copy_batch
from include.transfer.dataset import Dataset
from include.transfer.diagnose import Finding
from include.transfer.errors import Fatal, TransferError, Unverified
from include.transfer.policy import Policy
from include.transfer.source.api import Api
from include.transfer.source.count import Count, read_printed
from include.transfer.store.bucket import Bucket
from include.transfer.store.keys import Prefix
from include.years import add_years, count_years

log = logging.getLogger(__name__)

Values = Mapping[str, Any]


def plan(dataset: Dataset, counted: str, max_maps: int) -> list[dict[str, Any]]:
    """The batches of this run, from what the count printed; each knows the version that it was planned at."""
    count = read_printed(counted, dataset)
    batches = plan_batches(count.rows, dataset.batch_size, max_maps, multiple=dataset.page_size or 1)
    size = batches[0].limit if batches else 0
    log.info("%d rows, version %s: %d batches of %d rows", count.rows, count.version, len(batches), size)
    if size > dataset.batch_size:
        log.warning(
            "batches have %d rows instead of %d: a task is mapped %d times at the most, and a batch "
            "starts on a page",
            size,
            dataset.batch_size,
            max_maps,
        )
    return [{**batch.to_dict(), "version": count.version} for batch in batches]


def unchanged(
    api: Api, bucket: Bucket, counted: str, batches: Sequence[Values], run: str
) -> dict[str, Any] | None:
    """The committed run that holds what the source has, so that this one need not copy; None: it must."""
    dataset, count = api.dataset, read_printed(counted, api.dataset)
    prefix = Prefix(dataset.name, run)
    newest = unchanged_run(bucket, prefix, dataset, api.url, count, _batches(batches))
    if newest is None:
        return None
    uri = bucket.uri(newest.prefix.manifest)
    log.info(
        "UNCHANGED: the source still has %d rows of version %s, as in %s, whose %d objects are there. "
        "Nothing is copied and nothing committed; to copy all the same, trigger a run with force",
        *(count.rows, count.version, uri, len(newest.receipts)),
    )
    return {"manifest": uri, "run": newest.prefix.run, "rows": count.rows, "version": count.version}


def copy(api: Api, bucket: Bucket, batch: Values, run: str) -> dict[str, Any]:
    """Copy one batch; returns its receipt."""
    receipt = copy_batch(api, bucket, Prefix(api.dataset.name, run), Batch.from_dict(batch))
    planned = batch.get("version")
    if None not in (planned, receipt.source_version) and planned != receipt.source_version:
        log.warning(
            "%s: of version %s, planned at %s; verify decides by on_drift",
            *(receipt.name, receipt.source_version, planned),
        )
    return receipt.to_dict()


def verify(api: Api, bucket: Bucket, batches: Sequence[Values], run: str, policy: Policy) -> dict[str, Any]:
    """Compare store, plan and source. Here, and only here, findings become a failure."""
    dataset, source = api.dataset, api.count()
    planned, prefix = _batches(batches), Prefix(dataset.name, run)
    before = Count(sum(batch.limit for batch in planned), batches[0].get("version") if batches else None)
    grown = policy.on_drift == "append" and source.rows > before.rows
    tail = copy_tail(api, bucket, prefix, planned, before, source) if grown else Tail()
    verified = verify_run(bucket, prefix, [*planned, *tail.batches], dataset.suffix, dataset.fingerprint)
    drift = [] if tail.batches else drifted(verified.receipts, before, source)
    if findings := [*verified.findings, *tail.findings, *drift]:
        raise Unverified(findings)
    log.info("%d batches, %d rows: nothing to object", len(verified.receipts), source.rows)
    return {
        "rows": source.rows,
        "version": source.version,
        "url": api.url,
        "digest": verified.digest,
        "tail": [batch.to_dict() for batch in tail.batches],
        "drift": record(before, source, verified.receipts) if tail.batches else None,
    }


def commit(
    dataset: Dataset, bucket: Bucket, verified: Values, batches: Sequence[Values], run: str, policy: Policy
) -> dict[str, Any]:
    """Write the manifest of what was verified; returns where it is and what it holds."""
    prefix, planned, tail = Prefix(dataset.name, run), _batches(batches), _batches(verified["tail"])
    receipts = verified_receipts(bucket, prefix, [*planned, *tail], verified["digest"])
    manifest = Manifest(
        prefix=prefix,
        url=verified["url"],
        source=Count(verified["rows"], verified["version"]),
        format=dataset.format,
        compression=dataset.compression,
        batch_size=max((batch.limit for batch in planned), default=dataset.batch_size),
        columns=receipts[0].columns if receipts else list(dataset.types),
        types=dict(dataset.types),
        fingerprint=dataset.fingerprint,
        receipts=receipts,
        drift=verified["drift"],
    )
    stored = commit_run(bucket, manifest)
    summary = {key: stored[key] for key in ("dataset", "run", "rows", "bytes", "format")}
    appended = [prefix.data(batch, dataset.suffix) for batch in tail]
    removed = _retired(bucket, prefix, policy.keep_runs)
    return {"manifest": bucket.uri(prefix.manifest), **summary, "appended": appended, "removed": removed}


def _retired(bucket: Bucket, prefix: Prefix, keep: int) -> list[str]:
    """Old runs removed. What fails here waits for the next commit: this run's is done and must be told of."""
    try:
        return retire(bucket, prefix, keep)
    except TransferError as error:
        log.warning("old runs could not all be removed: %s; the next commit tries again", error)
        return []


def _batches(values: Sequence[Values]) -> list[Batch]:
    return [Batch.from_dict(batch) for batch in values]


def fires_per_year(bucket: Bucket, receipt: Values) -> dict[str, int]:
    """Fires by year in one copied object. Keys are text: an XCom's dict has no others."""
    years = count_years(bucket.get(receipt["key"]))
    return {str(year): fires for year, fires in sorted(years.items())}


def total_per_year(bucket: Bucket, counts: Sequence[Mapping[str, int]], committed: Values) -> dict[str, int]:
    """All batches' years added up, with those that were appended; they account for every committed row."""
    appended = [fires_per_year(bucket, {"key": key}) for key in committed["appended"]]
    return add_years([*counts, *appended], committed["rows"])


def diagnosis(findings: Sequence[Finding]) -> list[str]:
    """The doctor's findings as text; fails with everything that is wrong and what to do."""
    for finding in findings:
        log.info("%s", finding)
    if wrong := [str(finding) for finding in findings if finding.fix]:
        raise Fatal("; ".join(wrong))
    return [str(finding) for finding in findings]
