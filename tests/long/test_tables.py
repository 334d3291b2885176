"""On the stack: a copied dataset as a table of the catalog in its PostgreSQL, read by another engine."""

import duckdb
from pyiceberg.catalog import load_catalog

from include.transfer.store.bucket import Bucket
from services.local.airflow_env import local_connections
from services.local.stack import Stack
from tests.servers.iceberg import Days, catalog_in, read
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


def test_a_commit_stays_small_however_many_windows_there_are(store, bucket_name, tmp_path):
    """Each commit adds a window and replaces another, in tables of ever more manifests; these are merged."""
    catalog = catalog_in(tmp_path, store)
    days = Days(Bucket(store.client(), bucket_name), catalog)
    for day in range(50):
        days.add(day)
        days.rows[max(0, day - 1)]["acres"] += 1
        days.run(max(0, day - 1), day + 1)
    assert read(catalog) == days.rows
    table = catalog.catalog.load_table("lake.things")
    assert len(table.current_snapshot().manifests(table.io)) <= 20


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
