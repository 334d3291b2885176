"""Whole runs of the copy DAGs: what is in the lake when they end, well or badly."""

import csv
import hashlib
import io
import json

import pytest

from tests.dags.conftest import Lake, wildfire
from tests.lake_keys import unmarked
from tests.servers.faults import Fault

pytestmark = pytest.mark.usefixtures("lake")


def rows_of(lake: Lake, manifest: dict) -> list[dict[str, str]]:
    """Every row of a committed CSV run, in the manifest's order."""
    found: list[dict[str, str]] = []
    for receipt in manifest["receipts"]:
        data = lake.read(receipt["key"])
        assert hashlib.sha256(data).hexdigest() == receipt["sha256"]
        assert len(data) == receipt["bytes"]
        found += csv.DictReader(io.StringIO(data.decode(), newline=""))
    return found


@pytest.mark.parametrize(
    ("rows", "batches"), [(0, []), (1, ["rows 0–0"]), (5, ["rows 0–1", "rows 2–3", "rows 4–4"])]
)
def test_nothing_one_and_many_batches_end_committed(lake, wildfires, rows, batches):
    source = wildfires(rows)
    lake.connect_source(source)
    ran = lake.run("wildfires_to_s3", batch_size=2)

    assert ran.state == "success"
    (manifest,) = lake.manifests()
    assert (manifest["rows"], manifest["source"]["version"]) == (rows, "v1")
    assert [row["FOD_ID"] for row in rows_of(lake, manifest)] == [str(n) for n in range(rows)]
    if rows:
        assert ran.labels("copy") == batches
        assert ran.states["copy"] == ["success"] * len(batches)
    else:
        assert ran.states["copy"] == ["skipped"]
    assert ran.xcom("commit")["rows"] == rows


def test_the_manifest_says_what_the_lake_holds(lake, wildfires):
    source = wildfires(5)
    lake.connect_source(source)
    lake.run("wildfires_to_s3", batch_size=2)

    (manifest,) = lake.manifests()
    prefix = f"wildfires/{manifest['run']}"
    assert set(map(unmarked, lake.objects())) == {
        "wildfires/_latest.json",
        "wildfires/_log/000000000001.json",
        "wildfires/_owner.json",
        f"{prefix}/_manifest.json",
        f"{prefix}/_plan.json",
        *(f"{prefix}/_receipts/data_from_{start}.{kind}" for start in (0, 2, 4) for kind in ("json", "rows")),
        *(f"{prefix}/data_from_{start}.csv" for start in (0, 2, 4)),
    }
    assert json.loads(lake.read("wildfires/_latest.json"))["run"] == manifest["run"]
    assert manifest["source"] == {"url": f"{source.url}/api/get", "count": 5, "version": "v1"}
    assert (manifest["format"], manifest["compression"], manifest["batch_size"]) == ("csv", "none", 2)
    assert manifest["columns"] == list(wildfire(0))
    first = rows_of(lake, manifest)[0]
    assert (first["FIRE_NAME"], first["SOURCE_REPORTING_UNIT"]) == ('SMITH, "J"', "00")


def test_rows_missing_from_the_source_leave_no_manifest(lake, wildfires):
    source = wildfires(6)
    lake.connect_source(source)
    source.fault(Fault.fewer_rows(2), times=None, when=lambda request: request.query.get("start") == "4")
    source.fault(Fault.fewer_rows(2), times=None, when=lambda request: request.query.get("start") == "5")
    ran = lake.run("wildfires_to_s3", batch_size=2)

    assert ran.state == "failed"
    assert ran.states["copy"] == ["success", "success", "failed"]
    assert ran.states["verify"] == ["upstream_failed"]
    assert lake.manifests() == []


def test_a_source_that_grows_during_the_run_is_not_committed(lake, wildfires):
    source = wildfires(4)
    lake.connect_source(source)

    def grow(request):
        if request.query.get("start") == "2":
            source.count, source.version = 5, "v2"
        return False

    source.fault(Fault.reset(), times=None, when=grow)
    ran = lake.run("wildfires_to_s3", batch_size=2)

    assert ran.state == "failed"
    assert ran.states["copy"] == ["success", "success"]
    assert ran.states["verify"] == ["failed"]
    assert lake.manifests() == []


def test_the_same_run_again_moves_nothing(lake, wildfires):
    source = wildfires(5)
    lake.connect_source(source)
    first = lake.run("wildfires_to_s3", batch_size=2)
    before = lake.written()
    source.requests.clear()
    again = lake.run("wildfires_to_s3", moment=first.moment, batch_size=2)

    assert again.state == "success"
    behind, *reread = [request.query["start"] for request in source.row_requests]
    assert behind == "5"
    assert {"0", "4"} <= set(reread) <= {"0", "2", "4"}
    assert all(again.xcom("copy", n)["reused"] for n in range(3))
    assert {
        k: lake.client.stat_object("task-mapping-api-data", k).last_modified for k in lake.objects()
    } == before


def test_only_the_batch_that_is_damaged_is_copied_again(lake, wildfires):
    source = wildfires(6)
    lake.connect_source(source)
    first = lake.run("wildfires_to_s3", batch_size=2)
    (manifest,) = lake.manifests()
    lake.client.remove_object("task-mapping-api-data", manifest["receipts"][1]["key"])
    source.requests.clear()
    again = lake.run("wildfires_to_s3", moment=first.moment, batch_size=2)

    assert again.state == "success"
    assert [request.query["start"] for request in source.row_requests][:2] == ["2", "6"]
    (healed,) = lake.manifests()
    assert [r["sha256"] for r in healed["receipts"]] == [r["sha256"] for r in manifest["receipts"]]


def test_the_same_run_with_another_plan_leaves_no_object_of_the_old_one(lake, wildfires):
    source = wildfires(6)
    lake.connect_source(source)
    first = lake.run("wildfires_to_s3", batch_size=2)
    again = lake.run("wildfires_to_s3", moment=first.moment, batch_size=3)

    assert again.state == "success"
    (manifest,) = lake.manifests()
    assert [row["FOD_ID"] for row in rows_of(lake, manifest)] == [str(n) for n in range(6)]
    data = [key for key in lake.objects() if "/data_from_" in key and "_receipts" not in key]
    assert sorted(data) == sorted(receipt["key"] for receipt in manifest["receipts"])


def test_two_runs_do_not_share_a_folder(lake, wildfires):
    lake.connect_source(wildfires(1))
    lake.run("wildfires_to_s3")
    lake.run("wildfires_to_s3", force=True)
    runs = [manifest["run"] for manifest in lake.manifests()]
    assert len(set(runs)) == 2
    assert json.loads(lake.read("wildfires/_latest.json"))["run"] == max(runs)


@pytest.mark.parametrize(
    ("format_", "compression", "suffix"),
    [("ndjson", "gzip", ".ndjson.gz"), ("csv", "zstd", ".csv.zst"), ("parquet", "none", ".parquet")],
)
def test_the_forms_format_decides_the_objects(lake, wildfires, format_, compression, suffix):
    lake.connect_source(wildfires(3))
    ran = lake.run("wildfires_to_s3", format=format_, compression=compression)
    assert ran.state == "success"
    (manifest,) = lake.manifests()
    assert unmarked(manifest["receipts"][0]["key"]).endswith(f"/data_from_0{suffix}")
    assert (manifest["format"], manifest["compression"], manifest["rows"]) == (format_, compression, 3)


def test_a_plan_never_maps_more_often_than_airflow_allows(lake, wildfires, monkeypatch):
    monkeypatch.setenv("AIRFLOW__CORE__MAX_MAP_LENGTH", "2")
    lake.connect_source(wildfires(10))
    ran = lake.run("wildfires_to_s3", batch_size=1)
    assert ran.state == "success"
    assert ran.labels("copy") == ["rows 0–4", "rows 5–9"]


def test_settings_that_cannot_work_fail_before_anything_is_copied(lake, wildfires):
    source = wildfires(3)
    lake.connect_source(source)
    ran = lake.run("wildfires_to_s3", format="parquet", compression="gzip")
    assert ran.state == "failed"
    assert source.row_requests == []
    assert lake.objects() == []


def test_a_source_that_is_not_there_fails_the_count(lake, wildfires):
    source = wildfires(1)
    source.fault(Fault.status(404), times=None, when=lambda request: True)
    lake.connect_source(source)
    ran = lake.run("wildfires_to_s3")
    assert ran.state == "failed"
    assert ran.states["count_rows"] == ["failed"]
    assert lake.objects() == []


def test_a_count_that_is_told_to_wait_an_hour_is_left_to_airflow(lake, wildfires):
    source = wildfires(1)
    source.fault(Fault.status(503, Retry_After="3600"), times=None, when=lambda request: True)
    lake.connect_source(source)
    ran = lake.run("wildfires_to_s3")
    assert ran.states["count_rows"] == ["failed"]
    assert len(source.requests) == 4  # one an attempt: none waits in its pool slot
    assert lake.objects() == []


@pytest.mark.parametrize("rows", [0, 1, 50])
def test_fires_per_year_add_up_to_the_committed_rows(lake, wildfires, rows):
    source = wildfires(rows)
    lake.connect_source(source)
    source.rows_path = "/api/get_for_columns"
    source.fault(
        Fault.rows(lambda served: ({k: row[k] for k in COLUMNS} for row in served)),
        times=None,
    )
    ran = lake.run("wildfires_per_year")

    assert ran.state == "success"
    expected: dict[str, int] = {}
    for index in range(rows):
        year = str(wildfire(index)["FIRE_YEAR"])
        expected[year] = expected.get(year, 0) + 1
    assert ran.xcom("total_per_year") == expected
    (manifest,) = lake.manifests()
    assert (manifest["rows"], manifest["columns"]) == (rows, list(COLUMNS))


COLUMNS = ("FOD_ID", "FIRE_YEAR", "STATE", "STAT_CAUSE_DESCR", "FIRE_SIZE")


def test_the_doctor_finds_nothing_where_all_is_well(lake, wildfires):
    source = wildfires(2)
    source.count_path, source.rows_path = "/api/count_small", "/api/get_small"
    lake.connect_source(source)
    ran = lake.run("lake_doctor")
    assert ran.state == "success"
    assert "multipart: works" in " ".join(ran.xcom("check_store"))
    assert "count: 2 rows, version v1" in ran.xcom("check_source")
    assert lake.objects() == []


def test_the_doctor_looks_at_a_source_that_numbers_its_pages(lake, source):
    lake.connect_source(source([{"id": 1}] * 7, page_name="page", page_size_name="limit", first_page=1))
    pages = {"paging": {"style": "page", "size": 5}, "rows_path": "/api/get"}
    ran = lake.run("lake_doctor", total="probe", **pages)
    assert "count: 7 rows, version None" in ran.xcom("check_source")


def test_the_doctor_names_what_is_wrong(lake, wildfires, store):
    lake.connect_source(wildfires(2))  # has no /api/count_small
    extra = {"endpoint_url": store.endpoint, "region_name": "us-east-1"}
    lake.connect("LOCALS3", conn_type="aws", login=store.access_key, password="wrong", extra=extra)
    ran = lake.run("lake_doctor")
    assert ran.states["check_source"] == ["failed"]
    assert ran.states["check_store"] == ["failed"]
    assert ran.states["check_machine"] == ["success"]
