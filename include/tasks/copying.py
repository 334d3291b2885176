"""The reusable tasks of every copy: DAGs take them with `.override(...)` and connect them.

A dataset crosses as a plain dict (`Dataset.to_dict()`): dataclasses cannot be read back from an XCom. Every
body is a call of include/transfer/run.py, imported inside: what a DAG file imports is parsed again and again.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from airflow.sdk import TriggerRule, task

from include.tasks import context
from include.tasks.context import RETRIES, RUN

__all__ = [
    "RUN",
    "check_machine",
    "check_source",
    "check_store",
    "commit",
    "copy",
    "count_rows",
    "fires_per_year",
    "labelled",
    "plan",
    "print_executor",
    "probe_pool",
    "total_per_year",
    "verify",
]


# curl itself waits and asks again; more attempts are for what it cannot see: a killed process, an API server
# that is restarted while the task starts.
@task.bash(
    execution_timeout=timedelta(minutes=5),
    **{**RETRIES, "retry_delay": timedelta(seconds=5)},
)
def count_rows(dataset: Mapping[str, Any]) -> str:
    """Ask the API how many rows it has, and in which version."""
    return context.count_command(dataset)


@task(**RETRIES)
def plan(counted: str, dataset: Mapping[str, Any], run: str) -> list[dict[str, Any]]:
    """Cut the rows into batches. Skipped, and with it all that follows, if the source has not changed."""
    from include.transfer import run as steps

    batches = steps.plan(context.of_this_run(dataset), counted, context.max_maps())
    if not context.policy().force:
        context.skip_if(steps.unchanged(*context.opened(dataset), counted, batches, run))
    return batches


def labelled(batch: dict[str, Any]) -> dict[str, Any]:
    """For `.map()`: a batch with the name that its mapped task carries in the UI, "rows 0–4,999"."""
    last = batch["start"] + batch["limit"] - 1
    return {**batch, "label": f"rows {batch['start']:,}–{last:,}"}


@task(
    map_index_template="{{ task.op_kwargs['batch']['label'] }}",
    execution_timeout=timedelta(hours=2),  # a source that drips a byte a minute would never time out
    **RETRIES,
)
def copy(batch: Mapping[str, Any], dataset: Mapping[str, Any], run: str) -> dict[str, Any]:
    """Copy one batch from the API into one object of the lake; returns its receipt."""
    from include.transfer import run as steps

    return steps.copy(*context.opened(dataset), batch, run)


# No rows, no maps: Airflow skips a map of nothing, and a run that copied nothing must commit just that. But
# where plan itself was skipped, so is this.
@task(
    trigger_rule=TriggerRule.NONE_FAILED_MIN_ONE_SUCCESS,
    execution_timeout=timedelta(hours=2),  # it may copy what a source grew by
    **RETRIES,
)
def verify(batches: Sequence[Mapping[str, Any]], dataset: Mapping[str, Any], run: str) -> dict[str, Any]:
    """Compare plan, store and source; fail with every finding, or let the commit go on."""
    from include.transfer import run as steps

    with context.findings_kept():
        return steps.verify(*context.opened(dataset), batches or [], run, context.policy())


@task(**RETRIES)
def commit(
    verified: Mapping[str, Any],
    batches: Sequence[Mapping[str, Any]],
    dataset: Mapping[str, Any],
    run: str,
) -> dict[str, Any]:
    """Publish the run: one PUT of its manifest, one asset event. Then old runs go, if any are to."""
    from include.transfer import run as steps

    chosen = context.of_this_run(dataset)
    bucket, policy = context.open_bucket(chosen), context.policy()
    committed = steps.commit(chosen, bucket, verified, batches or [], run, policy)
    context.announce(committed)
    return committed


@task(map_index_template="{{ task.op_kwargs['receipt']['key'] }}", **RETRIES)
def fires_per_year(receipt: Mapping[str, Any], dataset: Mapping[str, Any]) -> dict[str, int]:
    """Count the fires of one copied batch by year."""
    from include.transfer import run as steps

    return steps.fires_per_year(context.open_bucket(context.of_this_run(dataset)), receipt)


@task(trigger_rule=TriggerRule.NONE_FAILED_MIN_ONE_SUCCESS, **RETRIES)
def total_per_year(
    counts: Sequence[Mapping[str, int]] | Mapping[str, int] | None,
    committed: Mapping[str, Any],
    dataset: Mapping[str, Any],
) -> dict[str, int]:
    """Add the batches' counts up, once their rows are committed."""
    from include.transfer import run as steps

    # A mapped group of one batch gives its value alone, one of none gives None: Airflow unwraps the list.
    listed = [counts] if isinstance(counts, Mapping) else counts or []
    bucket = context.open_bucket(context.of_this_run(dataset))
    return steps.total_per_year(bucket, listed, committed)


@task
def check_source(dataset: Mapping[str, Any]) -> list[str]:
    """Ask the API for its count and its first row; compare clocks."""
    from include.transfer import diagnose

    chosen = context.of_this_run(dataset)
    checks = diagnose.opening("source", lambda: context.open_api(chosen), diagnose.check_source)
    return context.diagnosis(checks)


@task
def check_store(dataset: Mapping[str, Any]) -> list[str]:
    """Put, read, list and delete objects in the bucket; compare clocks."""
    from include.transfer import diagnose

    chosen = context.of_this_run(dataset)

    def opened() -> Any:
        return context.open_bucket(chosen), chosen.store_conn_id, context.store_url(chosen)

    return context.diagnosis(diagnose.opening("store", opened, lambda store: diagnose.check_store(*store)))


@task
def check_machine() -> list[str]:
    """See that the parser has its C backend, and that there is room for logs."""
    from include.transfer import diagnose

    return context.diagnosis(diagnose.check_parser(), diagnose.check_disk(context.log_folder()))


@task
def probe_pool() -> str:
    """Run at all: a task whose pool does not exist never does."""
    return context.pool_slot()


@task
def print_executor() -> dict[str, str]:
    """Say which executor runs this task, and on which host."""
    return context.where_it_runs()
