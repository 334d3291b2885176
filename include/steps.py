"""What each task of a copy does, in the order of the run: plain Python between Airflow and the core."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from include.datasets import Dataset
from include.doctor import Finding
from include.transfer.api import Api
from include.transfer.batches import Batch, plan_batches
from include.transfer.bucket import Bucket
from include.transfer.commit import commit as commit_run
from include.transfer.copy import copy as copy_batch
from include.transfer.count import Count, read_printed
from include.transfer.errors import Fatal, Unverified
from include.transfer.prefix import Prefix
from include.transfer.verify import verify as verify_run
from include.years import add_years, count_years

log = logging.getLogger(__name__)

Values = Mapping[str, Any]


def plan(dataset: Dataset, counted: str, max_maps: int) -> list[dict[str, int]]:
    """The batches of this run, from what the count printed."""
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
    return [batch.to_dict() for batch in batches]


def copy(api: Api, bucket: Bucket, batch: Values, run: str) -> dict[str, Any]:
    """Copy one batch; returns its receipt."""
    return copy_batch(api, bucket, Prefix(api.dataset.name, run), Batch.from_dict(batch)).to_dict()


def verify(api: Api, bucket: Bucket, batches: Sequence[Values], run: str) -> dict[str, Any]:
    """Compare store, plan and source. Here, and only here, findings become a failure."""
    dataset, source = api.dataset, api.count()
    planned = [Batch.from_dict(batch) for batch in batches]
    prefix = Prefix(dataset.name, run)
    verified = verify_run(bucket, prefix, planned, dataset.suffix, dataset.fingerprint, source)
    if verified.findings:
        raise Unverified(verified.findings)
    log.info("%d batches, %d rows: nothing to object", len(planned), source.rows)
    return {"rows": source.rows, "version": source.version, "url": api.url, "digest": verified.digest}


def commit(
    dataset: Dataset, bucket: Bucket, verified: Values, batches: Sequence[Values], run: str
) -> dict[str, Any]:
    """Write the manifest of what was verified; returns where it is and what it holds."""
    prefix = Prefix(dataset.name, run)
    planned = [Batch.from_dict(batch) for batch in batches]
    source = Count(verified["rows"], verified["version"])
    manifest = commit_run(bucket, prefix, dataset, planned, source, verified["url"], verified["digest"])
    summary = {key: manifest[key] for key in ("dataset", "run", "rows", "bytes", "format")}
    return {"manifest": bucket.uri(prefix.manifest), **summary}


def fires_per_year(bucket: Bucket, receipt: Values) -> dict[str, int]:
    """Fires by year in one copied object. Keys are text: an XCom's dict has no others."""
    years = count_years(bucket.get(receipt["key"]))
    return {str(year): fires for year, fires in sorted(years.items())}


def total_per_year(counts: Sequence[Mapping[str, int]], committed: Values) -> dict[str, int]:
    """All batches' years added up; they must account for every committed row."""
    return add_years(counts, committed["rows"])


def diagnosis(findings: Sequence[Finding]) -> list[str]:
    """The doctor's findings as text; fails with everything that is wrong and what to do."""
    for finding in findings:
        log.info("%s", finding)
    if wrong := [str(finding) for finding in findings if finding.fix]:
        raise Fatal("; ".join(wrong))
    return [str(finding) for finding in findings]
