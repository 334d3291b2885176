"""Load: what a manifest names, and only that, into the warehouse, each value as it was."""

import json
from itertools import pairwise

import pytest

from include.wildfires import WILDFIRE_TYPES
from tests.report.rows import fire, fires
from tests.report.views import in_warehouse, loaded_run, tables
from tests.waiting import until

SETTINGS = [
    {"format": "csv"},
    {"format": "csv", "compression": "gzip"},
    {"format": "csv", "compression": "zstd"},
    {"format": "ndjson"},
    {"format": "ndjson", "compression": "gzip"},
    {"format": "ndjson", "compression": "zstd"},
    {"format": "parquet"},
]


@pytest.mark.parametrize("settings", SETTINGS, ids=lambda each: "-".join(each.values()))
def test_every_value_arrives_as_it_was_in_every_format(load, commit, warehouse, settings):
    rows = fires(25)
    answer = load(commit(rows, batch=10, **settings))
    assert (answer["rows"], answer["objects"], answer["loaded"]) == (25, 3, True)
    assert in_warehouse(warehouse) == rows


# Which run is in the warehouse ---------------------------------------------------------------------------


def test_only_what_the_manifest_names_is_loaded(load, commit, warehouse):
    run = commit(fires(4), batch=2)
    run.put("data_from_4.csv", run.get("data_from_2.csv"))
    run.put("_report/index.html", b"a report")
    assert load(run)["rows"] == 4
    assert in_warehouse(warehouse) == fires(4)


def test_of_a_run_by_windows_one_month_is_loaded_and_no_other_object_is_there(load, commit, warehouse):
    run = commit(fires(6), batch=2, dataset="wildfires_by_month")
    receipts, months = run.manifest["receipts"], ["20150101", "20150201", "20150301", "20150401"]
    for receipt, *ends in zip(receipts, months, months[1:], strict=False):
        content, name = run.get(receipt["key"].rpartition("/")[2]), f"data_{ends[0]}_{ends[1]}.csv"
        run.client.remove_object(run.bucket, receipt["key"])
        if ends[0] == "20150201":
            run.put(name, content)
        receipt |= {"key": f"{run.folder}/{name}", "start": 0}
    days = [f"{each[:4]}-{each[4:6]}-01T00:00:00Z" for each in months]
    windows = [{"since": since, "until": until, "rows": 2} for since, until in pairwise(days)]
    run.manifest |= {"windows": windows, "base": 0}
    run.commit()
    answer = load(run, partition="2015-02")
    assert (answer["rows"], answer["objects"], answer["loaded"]) == (2, 1, True)
    assert in_warehouse(warehouse, "wildfires_by_month") == fires(4)[2:]
    assert load(run, partition="2015-02")["loaded"] is False
    assert "error" in load(run, partition="2015-03")
    assert "error" in load(run)


def test_a_run_that_is_loaded_is_not_loaded_again(load, commit, warehouse):
    run = commit(fires(4))
    assert load(run)["loaded"] is True
    before = loaded_run(warehouse)
    again = load(run)
    assert (again["loaded"], again["rows"]) == (False, 4)
    assert loaded_run(warehouse) == before

    assert load(run, force=True)["loaded"] is True
    assert loaded_run(warehouse)["loaded_at"] > before["loaded_at"]


def test_rows_that_were_changed_in_the_warehouse_are_loaded_again(load, commit, warehouse):
    run = commit(fires(4))
    load(run)
    warehouse.query("DELETE FROM wildfires_small.fires WHERE fod_id = 1")
    assert load(run)["loaded"] is True
    assert in_warehouse(warehouse) == fires(4)


def test_another_run_takes_the_place_of_the_one_before(load, commit, warehouse):
    load(commit(fires(4)))
    newer = commit(fires(7), run="20260101T000001-00000000")
    assert load(newer)["loaded"] is True
    assert in_warehouse(warehouse) == fires(7)
    assert loaded_run(warehouse)["manifest"] == newer.uri
    assert tables(warehouse) == {"fires", "loaded_run"}


def test_datasets_do_not_meet(load, commit, warehouse):
    load(commit(fires(4)))
    load(commit(fires(6), dataset="wildfires"))
    assert in_warehouse(warehouse) == fires(4)
    assert in_warehouse(warehouse, "wildfires") == fires(6)


def test_a_run_of_no_rows_is_an_empty_table(load, commit, warehouse):
    load(commit(fires(4)))
    answer = load(commit([], run="20260101T000001-00000000"))
    assert (answer["rows"], answer["objects"], answer["loaded"]) == (0, 0, True)
    assert in_warehouse(warehouse) == []
    assert loaded_run(warehouse)["rows"] == 0


def test_what_a_killed_load_left_is_in_nobodys_way(load, commit, warehouse):
    load(commit(fires(4)))
    warehouse.query("CREATE TABLE wildfires_small.fires_incoming (half integer)")
    load(commit(fires(5), run="20260101T000001-00000000"))
    assert in_warehouse(warehouse) == fires(5)
    assert tables(warehouse) == {"fires", "loaded_run"}


def test_the_types_are_the_contracts(load, commit, warehouse):
    load(commit([]))
    found = dict(
        warehouse.query(
            "SELECT column_name, data_type FROM information_schema.columns "
            "WHERE table_schema = 'wildfires_small' AND table_name = 'fires'"
        )
    )
    names = {"string": "text", "int64": "bigint", "double": "double precision"}
    assert found == {column.lower(): names[kind] for column, kind in WILDFIRE_TYPES.items()}


# Two at once, and many rows -----------------------------------------------------------------------------

LOAD = """
import json, sys
from include.astro_sdk.entry import load
print("answer", json.dumps(load(sys.argv[1], "warehouse", False)))
"""


def start(sdk, run):
    """A load in a process of its own."""
    import os
    import subprocess

    from tests.report.conftest import PROJECT, SDK

    environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "PYTHONPATH": str(PROJECT)}
    return subprocess.Popen(
        [SDK, "-c", LOAD, run.uri], env=environment | sdk.environment, stdout=subprocess.PIPE, text=True
    )


def answer_of(process):
    output, _ = process.communicate(timeout=600)
    assert process.returncode == 0, output
    return json.loads(output.rpartition("answer ")[2])


def test_two_loads_of_one_run_at_once_load_it_once(commit, sdk, warehouse):
    run = commit(fires(3000), batch=300)
    answers = [answer_of(process) for process in [start(sdk, run), start(sdk, run)]]
    assert sorted(answer["loaded"] for answer in answers) == [False, True]
    assert in_warehouse(warehouse) == fires(3000)
    assert tables(warehouse) == {"fires", "loaded_run"}


def test_a_load_that_is_killed_is_made_good_by_the_next(load, commit, sdk, warehouse):
    load(commit(fires(3)))
    run = commit(fires(6000), batch=100, run="20260101T000001-00000000")
    process = start(sdk, run)
    until(lambda: "fires_incoming" in tables(warehouse))
    process.kill()
    process.communicate()
    assert in_warehouse(warehouse) == fires(3)
    assert load(run)["loaded"] is True
    assert in_warehouse(warehouse) == fires(6000)


def test_a_loads_memory_does_not_follow_its_objects_rows(commit, sdk):
    peaks = {}
    for rows in (40_000, 120_000):
        run = commit([fire(number) for number in range(rows)], batch=rows, run=f"{rows}")
        peaks[rows] = answer_of(start(sdk, run))["peak_rss_mb"]
    assert peaks[120_000] < peaks[40_000] * 1.1, peaks
