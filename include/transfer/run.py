"""A whole run, without Airflow: count → plan → copy → verify → commit.

The tasks in include/tasks/copying.py call these steps one by one, each in a process of its own; `run` calls
them all. What crosses between them stands in payloads.py.
"""

import logging
from collections.abc import Sequence
from typing import cast

from include.transfer.batches import Batch, plan_batches
from include.transfer.commit.gates import Gates
from include.transfer.commit.publish import manifest_of, publish, told, verified_receipts
from include.transfer.commit.retention import retire
from include.transfer.commit.standing import read_standing
from include.transfer.commit.unchanged import standing_run
from include.transfer.commit.verify_batches import verified_batches
from include.transfer.commit.verify_chain import verified_chain
from include.transfer.copy import copy_batch
from include.transfer.copy_chain import copy_chain
from include.transfer.dataset import Dataset
from include.transfer.errors import BadSettings, TransferError
from include.transfer.payloads import (
    CommittedRun,
    CopiedBatch,
    Counted,
    PlannedBatch,
    StandingRun,
    VerifiedRun,
    Vouched,
)
from include.transfer.plan import write_plan
from include.transfer.policy import Policy
from include.transfer.publish.table import LakeTable
from include.transfer.source.api import Api
from include.transfer.source.count import Count
from include.transfer.store.bucket import Bucket
from include.transfer.store.keys import Prefix
from include.transfer.windowed.commit import commit_windows
from include.transfer.windowed.due import Interval, due, standing_windows
from include.transfer.windowed.plan import bound, plan_windows
from include.transfer.windowed.verify import verified_windows

log = logging.getLogger(__name__)

MOST_MAPS = 1024  # Airflow's own limit, unless `[core] max_map_length` says another


def run(
    api: Api,
    bucket: Bucket,
    name: str,
    policy: Policy | None = None,
    max_maps: int = MOST_MAPS,
    interval: Interval | None = None,
    table: LakeTable | None = None,
) -> CommittedRun | StandingRun:
    """Copy the source into the run `name` of its dataset, and commit it. Safe to call again.

    `interval`: of a dataset with windows. `table`: of one that names a table.
    """
    policy = policy or Policy()
    if api.dataset.window:
        return _windows(api, bucket, name, policy, max_maps, interval or Interval(), table)
    counted = count(api)
    batches = plan(api.dataset, counted, max_maps)
    if not policy.force and (standing := unchanged(api, bucket, counted, batches, name)):
        return standing
    settle(api, bucket, counted, batches, name)
    copied = [copy(api, bucket, batch, name) for batch in batches]
    verified = verify(api, bucket, batches, copied, name, policy)
    return commit(api.dataset, bucket, verified, name, policy, table)


def _windows(
    api: Api,
    bucket: Bucket,
    name: str,
    policy: Policy,
    max_maps: int,
    interval: Interval,
    table: LakeTable | None,
) -> CommittedRun | StandingRun:
    range_ = due(api.dataset, bucket, name, interval)
    if range_ is None:
        return standing_windows(api.dataset, bucket, name)
    counted: Counted = {**count(bound(api, range_["since"], range_["until"])), "due": range_}
    batches = plan_windows(api, bucket, counted, name, max_maps)
    copied = [copy(api, bucket, batch, name) for batch in batches]
    verified = verify(api, bucket, batches, copied, name, policy)
    return commit(api.dataset, bucket, verified, name, policy, table)


def count(api: Api) -> Counted:
    """Ask the source how many rows it has, and in which version."""
    if api.dataset.total == "none":
        return {"rows": None, "version": api.named_version()}
    found = api.count()
    return {"rows": found.rows, "version": found.version}


def plan(dataset: Dataset, counted: Counted, max_maps: int = MOST_MAPS) -> list[PlannedBatch]:
    """The batches of this run; each knows the version that it was planned at. A chain is one."""
    rows, version = counted["rows"], counted["version"]
    if dataset.chained or rows is None:
        known = "an unknown number of" if rows is None else f"{rows:,}"
        log.info("%s rows, version %s: each answer leads to the next, one copy takes all", known, version)
        return [{"start": 0, "limit": None, "total": rows, "version": version, "label": "all rows"}]
    batches = plan_batches(
        rows, dataset.batch_size, max_maps, multiple=getattr(dataset.paging, "size", 0) or 1
    )
    size = batches[0].limit if batches else 0
    log.info("%d rows, version %s: %d batches of %d rows", rows, version, len(batches), size)
    if size > dataset.batch_size:
        log.warning(
            "batches have %d rows instead of %d: a task is mapped at most %d times, and batches begin pages",
            *(size, dataset.batch_size, max_maps),
        )
    return [batch.planned(version) for batch in batches]


def unchanged(
    api: Api, bucket: Bucket, counted: Counted, batches: Sequence[PlannedBatch], name: str
) -> StandingRun | None:
    """The committed run that holds what the source has, so that this one need not copy; None: it must."""
    dataset, prefix = api.dataset, Prefix(api.dataset.name, name)
    if counted["rows"] is None:
        log.info("the source does not say how many rows it has: it is copied, whether it changed or not")
        return None
    source = Count(counted["rows"], counted["version"])
    planned = None if dataset.chained else _batches(batches)
    newest = standing_run(bucket, prefix, dataset, api.url, source, planned)
    if newest is None:
        return None
    uri = bucket.uri(newest.prefix.manifest)
    log.info(
        "UNCHANGED: the source still has %d rows of version %s, as in %s, whose %d objects are there. "
        "Nothing is copied and nothing committed; to copy all the same, trigger a run with force",
        *(source.rows, source.version, uri, len(newest.receipts)),
    )
    return {"manifest": uri, "run": newest.prefix.run, "rows": source.rows, "version": source.version}


def settle(api: Api, bucket: Bucket, counted: Counted, batches: Sequence[PlannedBatch], name: str) -> None:
    """Write the run's plan, with the columns of all its objects: declared, or inferred from a sample."""
    write_plan(api, bucket, Prefix(api.dataset.name, name), counted, batches)


def copy(api: Api, bucket: Bucket, batch: PlannedBatch, name: str) -> CopiedBatch:
    """Copy one batch; returns its receipt."""
    prefix, window = Prefix(api.dataset.name, name), api.dataset.window
    if window:
        span = window.span(batch["since"], batch["until"])
        api, prefix = api.within(window, span), prefix.within(window.key(span))
        log.info("the window %s to %s", *window.texts(span))
    if api.dataset.chained:
        receipt = copy_chain(api, bucket, prefix, batch["total"])
    else:
        receipt = copy_batch(api, bucket, prefix, Batch.from_dict(batch))
    planned = batch["version"]
    if None not in (planned, receipt.source_version) and planned != receipt.source_version:
        log.warning(
            "%s: of version %s, planned at %s; verify decides by on_drift",
            *(receipt.name, receipt.source_version, planned),
        )
    copied: CopiedBatch = receipt.to_dict()  # type: ignore[assignment]
    return copied


def verify(
    api: Api,
    bucket: Bucket,
    batches: Sequence[PlannedBatch],
    copied: Sequence[Vouched],
    name: str,
    policy: Policy,
) -> VerifiedRun:
    """Compare plan, copies, store and source. Here, and only here, findings become a failure."""
    prefix = Prefix(api.dataset.name, name)
    if api.dataset.window:
        return verified_windows(api, bucket, batches, copied, prefix)
    if api.dataset.chained:
        return verified_chain(api, bucket, batches[0], copied, prefix)
    return verified_batches(api, bucket, batches, copied, prefix, policy)


def commit(
    dataset: Dataset,
    bucket: Bucket,
    verified: VerifiedRun,
    name: str,
    policy: Policy,
    table: LakeTable | None = None,
) -> CommittedRun | StandingRun:
    """Write the manifest of what was verified; returns where it is and what it holds.

    Where all windows of a dataset hold what they did: the run that stands. `table`: if it names one.
    """
    if dataset.table and table is None:
        raise BadSettings("it names a table, and no catalog is given", where=f"dataset {dataset.name!r}")
    prefix = Prefix(dataset.name, name)
    gates = None if policy.force else Gates(dataset.shrinks_by, dataset.types)
    if dataset.window:
        done = commit_windows(dataset, bucket, verified, prefix, gates, table)
        if "removed" in done:
            cast(CommittedRun, done)["removed"] = _retired(bucket, prefix, policy.keep_runs, table)
        return done
    batches = _batches(verified["batches"])
    standing = read_standing(bucket, prefix)
    receipts = verified_receipts(bucket, prefix, ((prefix, batch) for batch in batches), verified["digest"])
    planned = len(batches) - verified["appended"]
    size = max((batch.limit for batch in batches[:planned]), default=dataset.batch_size)
    manifest = manifest_of(dataset, prefix, verified, receipts, size)
    stored = publish(bucket, manifest, standing, gates, table)
    committed = told(bucket, stored, receipts[planned:])
    committed["removed"] = _retired(bucket, prefix, policy.keep_runs, table)
    return committed


def _retired(bucket: Bucket, prefix: Prefix, keep: int, table: LakeTable | None) -> list[str]:
    """Old runs removed. What fails here waits for the next commit: this run's is done and must be told of."""
    try:
        return retire(bucket, prefix, keep, table)
    except TransferError as error:
        log.warning("old runs could not all be removed: %s; the next commit tries again", error)
        return []


def _batches(planned: Sequence[PlannedBatch]) -> list[Batch]:
    return [Batch.from_dict(batch) for batch in planned]
