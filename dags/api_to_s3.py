"""
### Any API into the lake, without code

Make a connection of type http (host, port, login; a token as a header in its extra:
`{"Authorization": "Bearer …"}`), then trigger this DAG and fill in where the rows are. Offsets or pages,
rows under a key, the total in the body or in a header: each is a field of the form. As they stand, the fields
copy the sample API.

The commit updates the asset of the dataset that the form names, through the alias `api_to_s3`. What is copied
every day deserves a DAG of its own: see docs/your-api.md.
"""

from datetime import datetime

from airflow.sdk import AssetAlias, dag

from include.lake import Dataset, copy_to_lake, settings_form

ANY = Dataset(name="my_api", batch_size=5_000, misfit="rescue")


@dag(
    dag_display_name="Any API to S3",
    description="Copies the API that the trigger form describes",
    schedule=None,
    start_date=datetime(2026, 1, 1),
    params=settings_form(ANY),
    tags=["copy"],
    doc_md=__doc__,
)
def api_to_s3() -> None:
    copy_to_lake(ANY, pool="copies_large", max_active_copies=4, outlet=AssetAlias("api_to_s3"))


api_to_s3()
