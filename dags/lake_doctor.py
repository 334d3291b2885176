"""
### Is everything there that a copy needs?

Asks the source, puts, reads and deletes objects in the bucket (small ones and ones in parts), looks at the
clocks and the disk, and runs one task in each pool: a task of a pool that does not exist is never
started, so a probe that stays *scheduled* until the run times out names the pool to create. Each failure says
what to do. `make doctor` runs this and prints a table.
"""

from datetime import datetime, timedelta

from airflow.sdk import dag

from include.tasks.checks import check_machine, check_source, check_store, probe_pool
from include.tasks.forms import doctor_form
from include.wildfires import WILDFIRES_SMALL

DATASET = WILDFIRES_SMALL.to_dict()
POOLS = ("copies_small", "copies_large")


@dag(
    dag_display_name="Lake doctor",
    description="Checks source, store, clocks, disk and pools, and says what to fix",
    schedule=None,
    start_date=datetime(2026, 1, 1),
    dagrun_timeout=timedelta(minutes=5),
    params=doctor_form(WILDFIRES_SMALL),
    tags=["doctor"],
    doc_md=__doc__,
)
def lake_doctor() -> None:
    check_source(DATASET)
    check_store(DATASET)
    check_machine()
    # --8<-- [start:pools]
    for pool in POOLS:
        probe_pool.override(task_id=f"pool_{pool}", pool=pool)()
    # --8<-- [end:pools]


lake_doctor()
