"""Runs after runs: sources that stay, grow or change, old runs that go, and what a clear finds."""

import json

import pytest

from tests.dags.conftest import BUCKET, Lake
from tests.dags.test_runs import COLUMNS, rows_of
from tests.servers.faults import Fault

pytestmark = pytest.mark.usefixtures("lake")


def ids(lake: Lake, manifest: dict) -> list[str]:
    return [row["FOD_ID"] for row in rows_of(lake, manifest)]


def runs(lake: Lake) -> list[str]:
    return [manifest["run"] for manifest in lake.manifests()]


@pytest.mark.parametrize("rows", [0, 1, 5])
def test_an_unchanged_source_is_not_copied_again(lake, wildfires, rows):
    source = wildfires(rows)
    lake.connect_source(source)
    first = lake.run("wildfires_to_s3", batch_size=2)
    before = lake.written()
    source.requests.clear()
    again = lake.run("wildfires_to_s3", batch_size=2)

    assert again.state == "success"
    assert again.states == {
        "count_rows": ["success"],
        "plan": ["skipped"],
        "copy": ["skipped"],
        "verify": ["skipped"],
        "commit": ["skipped"],
    }
    assert source.row_requests == []
    assert lake.written() == before
    assert again.xcom("plan", key="unchanged") == {
        "manifest": first.xcom("commit")["manifest"],
        "run": first.xcom("commit")["run"],
        "rows": rows,
        "version": "v1",
    }
    assert again.xcom("commit") is None


def test_force_copies_all_the_same(lake, wildfires):
    source = wildfires(5)
    lake.connect_source(source)
    lake.run("wildfires_to_s3", batch_size=2)
    forced = lake.run("wildfires_to_s3", batch_size=2, force=True)
    assert forced.states["copy"] == ["success"] * 3
    assert len(runs(lake)) == 2


def test_a_changed_source_is_copied(lake, wildfires):
    source = wildfires(5)
    lake.connect_source(source)
    lake.run("wildfires_to_s3")
    source.version = "v2"
    assert lake.run("wildfires_to_s3").states["commit"] == ["success"]
    assert [manifest["source"]["version"] for manifest in lake.manifests()] == ["v1", "v2"]


def test_a_source_without_a_version_is_always_copied(lake, wildfires):
    source = wildfires(3)
    source.version = None
    lake.connect_source(source)
    assert [lake.run("wildfires_to_s3").states["commit"] for _ in range(2)] == [["success"]] * 2
    assert len(runs(lake)) == 2


def test_the_mapped_group_is_skipped_whole(lake, wildfires):
    source = wildfires(3)
    source.rows_path = "/api/get_for_columns"
    source.fault(Fault.rows(lambda rows: ({k: row[k] for k in COLUMNS} for row in rows)), times=None)
    lake.connect_source(source)
    assert lake.run("wildfires_per_year").state == "success"
    again = lake.run("wildfires_per_year")
    assert again.state == "success"
    assert {state for task, states in again.states.items() for state in states if task != "count_rows"} == {
        "skipped"
    }


def test_a_cleared_run_repairs_itself_though_the_source_is_unchanged(lake, wildfires):
    lake.connect_source(wildfires(6))
    first = lake.run("wildfires_to_s3", batch_size=2)
    lake.run("wildfires_to_s3", batch_size=2, force=True)
    (manifest, _) = lake.manifests()
    lake.client.remove_object(BUCKET, manifest["receipts"][1]["key"])
    again = lake.run("wildfires_to_s3", moment=first.moment, batch_size=2)
    assert again.states["commit"] == ["success"]
    assert ids(lake, lake.manifests()[0]) == [str(n) for n in range(6)]


def grow(source, to: int, request_number: int = 2, version: str = "v2") -> None:
    """Let the source grow when the second copy asks for its rows; which one that is, Airflow decides."""

    def happen(request):
        if len(source.row_requests) == request_number:
            source.count, source.version = to, version
        return False

    source.fault(Fault.reset(), times=None, when=happen)


def test_growth_is_named_and_fails_the_run(lake, wildfires):
    source = wildfires(4)
    lake.connect_source(source)
    grow(source, to=5)
    ran = lake.run("wildfires_to_s3", batch_size=2)
    assert ran.states["verify"] == ["failed"]
    assert lake.manifests() == []
    count, versions = ran.xcom("verify", key="findings")
    assert "4 → 5 rows, version v1 → v2" in count
    assert "rows 0–1 at version v" in versions
    assert "rows 2–3 at version v" in versions


def test_growth_is_followed_on_request(lake, wildfires):
    source = wildfires(4)
    lake.connect_source(source)
    grow(source, to=9)
    ran = lake.run("wildfires_to_s3", batch_size=2, on_drift="append")

    assert ran.state == "success"
    (manifest,) = lake.manifests()
    assert ids(lake, manifest) == [str(n) for n in range(9)]
    assert (manifest["drift"]["planned"], manifest["drift"]["verified"]) == (
        {"count": 4, "version": "v1"},
        {"count": 9, "version": "v2"},
    )
    assert ran.xcom("commit")["rows"] == 9

    # What was put together from two versions does not stand for one of them.
    following = lake.run("wildfires_to_s3", batch_size=2)
    assert following.states["commit"] == ["success"]
    assert lake.manifests()[1]["drift"] is None


def test_the_years_of_an_appended_tail_are_counted_too(lake, wildfires):
    source = wildfires(4)
    source.rows_path = "/api/get_for_columns"
    lake.connect_source(source)
    grow(source, to=50, request_number=1)
    source.fault(Fault.rows(lambda rows: ({k: row[k] for k in COLUMNS} for row in rows)), times=None)
    ran = lake.run("wildfires_per_year", on_drift="append")
    assert ran.state == "success"
    assert sum(ran.xcom("total_per_year").values()) == 50


def test_old_runs_go_and_the_newest_stay(lake, wildfires):
    lake.connect_source(wildfires(3))
    names = [lake.run("wildfires_to_s3", force=True).xcom("commit")["run"] for _ in range(3)]
    last = lake.run("wildfires_to_s3", force=True, keep_runs=2)

    assert last.xcom("commit")["removed"] == names[:2]
    assert runs(lake) == [names[2], last.xcom("commit")["run"]]
    assert not [key for key in lake.objects() if key.startswith(f"wildfires/{names[0]}/")]
    assert json.loads(lake.read("wildfires/_latest.json"))["run"] == runs(lake)[1]


def test_a_plan_changed_between_a_failure_and_its_clear(lake, wildfires):
    """The source grew while the first attempt failed: the same run is planned anew, with other batches."""
    source = wildfires(6)
    lake.connect_source(source)
    source.fault(Fault.status(404), times=None, when=lambda request: request.query.get("start") == "4")
    first = lake.run("wildfires_to_s3", batch_size=2)
    assert first.state == "failed"
    source.heal()
    source.count, source.version = 11, "v2"
    again = lake.run("wildfires_to_s3", moment=first.moment, batch_size=3)

    assert again.state == "success"
    (manifest,) = lake.manifests()
    assert ids(lake, manifest) == [str(n) for n in range(11)]
    assert {receipt["source_version"] for receipt in manifest["receipts"]} == {"v2"}
    starts = {
        key.rpartition("data_from_")[2].partition(".")[0] for key in lake.objects() if "data_from" in key
    }
    assert starts == {"0", "3", "6", "9"}


def test_another_dag_is_refused_before_it_copies_and_retires_nothing(lake, wildfires):
    source = wildfires(3)
    lake.connect_source(source)
    lake.run("wildfires_to_s3")
    before = lake.written()
    source.requests.clear()
    typo = {"name": "wildfires", "count_path": "/api/count", "rows_path": "/api/get", "keep_runs": 1}
    refused = lake.run("api_to_s3", conn_id="wildfires_api", force=True, **typo)
    assert refused.states["plan"] == ["failed"]
    assert source.row_requests == []
    assert lake.written() == before
