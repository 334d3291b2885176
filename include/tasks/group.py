"""copy_to_lake: the five tasks of a copy as one group, for a DAG that needs no more than a copy."""

from typing import Any

from airflow.sdk import AssetAlias, TaskGroup

from include.tasks.context import RUN
from include.tasks.copying import commit, copy, count_rows, plan, verify
from include.tasks.forms import asset
from include.tasks.retries import RETRIES
from include.transfer.dataset import Dataset


def copy_to_lake(
    dataset: Dataset,
    *,
    pool: str,
    max_active_copies: int | None = None,
    outlet: AssetAlias | None = None,
    group_id: str = "",
) -> Any:
    """Copy the dataset into the lake: count, plan, copy in parallel, verify, commit. Returns the commit.

    `pool`: the pool of the copies, which must exist. `max_active_copies`: at most so many of one run at a
    time. `outlet`: what the commit updates, by default the asset of the dataset's name. `group_id`: needed
    where a DAG copies more than one dataset, and then the first part of the tasks' ids.

    The tasks have the retries of include/tasks/retries.py, unless the DAG's `default_args` say otherwise.
    """
    settings = dataset.to_dict()
    with TaskGroup(group_id or "copy_to_lake", prefix_group_id=bool(group_id)) as group:
        group.default_args = {**RETRIES, **group.dag.default_args}
        batches = plan(count_rows(settings, RUN), settings, RUN)
        copied = (
            copy.override(pool=pool, max_active_tis_per_dagrun=max_active_copies)
            .partial(dataset=settings, run=RUN)
            .expand(batch=batches)
        )
        verified = verify(batches, copied, settings, RUN)
        return commit.override(outlets=[outlet or asset(dataset)])(verified, settings, RUN)
