"""
### Every wildfire into the lake

The full dataset, 1,880,465 rows when the real file is loaded, in batches of 50,000. The same tasks as in
`wildfires_small_to_s3`; only the dataset and the pool differ. A copy streams its batch, so its memory is the
same for 5,000 rows and for all of them.
"""

from datetime import datetime

from airflow.sdk import dag

from include.tasks.context import asset, form
from include.tasks.copying import RUN, commit, copy, count_rows, labelled, plan, verify
from include.wildfires import WILDFIRES

DATASET = WILDFIRES.to_dict()


@dag(
    schedule=None,
    start_date=datetime(2026, 1, 1),
    params=form(WILDFIRES),
    tags=["copy", "wildfires"],
    doc_md=__doc__,
)
def wildfires_to_s3() -> None:
    counted = count_rows(DATASET)
    batches = plan(counted, DATASET, RUN)
    copied = (
        copy.override(pool="copies_large")
        .partial(dataset=DATASET, run=RUN)
        .expand(batch=batches.map(labelled))
    )
    verified = verify(batches, DATASET, RUN)
    committed = commit.override(outlets=[asset(WILDFIRES)])(verified, batches, DATASET, RUN)

    copied >> verified >> committed


wildfires_to_s3()
