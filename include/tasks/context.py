"""What a task reads of its run, and what it leaves for Airflow and the page. For the bodies of tasks."""

import logging
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.sdk import Asset, AssetAlias, get_current_context
from airflow.sdk.exceptions import AirflowSkipException

if TYPE_CHECKING:
    from include.transfer.dataset import Dataset
    from include.transfer.diagnose import Check
    from include.transfer.payloads import CommittedRun, PlannedBatch, StandingRun
    from include.transfer.policy import Policy
    from include.transfer.windowed.due import Interval

log = logging.getLogger(__name__)

FINDINGS_KEY = "findings"  # of the XCom that holds what a verification found
MOST_FINDINGS = 200
ERROR_KEY = "error"  # of the XCom that holds what a failed task said
UNCHANGED_KEY = "unchanged"  # of the XCom that names the run that stands for one that copied nothing

# --8<-- [start:run]
# A run's folder: its time to sort by, and a mark that no other run has and nobody can choose a run id for:
# 154 bits of hashes, as one uuid5 keeps 122. It begins with the mark of the first releases. Given through
# `.partial(run=RUN)`: a mapped task renders templates there, though not inside `.map()`.
RUN = (
    "{{ dag_run.run_after | ts_nodash }}-"
    "{{ macros.uuid.uuid5(macros.uuid.NAMESPACE_OID, dag.dag_id ~ '/' ~ run_id).hex }}"
    "{{ macros.uuid.uuid5(macros.uuid.NAMESPACE_URL, dag.dag_id ~ '/' ~ run_id).hex[:8] }}"
)
# --8<-- [end:run]


def of_this_run(settings: Mapping[str, Any]) -> "Dataset":
    """The dataset with this run's form values. Raises BadSettings for a conf that is no field of the form."""
    from include.transfer.dataset import Dataset

    return Dataset.of_run(settings, form_values())


def policy() -> "Policy":
    """What this run's form says about force, drift and retention."""
    from include.transfer.policy import Policy

    return Policy.from_params(form_values())


def form_values() -> dict[str, Any]:
    """The run's params, which Airflow has validated; refuses a conf with keys that are no field of the form.

    Airflow itself takes such a key for one more param: a misspelt `batchsize` would be ignored, and a
    setting that the form does not offer would be changed.
    """
    from include.transfer.errors import refuse_unknown

    context = get_current_context()
    refuse_unknown(context["dag_run"].conf or {}, list(context["dag"].params), "the run's conf")
    return dict(context["params"])


def interval(dataset: "Dataset") -> "Interval":
    """What this run is about, for a dataset with a window.

    The form's `since` and `until` come first. A backfill has its own interval, and so has a run that was
    triggered for one: that of its partition, or its data interval. Any other goes on from the watermark, to
    its data interval's end, or to when it was due.
    """
    from include.transfer.windowed.due import Interval

    values, context = form_values(), get_current_context()
    given = {name: str(values.get(name) or "") for name in ("since", "until")}
    if any(given.values()):
        return Interval(**given)
    run, window = context["dag_run"], dataset.window
    if window is None or window.format == "integer":
        return Interval()
    since, until = context.get("data_interval_start"), context.get("data_interval_end")
    if partition := context.get("partition_date"):
        mark = window.read(partition.isoformat())
        ends = window.axis.text(mark), window.axis.text(window.moved(mark, window.step))
    elif since and until and since < until:
        ends = since.isoformat(), until.isoformat()
    else:
        return Interval(until=run.run_after.isoformat())
    own = run.run_type in ("backfill", "manual")
    return Interval(since=ends[0] if own else "", until=ends[1])


def copies_at_once(batch: "PlannedBatch") -> int:
    """How many copies of this run may run at once: its `max_active_copies`, and one a batch at the most.

    A pool may have fewer slots, which Airflow tells no task.
    """
    context = get_current_context()
    if maps := batch.get("maps"):
        return max(1, min(maps, context["task"].max_active_tis_per_dagrun or maps))
    limit, total = batch["limit"] or 0, batch["total"] or 0
    last = not limit or batch["start"] + limit >= total
    batches = (context["ti"].map_index or 0) + 1 if last else -(-total // limit)
    return max(1, min(batches, context["task"].max_active_tis_per_dagrun or batches))


def dag_id() -> str:
    """The DAG that this task belongs to: who writes its dataset."""
    return str(get_current_context()["dag"].dag_id)


def skip_if(standing: "StandingRun | None") -> None:
    """End this task as skipped, and all that follows from it, where a committed run stands for this one.

    Which one is told in the XCom `unchanged`. The run is a success, without an asset event: nothing is new.
    """
    if standing:
        get_current_context()["ti"].xcom_push(UNCHANGED_KEY, dict(standing))
        raise AirflowSkipException(f"unchanged since run {standing['run']}: {standing['manifest']}")


def listed(values: Any) -> "Sequence[Any]":
    """What mapped tasks returned, in one request.

    A mapped task group of one map gives its value without a list, one of none gives None.
    """
    from airflow.sdk.execution_time.lazy_sequence import LazyXComSequence

    if isinstance(values, LazyXComSequence):
        return values[:]  # iterated, it would ask the API server once an item
    if isinstance(values, Mapping):
        return [values]
    return [] if values is None else list(values)


def diagnosis(*checks: "Iterable[Check]") -> list[str]:
    """Log all checks and keep them as the XCom `diagnosis`, then fail if there is something to fix."""
    from include.transfer.diagnose import require_all_well

    done = [check for group in checks for check in group]
    get_current_context()["ti"].xcom_push("diagnosis", [asdict(check) for check in done])
    return require_all_well(done)


def log_folder() -> Path:
    """Where this machine keeps the tasks' logs."""
    from airflow.sdk.configuration import conf

    return Path(conf.get("logging", "base_log_folder"))


def max_maps() -> int:
    """How often a task may be mapped at the most: `[core] max_map_length`."""
    from airflow.sdk.configuration import conf

    return int(conf.getint("core", "max_map_length"))


def announce(committed: "CommittedRun") -> None:
    """Put what was committed into the asset event of this task: one, as its task is not mapped.

    An alias stands for the dataset that the run's form names.
    """
    context = get_current_context()
    extra: dict[str, Any] = dict(committed)
    for outlet in context["task"].outlets:
        if isinstance(outlet, AssetAlias):
            context["outlet_events"][outlet].add(Asset(name=committed["dataset"]), extra=extra)
        else:
            context["outlet_events"][outlet].extra = extra


@contextmanager
def findings_kept() -> Iterator[None]:
    """Keep what a verification found in an XCom: a failed task returns nothing, and a page shows it."""
    from include.transfer.errors import Unverified

    try:
        yield
    except Unverified as unverified:
        kept = [str(finding) for finding in unverified.findings[:MOST_FINDINGS]]
        if more := len(unverified.findings) - len(kept):
            kept.append(f"and {more:,} more, in the log of this task")
        get_current_context()["ti"].xcom_push(key=FINDINGS_KEY, value=kept)
        raise


def error_kept(context: Mapping[str, Any]) -> None:
    """Keep what a task that failed said as an XCom, for the page: a failed task returns nothing.

    Its own errors hold no secret; of others, only their class is known to hold none.
    """
    from include.transfer.errors import TransferError

    error = context.get("exception")
    if error is not None:
        said = str(error) if isinstance(error, TransferError) else f"{type(error).__name__}: see its log"
        context["ti"].xcom_push(key=ERROR_KEY, value=said[:2_000])


def pool_slot() -> str:
    """The pool that this task runs in."""
    pool: str = get_current_context()["task"].pool
    log.info("the pool %s exists and gave a slot", pool)
    return pool


def where_it_runs() -> dict[str, str]:
    """The executor that runs this task, its host, and the greeting that a pod_override may have set."""
    from airflow.sdk.api.client import get_hostname
    from airflow.sdk.configuration import conf

    # KubernetesExecutor marks its pods so. Elsewhere it is the first of `[core] executor`: the others run
    # only what names them.
    in_a_pod = os.environ.get("AIRFLOW_IS_K8S_EXECUTOR_POD") == "True"
    first = conf.get("core", "executor").split(",")[0].strip()
    found = {
        "executor": "KubernetesExecutor" if in_a_pod else first,
        "host": str(get_hostname()),  # type: ignore[no-untyped-call]
        "greeting": os.environ.get("GREETING", ""),
    }
    log.info("executor %(executor)s, host %(host)s %(greeting)s", found)
    return found
