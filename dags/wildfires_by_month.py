"""
### Wildfires by month: only what is new

Each mapped copy takes the fires that were discovered in one month. A run goes on where the newest committed
month ends: the first one copies all 288, the next one those that have come since, or nothing. There is no
state beside the data: the dataset's commit log says which months it has.

A scheduled run is the partition of the month before it, and so is its asset's event, whose extra has the
watermark. To copy months again: `airflow backfill create --dag-id wildfires_by_month --from-date 2015-01-01
--to-date 2015-03-01`, or `since` and `until` in the trigger form. Months with the same rows as before keep
their objects.
"""

from datetime import datetime

from airflow.sdk import CronPartitionTimetable, dag

from include.lake import copy_to_lake, form
from include.wildfires import WILDFIRES_BY_MONTH


# --8<-- [start:dag]
@dag(
    dag_display_name="Wildfires, by month",
    description="Time windows as mapped copies: incremental, with backfills",
    # The partition is the month before the run. A backfill has a run for each month in its range.
    schedule=CronPartitionTimetable("0 0 1 * *", timezone="UTC", run_offset=-1, key_format="%Y-%m"),
    start_date=datetime(1992, 1, 1),
    catchup=False,
    max_active_runs=4,
    params=form(WILDFIRES_BY_MONTH),
    tags=["copy", "wildfires", "windows"],
    doc_md=__doc__,
)
def wildfires_by_month() -> None:
    copy_to_lake(WILDFIRES_BY_MONTH, pool="copies_large")


# --8<-- [end:dag]


wildfires_by_month()
