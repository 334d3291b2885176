"""
### 20,000 wildfires into the lake, four batches at a time

`count_rows` asks the API, `plan` cuts the rows into batches while the run runs, and `copy` is mapped over
them: one task a batch, named by its rows. `verify` compares store, plan and source, and only then `commit`
writes the manifest, before which a reader sees nothing of the run.

Safe to clear, retry and run again: what is in the lake already is not copied twice.
"""

from datetime import datetime

from airflow.sdk import dag

from include.tasks.context import asset, form
from include.tasks.copying import RUN, commit, copy, count_rows, labelled, plan, verify
from include.wildfires import WILDFIRES_SMALL

DATASET = WILDFIRES_SMALL.to_dict()


@dag(
    schedule="@hourly",
    start_date=datetime(2026, 1, 1),
    catchup=False,
    params=form(WILDFIRES_SMALL),
    tags=["copy", "wildfires"],
    doc_md=__doc__,
)
def wildfires_small_to_s3() -> None:
    counted = count_rows(DATASET)
    batches = plan(counted, DATASET, RUN)
    # The pool caps all runs together; the cap on one run leaves slots for another that is late.
    copied = (
        copy.override(pool="copies_small", max_active_tis_per_dagrun=6)
        .partial(dataset=DATASET, run=RUN)
        .expand(batch=batches.map(labelled))
    )
    verified = verify(batches, DATASET, RUN)
    committed = commit.override(outlets=[asset(WILDFIRES_SMALL)])(verified, batches, DATASET, RUN)

    copied >> verified >> committed


wildfires_small_to_s3()
