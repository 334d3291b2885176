"""The five tasks of every copy, in the order of a run. DAGs take them with `.override(...)` and connect them.

A dataset crosses as a plain dict (`Dataset.to_dict()`): a dataclass cannot be read back from an XCom. Every
body calls one step of include/transfer/run.py, imported inside: what a DAG file imports is parsed again and
again. `multiple_outputs=False`: a return annotated as a dict would push one XCom a key besides.
"""

import json
import os
import sys
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.sdk import TriggerRule, task

from include.tasks import catalog, connections, context
from include.transfer.payloads import (
    CommittedRun,
    CopiedBatch,
    Counted,
    PlannedBatch,
    VerifiedRun,
    Vouched,
)

if TYPE_CHECKING:
    from include.transfer.dataset import Dataset
    from include.transfer.payloads import Due

Settings = dict[str, Any]  # of a Dataset

# The same for every dataset and conf: Airflow renders what the task returns as a template, so that a value in
# it could be a command. Status 1 comes with an error as JSON, which `_counted` raises.
_COUNT = '"$LAKE_PYTHON" -m include.transfer count || [ $? -eq 1 ]'


def _counted(printed: str) -> Counted:
    """What the command printed on its last line, or the error that it told of, by its class."""
    from include.transfer.errors import CountLost, told

    try:
        answer = json.loads(printed)
        if error := told(answer):
            raise error
        rows = answer["rows"]
        counted: Counted = {"rows": None if rows is None else int(rows), "version": answer["version"]}
        return {**counted, "due": answer["due"]} if "due" in answer else counted
    except (ValueError, TypeError, KeyError):
        raise CountLost(f"it printed {printed[:80]!r}", where="the count") from None


# --8<-- [start:count]
@task.bash(output_processor=_counted, execution_timeout=timedelta(minutes=30))
def count_rows(dataset: Settings, run: str = "") -> str:
    """Ask the API how many rows it has, and in which version.

    Of a dataset with a window: in the range that this run takes. Skipped, and with it all that follows, where
    that holds nothing new.
    """
    chosen = context.of_this_run(dataset)
    os.environ.pop("LAKE_DUE", None)  # of a run before this one in the same process, as `dag.test()` has it
    if chosen.window:
        os.environ["LAKE_DUE"] = json.dumps(_due(chosen, run))
    # The environment of this process alone: neither a command line nor Airflow's pages show it.
    os.environ |= {
        "LAKE_DATASET": json.dumps(chosen.to_dict()),
        "LAKE_SOURCE": connections.open_endpoint(chosen.conn_id).to_json(),
        "LAKE_PYTHON": sys.executable,
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }
    return _COUNT


# --8<-- [end:count]


def _due(dataset: "Dataset", run: str) -> "Due":
    from include.transfer.windowed.due import due, standing_windows

    bucket = connections.open_bucket(dataset.store_conn_id, dataset.bucket)
    found = due(dataset, bucket, run, context.interval(dataset))
    if found is None:
        context.skip_if(standing_windows(dataset, bucket, run))
        raise AssertionError("unreachable: it skips")  # pragma: no cover
    return found


@task(execution_timeout=timedelta(minutes=30))
def plan(counted: Counted, dataset: Settings, run: str) -> list[PlannedBatch]:
    """Cut the rows into batches, and fix their columns.

    Skipped, and with it all that follows, if the source has not changed.
    """
    import include.transfer.run
    from include.transfer.commit.owner import claim
    from include.transfer.windowed.plan import plan_windows

    chosen = context.of_this_run(dataset)
    api, bucket = connections.open_both(chosen)
    catalog.open_table(chosen, bucket)  # a connection that is missing is told of before anything is copied
    claim(bucket, chosen.name, context.dag_id())
    if chosen.window:
        return plan_windows(api, bucket, counted, run, context.max_maps())
    batches = include.transfer.run.plan(chosen, counted, context.max_maps())
    if not context.policy().force:
        context.skip_if(include.transfer.run.unchanged(api, bucket, counted, batches, run))
    include.transfer.run.settle(api, bucket, counted, batches, run)
    return batches


# --8<-- [start:copy]
@task(
    multiple_outputs=False,
    map_index_template="{{ task.op_kwargs['batch']['label'] }}",
    execution_timeout=timedelta(hours=2),  # a source that drips a byte a minute would never time out
)
def copy(batch: PlannedBatch, dataset: Settings, run: str) -> CopiedBatch:
    """Copy one batch from the API into one object of the lake; returns its receipt."""
    import include.transfer.run

    ends = connections.open_both(context.of_this_run(dataset), context.copies_at_once(batch))
    return include.transfer.run.copy(*ends, batch, run)


# --8<-- [end:copy]


# --8<-- [start:verify]
# No rows, no maps: Airflow skips a map of nothing, and a run that copied nothing must commit just that. But
# where plan itself was skipped, so is this.
@task(
    multiple_outputs=False,
    trigger_rule=TriggerRule.NONE_FAILED_MIN_ONE_SUCCESS,
    execution_timeout=timedelta(hours=2),  # it may copy what a source grew by
)
def verify(
    batches: Sequence[PlannedBatch], copied: Sequence[Vouched], dataset: Settings, run: str
) -> VerifiedRun:
    # --8<-- [end:verify]
    """Compare plan, copies, store and source; fail with every finding, or let the commit go on."""
    import include.transfer.run

    ends = connections.open_both(context.of_this_run(dataset))
    with context.findings_kept():
        return include.transfer.run.verify(
            *ends, batches or [], context.listed(copied), run, context.policy()
        )


@task(multiple_outputs=False, execution_timeout=timedelta(minutes=30))
def commit(verified: VerifiedRun, dataset: Settings, run: str) -> CommittedRun:
    """Publish the run: one PUT of its manifest, one asset event. Then old runs go, if any are to.

    Where the dataset names a table, that is brought up to the run in between; should that fail, the run stays
    committed, and another try finishes the table. Skipped where all windows that were copied hold what they
    did.
    """
    import include.transfer.run
    from include.transfer.commit.owner import claim

    chosen = context.of_this_run(dataset)
    bucket = connections.open_bucket(chosen.store_conn_id, chosen.bucket)
    claim(bucket, chosen.name, context.dag_id())
    table = catalog.open_table(chosen, bucket)
    done = include.transfer.run.commit(chosen, bucket, verified, run, context.policy(), table)
    context.skip_if(None if "removed" in done else done)
    committed: CommittedRun = done  # type: ignore[assignment]
    context.announce(committed)
    return committed
