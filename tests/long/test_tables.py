"""On the stack: a copied dataset as a table of the catalog in its PostgreSQL, read by another engine."""

import duckdb
from pyiceberg.catalog import load_catalog

from services.local.airflow_env import local_connections
from services.local.stack import Stack
from tests.stack import manifest_of

FORM = {
    "name": "fires_table",
    "count_path": "/api/count_small",
    "rows_path": "/api/get_small",
    "batch_size": 5_000,
    "format": "parquet",
    "misfit": "fail",
    "table": "lake.fires",
    "keep_runs": 1,
    "force": True,
}


def test_a_copied_dataset_is_a_table_of_the_stacks_catalog(stack: Stack):
    runs = []
    for _ in range(2):
        runs.append(stack.trigger("api_to_s3", FORM))
        assert stack.wait(runs[-1], 300) == "success"
    manifest = manifest_of(stack, runs[-1])

    found = {each.conn_id: each.fields for each in local_connections(stack.ports, stack.credentials)}
    own, lake = found["lake_catalog"], found["locals3"]
    catalog = load_catalog(
        "lake_catalog",
        uri=own["extra"]["uri"].format(**own),
        **{
            "s3.endpoint": lake["extra"]["endpoint_url"],
            "s3.region": "us-east-1",
            "s3.access-key-id": lake["login"],
            "s3.secret-access-key": lake["password"],
        },
    )
    table = catalog.load_table("lake.fires")
    (snapshot,) = table.snapshots()  # the first went with its run
    assert snapshot.summary.additional_properties["wildfire-lake.run"] == manifest["run"]
    (read,) = (
        duckdb.from_arrow(table.scan().to_arrow()).aggregate("count(*), count(DISTINCT FOD_ID)").fetchall()
    )
    assert read == (manifest["rows"], manifest["rows"])
