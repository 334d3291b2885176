"""
### Fires per year: a mapped task group

Each batch is a small pipeline of its own, mapped as a whole: copy five chosen columns, then count the copied
fires by year. One batch's count starts when its copy has ended, whatever the others do. When all rows are
committed, `total_per_year` adds the counts up and compares their sum with the manifest.
"""

from datetime import datetime
from typing import Any

from airflow.sdk import dag, task_group

from include.lake import RETRIES, RUN, PlannedBatch, asset, commit, copy, count_rows, plan, run_form, verify
from include.tasks.by_year import fires_per_year, total_per_year
from include.wildfires import WILDFIRES_PER_YEAR

DATASET = WILDFIRES_PER_YEAR.to_dict()


# --8<-- [start:group]
@task_group
def years_of(batch: PlannedBatch) -> Any:
    # Over all runs of this DAG: the pool's other slots are left to the DAGs that share it.
    capped = copy.override(pool="copies_large", max_active_tis_per_dag=2)
    copied = capped(batch=batch, dataset=DATASET, run=RUN)
    return fires_per_year(receipt=copied, dataset=DATASET)


# --8<-- [end:group]


@dag(
    dag_display_name="Wildfires, per year",
    description="A mapped task group: copy, then count by year, one total",
    schedule=None,
    start_date=datetime(2026, 1, 1),
    default_args=RETRIES,
    params=run_form(),
    tags=["copy", "wildfires", "task group"],
    doc_md=__doc__,
)
def wildfires_per_year() -> None:
    # --8<-- [start:flow]
    counted = count_rows(DATASET)
    batches = plan(counted, DATASET, RUN)
    years = years_of.expand(batch=batches)
    verified = verify(batches, years, DATASET, RUN)
    committed = commit.override(outlets=[asset(WILDFIRES_PER_YEAR)])(verified, DATASET, RUN)
    total_per_year(years, committed, DATASET)
    # --8<-- [end:flow]


wildfires_per_year()
