"""
### Every wildfire into the lake

The full dataset, 1,880,465 rows when the real file is loaded, in batches of 50,000: the same tasks as in
`wildfires_small_to_s3`, as one group. A copy streams its batch, so its memory is the same for 5,000 rows and
for all of them.
"""

from datetime import datetime

from airflow.sdk import dag

from include.lake import copy_to_lake, form
from include.wildfires import WILDFIRES


@dag(
    dag_display_name="Wildfires, all",
    description="1,880,465 rows in mapped copies of 50,000",
    schedule=None,
    start_date=datetime(2026, 1, 1),
    params=form(WILDFIRES),
    tags=["copy", "wildfires"],
    doc_md=__doc__,
)
def wildfires_to_s3() -> None:
    copy_to_lake(WILDFIRES, pool="copies_large")


wildfires_to_s3()
