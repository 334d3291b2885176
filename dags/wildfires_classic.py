"""
### The same copy with classic operators

The pipeline of `wildfires_small_to_s3` as one wrote it before TaskFlow: operators, their ids, `.output`, and
`.partial().expand()` over `op_kwargs`. The edges are drawn by hand where no value does it, and `.map()` makes
keyword arguments of each batch. It copies the sample API's answers as they are, below `_classic/`.

What the TaskFlow version adds: a retry or a clear neither loses nor repeats a row, each object is verified,
one manifest commits the run, an error's class decides about retries, and the source may need a login.
"""

from datetime import datetime

from airflow.providers.standard.operators.bash import BashOperator  # noqa: TID253 (5 ms)
from airflow.providers.standard.operators.python import PythonOperator  # noqa: TID253
from airflow.sdk import dag

from include.lake import RETRIES
from include.tasks.classic import COUNT, SOURCE, create_batches, prep_arg, transfer_to_s3


@dag(
    dag_display_name="Wildfires, small: classic operators",
    description="BashOperator, PythonOperator and .expand(op_kwargs=…), beside the TaskFlow version",
    schedule=None,
    start_date=datetime(2026, 1, 1),
    default_args=RETRIES,
    tags=["wildfires", "classic operators"],
    doc_md=__doc__,
)
def wildfires_classic() -> None:
    # --8<-- [start:flow]
    get_rows_count = BashOperator(
        task_id="get_rows_count", bash_command=COUNT, env={"WILDFIRES_API": SOURCE}, append_env=True
    )
    batches = PythonOperator(
        task_id="create_batches", python_callable=create_batches, op_args=[get_rows_count.output]
    )
    PythonOperator.partial(
        task_id="transfer_to_s3",
        python_callable=transfer_to_s3,
        pool="copies_small",
        max_active_tis_per_dag=4,
        map_index_template="{{ task.op_kwargs['start'] }}",
    ).expand(op_kwargs=batches.output.map(prep_arg))
    # --8<-- [end:flow]


wildfires_classic()
