"""The reusable tasks of every copy: DAGs take them with `.override(...)` and connect them.

A dataset crosses as a plain dict (`Dataset.to_dict()`): dataclasses cannot be read back from an XCom. Every
body is a call of include/steps.py, imported inside: what a DAG file imports is parsed again and again.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from airflow.sdk import TriggerRule, task

from include import airflow_edge
from include.airflow_edge import RETRIES, RUN

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
    return airflow_edge.count_command(dataset)


@task(**RETRIES)
def plan(counted: str, dataset: Mapping[str, Any], run: str) -> list[dict[str, Any]]:
    """Cut the rows into batches. Skipped, and with it all that follows, if the source has not changed."""
    from include import steps

    batches = steps.plan(airflow_edge.of_this_run(dataset), counted, airflow_edge.max_maps())
    if not airflow_edge.policy().force:
        airflow_edge.skip_if(steps.unchanged(*airflow_edge.opened(dataset), counted, batches, run))
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
    from include import steps

    return steps.copy(*airflow_edge.opened(dataset), batch, run)


# No rows, no maps: Airflow skips a map of nothing, and a run that copied nothing must commit just that. But
# where plan itself was skipped, so is this.
@task(
    trigger_rule=TriggerRule.NONE_FAILED_MIN_ONE_SUCCESS,
    execution_timeout=timedelta(hours=2),  # it may copy what a source grew by
    **RETRIES,
)
def verify(batches: Sequence[Mapping[str, Any]], dataset: Mapping[str, Any], run: str) -> dict[str, Any]:
    """Compare plan, store and source; fail with every finding, or let the commit go on."""
    from include import steps

    with airflow_edge.findings_kept():
        return steps.verify(*airflow_edge.opened(dataset), batches or [], run, airflow_edge.policy())


@task(**RETRIES)
def commit(
    verified: Mapping[str, Any],
    batches: Sequence[Mapping[str, Any]],
    dataset: Mapping[str, Any],
    run: str,
) -> dict[str, Any]:
    """Publish the run: one PUT of its manifest, one asset event. Then old runs go, if any are to."""
    from include import steps

    chosen = airflow_edge.of_this_run(dataset)
    bucket, policy = airflow_edge.open_bucket(chosen), airflow_edge.policy()
    committed = steps.commit(chosen, bucket, verified, batches or [], run, policy)
    airflow_edge.announce(committed)
    return committed


@task(map_index_template="{{ task.op_kwargs['receipt']['key'] }}", **RETRIES)
def fires_per_year(receipt: Mapping[str, Any], dataset: Mapping[str, Any]) -> dict[str, int]:
    """Count the fires of one copied batch by year."""
    from include import steps

    return steps.fires_per_year(airflow_edge.open_bucket(airflow_edge.of_this_run(dataset)), receipt)


@task(trigger_rule=TriggerRule.NONE_FAILED_MIN_ONE_SUCCESS, **RETRIES)
def total_per_year(
    counts: Sequence[Mapping[str, int]] | Mapping[str, int] | None,
    committed: Mapping[str, Any],
    dataset: Mapping[str, Any],
) -> dict[str, int]:
    """Add the batches' counts up, once their rows are committed."""
    from include import steps

    # A mapped group of one batch gives its value alone, one of none gives None: Airflow unwraps the list.
    listed = [counts] if isinstance(counts, Mapping) else counts or []
    bucket = airflow_edge.open_bucket(airflow_edge.of_this_run(dataset))
    return steps.total_per_year(bucket, listed, committed)


@task
def check_source(dataset: Mapping[str, Any]) -> list[str]:
    """Ask the API for its count and its first row; compare clocks."""
    from include import doctor

    chosen = airflow_edge.of_this_run(dataset)
    checks = doctor.opening("source", lambda: airflow_edge.open_api(chosen), doctor.check_source)
    return airflow_edge.diagnosis(checks)


@task
def check_store(dataset: Mapping[str, Any]) -> list[str]:
    """Put, read, list and delete objects in the bucket; compare clocks."""
    from include import doctor

    chosen = airflow_edge.of_this_run(dataset)

    def opened() -> Any:
        return airflow_edge.open_bucket(chosen), chosen.store_conn_id, airflow_edge.store_url(chosen)

    return airflow_edge.diagnosis(doctor.opening("store", opened, lambda store: doctor.check_store(*store)))


@task
def check_machine() -> list[str]:
    """See that the parser has its C backend, and that there is room for logs."""
    from include import doctor

    return airflow_edge.diagnosis(doctor.check_parser(), doctor.check_disk(airflow_edge.log_folder()))


@task
def probe_pool() -> str:
    """Run at all: a task whose pool does not exist never does."""
    return airflow_edge.pool_slot()


@task
def print_executor() -> dict[str, str]:
    """Say which executor runs this task, and on which host."""
    return airflow_edge.where_it_runs()
