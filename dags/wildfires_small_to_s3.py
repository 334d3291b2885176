"""
### 20,000 wildfires into the lake, four batches at a time

`count_rows` asks the API, `plan` cuts the rows into batches while the run runs, and `copy` is mapped over
them: one task a batch, named by its rows. `verify` compares store, plan and source, and only then `commit`
writes the manifest, before which a reader sees nothing of the run.

Safe to clear, retry and run again: what is in the lake already is not copied twice.
"""

from datetime import datetime

from airflow.sdk import dag

from include.lake import (
    RETRIES,
    RUN,
    CopiedBatch,
    Vouched,
    asset,
    commit,
    copy,
    count_rows,
    form,
    plan,
    verify,
)
from include.wildfires import WILDFIRES_SMALL

DATASET = WILDFIRES_SMALL.to_dict()


# --8<-- [start:vouched]
def vouched(receipt: CopiedBatch) -> Vouched:
    """For `.map()`: it runs where the values are read, in `verify`, and is no task and no XCom."""
    return {"start": receipt["start"], "rows": receipt["rows"], "sha256": receipt["sha256"]}


# --8<-- [end:vouched]


@dag(
    dag_display_name="Wildfires, small: step by step",
    description="20,000 rows in mapped copies, every step spelled out",
    schedule="@hourly",
    start_date=datetime(2026, 1, 1),
    catchup=False,
    default_args=RETRIES,
    params=form(WILDFIRES_SMALL),
    tags=["copy", "wildfires"],
    doc_md=__doc__,
)
def wildfires_small_to_s3() -> None:
    # --8<-- [start:flow]
    counted = count_rows(DATASET)
    batches = plan(counted, DATASET, RUN)
    # The pool caps all runs together; the cap on one run leaves slots for another that is late.
    # --8<-- [start:map]
    copied = (
        copy.override(pool="copies_small", max_active_tis_per_dagrun=6)
        .partial(dataset=DATASET, run=RUN)
        .expand(batch=batches)
    )
    # --8<-- [end:map]
    verified = verify(batches, copied.map(vouched), DATASET, RUN)
    commit.override(outlets=[asset(WILDFIRES_SMALL)])(verified, DATASET, RUN)
    # --8<-- [end:flow]


wildfires_small_to_s3()
