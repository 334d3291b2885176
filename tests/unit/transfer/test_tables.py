"""A dataset's table in an Iceberg catalog: what it shows is what the commit log says, whatever happens."""

import pytest

from include.transfer.publish.catalog import CatalogSettings
from include.transfer.publish.storage import with_storage
from include.transfer.publish.table import LakeTable
from include.transfer.store.options import Settings

duckdb = pytest.importorskip("duckdb")
ROWS = [{"id": n, "name": f"fire {n}", "acres": n / 2} for n in range(25)]
NAMES = [f"2026010{day}T000000-{day}" for day in range(1, 7)]


@pytest.fixture
def catalog(store, tmp_path):
    """A catalog in a database of the test's own, and the test's store for all files."""
    own = {"type": "sql", "uri": f"sqlite:///{tmp_path}/catalog.db"}
    keys = (store.access_key, store.secret_key, None)
    return CatalogSettings(with_storage(own, Settings(store.endpoint, None, keys)))


@pytest.fixture
def make(source, make_run, catalog):
    """One run of a dataset with a table, and that."""

    def make(rows=ROWS, run=NAMES[0], **settings):
        made = make_run(source(rows), run=run, format="parquet", table="lake.things", **settings)
        return made, LakeTable(made.dataset, made.bucket, catalog)

    return make


def ids(catalog):
    """What DuckDB reads of the table through Arrow."""
    things = catalog.catalog.load_table("lake.things").scan().to_arrow()
    return [row[0] for row in duckdb.sql("SELECT id FROM things ORDER BY id").fetchall()]


def test_another_engine_reads_what_was_committed(make, catalog):
    run, table = make()
    run.whole(table=table)
    things = catalog.catalog.load_table("lake.things").scan().to_arrow()
    total = duckdb.sql("SELECT count(*), sum(acres), min(name), max(name) FROM things").fetchall()
    assert total == [(25, 150.0, "fire 0", "fire 9")]
    assert sorted(things.to_pylist(), key=lambda row: row["id"]) == ROWS
