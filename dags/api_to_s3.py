"""
### Any API into the lake, without code

Make a connection of type http (host, port, login; a token as a header in its extra:
`{"Authorization": "Bearer …"}`), then trigger this DAG and fill in where the rows are. Offsets or pages,
rows under a key, the total in the body or in a header: each is a field of the form. As they stand, the fields
copy the sample API.

What is copied every day deserves a DAG of its own: see docs/your-api.md.
"""

from datetime import datetime

from airflow.sdk import dag

from include.tasks.context import asset, settings_form
from include.tasks.copying import RUN, commit, copy, count_rows, labelled, plan, verify
from include.transfer.dataset import Dataset

ANY = Dataset(name="my_api", batch_size=5_000)
SETTINGS = ANY.to_dict()


@dag(
    schedule=None,
    start_date=datetime(2026, 1, 1),
    params=settings_form(ANY),
    tags=["copy"],
    doc_md=__doc__,
)
def api_to_s3() -> None:
    counted = count_rows(SETTINGS)
    batches = plan(counted, SETTINGS, RUN)
    copied = (
        copy.override(pool="copies_large", max_active_tis_per_dagrun=4)
        .partial(dataset=SETTINGS, run=RUN)
        .expand(batch=batches.map(labelled))
    )
    verified = verify(batches, SETTINGS, RUN)
    committed = commit.override(outlets=[asset(ANY)])(verified, batches, SETTINGS, RUN)

    copied >> verified >> committed


api_to_s3()
