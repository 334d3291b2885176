"""Load: what is not as the manifest says, and servers that do not answer. Readers keep the run before."""

import json

import pytest

from tests.report.rows import fire, fires
from tests.report.views import in_warehouse, tables

# What is not as the manifest says ------------------------------------------------------------------------


@pytest.fixture
def damaged(load, commit, warehouse):
    """Load a run after `damage` was done to it: it fails, and readers still see the run before."""

    def check(damage, **settings):
        load(commit(fires(3)))
        run = commit(fires(6), batch=3, run="20260101T000001-00000000", **settings)
        damage(run)
        answer = load(run)
        assert in_warehouse(warehouse) == fires(3)
        assert tables(warehouse) <= {"fires", "loaded_run", "fires_incoming"}
        assert answer["error"] == "RunDamaged"
        return str(answer)

    return check


def test_a_changed_object_is_refused_before_a_row_of_it_counts(damaged):
    def flip(run):
        content = bytearray(run.get("data_from_3.csv"))
        content[-2] ^= 1
        run.put("data_from_3.csv", bytes(content))

    assert "SHA-256" in damaged(flip)


def test_a_shorter_object_is_refused(damaged):
    text = damaged(lambda run: run.put("data_from_3.csv", run.get("data_from_3.csv")[:-10]))
    assert "bytes" in text


def test_a_missing_object_is_named(damaged):
    text = damaged(
        lambda run: run.client.remove_object(run.bucket, f"{run.folder}/data_from_3.csv"),
    )
    assert "it is not in the store" in text


def lines_changed(change):
    """Damage that a hash does not show: the manifest vouches for the changed bytes."""

    def damage(run):
        content = run.get("data_from_3.csv").decode()
        run.replace(1, change(content).encode())

    return damage


def swapped(text):
    """The first two columns change places, as when an API reorders them."""
    import csv
    import io

    rows = [[row[1], row[0], *row[2:]] for row in csv.reader(io.StringIO(text))]
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (swapped, "in another order"),
        (lambda text: text.replace("FOD_ID", "EXTRA,FOD_ID", 1), "unexpected ['EXTRA']"),
        (lambda text: text.replace("FOD_ID,", "", 1), "missing ['FOD_ID']"),
        (lambda text: text.partition("\n")[2], "columns are missing"),
        (lambda text: "", "columns are missing"),
        (lambda text: text.partition("\n")[0] + "\n", "Empty CSV file"),
        (lambda text: text + text.partition("\n")[2], "holds 6 rows"),
        (lambda text: text.replace("\n04,", "\n4x,").replace("\n4,", "\n4x,"), "cannot be read as csv"),
        (lambda text: text.replace("\n4,", "\n4,more,"), "cannot be read as csv"),
    ],
    ids=["reordered", "extra", "missing", "no-header", "empty", "no-rows", "twice", "no-number", "long-row"],
)
def test_a_csv_object_that_is_not_what_it_should_be(damaged, change, said):
    assert said in damaged(lines_changed(change))


def test_text_that_is_no_utf8(damaged):
    assert "csv" in damaged(
        lambda run: run.replace(1, run.get("data_from_3.csv").replace(b"padded", b"p\xffdded"))
    )


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda text: text.replace('"FOD_ID"', '"EXTRA"', 1), "unexpected ['EXTRA']"),
        (lambda text: text.replace('{"FOD_ID"', '{"EXTRA": 1, "FOD_ID"'), "unexpected ['EXTRA']"),
        (lambda text: text.replace('"FOD_ID":4', '"FOD_ID":"4"'), "cannot be read as ndjson"),
        (lambda text: text[:-20], "cannot be read as ndjson"),
        (lambda text: "", "Empty JSON stream"),
        (lambda text: "[1]\n", "columns are missing"),
    ],
    ids=["renamed", "extra", "text-for-number", "cut", "empty", "no-object"],
)
def test_an_ndjson_object_that_is_not_what_it_should_be(damaged, change, said):
    def damage(run):
        run.replace(1, change(run.get("data_from_3.ndjson").decode()).encode())

    assert said in damaged(damage, format="ndjson")


def test_a_parquet_object_with_reordered_columns(damaged):
    import io

    import pyarrow.parquet

    def damage(run):
        table = pyarrow.parquet.read_table(io.BytesIO(run.get("data_from_3.parquet")))
        out = io.BytesIO()
        pyarrow.parquet.write_table(table.select(table.schema.names[::-1]), out)
        run.replace(1, out.getvalue())

    assert "in another order" in damaged(damage, format="parquet")


@pytest.mark.parametrize("compression", ["gzip", "zstd"])
def test_a_compressed_object_that_breaks_off(damaged, compression):
    name = {"gzip": "data_from_3.csv.gz", "zstd": "data_from_3.csv.zst"}[compression]
    text = damaged(lambda run: run.replace(1, run.get(name)[:-30]), compression=compression)
    assert "cannot be read" in text or "columns" in text


def test_a_manifest_that_says_more_rows_than_its_objects_hold(damaged):
    def damage(run):
        run.manifest["rows"] += 1
        run.commit()

    assert "add up to 6" in damaged(damage)


def test_a_run_that_was_removed_since_its_event(load, commit):
    run = commit(fires(3))
    run.client.remove_object(run.bucket, f"{run.folder}/_manifest.json")
    answer = load(run)
    assert answer["error"] == "RunGone"
    assert "removed since" in str(answer)


# Servers that do not answer, and who may not ------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"password": "canary-of-a-password"}, "WarehouseRefused"),
        ({"login": "nobody", "password": "canary-of-a-password"}, "WarehouseRefused"),
        ({"schema": "nowhere"}, "WarehouseRefused"),
        ({"schema": "postgres"}, "WarehouseRefused"),
        ({"port": 9}, "WarehouseUnavailable"),
        ({"host": "no-such-host.invalid"}, "WarehouseUnavailable"),
    ],
    ids=["password", "login", "database", "another-database", "port", "host"],
)
def test_a_warehouse_that_cannot_be_used(load, commit, sdk, warehouse, change, kind):
    run = commit(fires(3))
    sdk.environment["AIRFLOW_CONN_WAREHOUSE"] = json.dumps(warehouse.connection | change)
    answer = load(run)
    assert answer["error"] == kind
    assert "connection warehouse" in str(answer)
    assert "canary-of-a-password" not in str(answer) + sdk.log


def test_a_warehouse_in_which_nothing_may_be_made(load, commit, warehouse):
    warehouse.administer("REVOKE CREATE ON DATABASE warehouse FROM warehouse")
    try:
        answer = load(commit(fires(3)))
    finally:
        warehouse.administer("GRANT CREATE ON DATABASE warehouse TO warehouse")
    assert answer["error"] == "WarehouseRefused"
    assert "permission denied" in str(answer)


def test_a_value_that_the_warehouse_cannot_hold(load, commit, warehouse):
    answer = load(commit([fire(1, FIRE_NAME="a\0b")]))
    assert answer["error"] == "WarehouseRefused"
    assert "0x00" in str(answer)


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"password": "canary-of-a-key"}, "StoreRefused"),
        ({"extra": {"endpoint_url": "http://127.0.0.1:9"}}, "StoreUnavailable"),
    ],
    ids=["key", "port"],
)
def test_a_store_that_cannot_be_used(load, commit, sdk, change, kind):
    run = commit(fires(3))
    connection = json.loads(sdk.environment["AIRFLOW_CONN_LOCALS3"]) | change
    sdk.environment["AIRFLOW_CONN_LOCALS3"] = json.dumps(connection)
    answer = load(run)
    assert answer["error"] == kind
    assert "locals3" in str(answer)
    assert "canary-of-a-key" not in str(answer) + sdk.log


def test_no_password_is_in_anything_that_the_loads_printed(load, commit, sdk, warehouse, store):
    load(commit(fires(3)))
    assert "fires" in sdk.log
    for secret in (warehouse.password, store.secret_key):
        assert secret not in sdk.log
