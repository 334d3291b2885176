"""A dataset with a table through Airflow: its catalog is a connection, and what fails there loses nothing."""

import pytest

from include.transfer.publish.catalog import CatalogSettings

ROWS = [{"id": n, "acres": n / 2} for n in range(30)]
FORM = {"name": "fires", "conn_id": "fires_api", "batch_size": 10, "misfit": "fail"}
FORM |= {"format": "parquet", "table": "lake.fires"}


@pytest.fixture
def fires(lake, source):
    lake.connect_source(source(ROWS), "fires_api")
    return lake


def rows_in(uri, store):
    keys = {"s3.access-key-id": store.access_key, "s3.secret-access-key": store.secret_key}
    catalog = CatalogSettings({"uri": uri, "s3.endpoint": store.endpoint, "s3.region": "us-east-1", **keys})
    rows = catalog.catalog.load_table("lake.fires").scan().to_arrow().to_pylist()
    return sorted(rows, key=lambda row: row["id"])


def test_a_catalog_that_was_away_is_caught_up_with_by_another_try(fires, store, tmp_path):
    nowhere = fires.run("api_to_s3", **FORM)
    assert nowhere.states["plan"] == ["failed"]  # there is no connection
    assert fires.manifests() == []

    extra = {"type": "sql", "uri": "sqlite:///{schema}"}
    fires.connect("lake_catalog", conn_type="generic", schema="/nowhere/at/all.db", extra=extra)
    run = fires.run("api_to_s3", **FORM)
    assert run.states["commit"] == ["failed"]
    (manifest,) = fires.manifests()
    assert manifest["rows"] == 30

    fires.connect("lake_catalog", conn_type="generic", schema=f"{tmp_path}/catalog.db", extra=extra)
    again = fires.run("api_to_s3", run.moment, **FORM)
    assert again.state == "success"
    assert again.xcom("commit")["run"] == manifest["run"]
    assert rows_in(f"sqlite:///{tmp_path}/catalog.db", store) == ROWS
