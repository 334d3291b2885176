"""The DAGs under the real scheduler: LocalExecutor, PostgreSQL, SeaweedFS and the sample API together."""

import os
import re
import subprocess
import sys

import pytest

from services.local.airflow_api import Run
from services.local.stack import Stack
from tests.stack import copies, findings, manifest_of

ROWS = 20_000


@pytest.fixture(scope="module")
def small(stack: Stack) -> Run:
    """One finished run of the DAG that `make run` runs."""
    run = stack.trigger("wildfires_small_to_s3", {"force": True})
    assert stack.wait(run, 300) == "success"
    return run


def test_a_run_copies_every_row_and_commits_once(stack, small):
    manifest = manifest_of(stack, small)
    assert (manifest["rows"], len(manifest["receipts"])) == (ROWS, 4)
    assert findings(stack, small) == []
    assert [ti["rendered_map_index"] for ti in copies(stack, small)] == [
        "rows 0–4,999",
        "rows 5,000–9,999",
        "rows 10,000–14,999",
        "rows 15,000–19,999",
    ]
    assert {ti["pool"] for ti in copies(stack, small)} == {"copies_small"}


def test_the_commit_tells_of_the_manifest_in_one_asset_event(stack, small):
    events = stack.api.request("GET", "/assets/events", params={"source_dag_id": small.dag_id})
    (event,) = [event for event in events["asset_events"] if event["source_run_id"] == small.run_id]
    assert event["extra"]["manifest"] == stack.api.xcom(small, "commit")["manifest"]
    assert event["extra"]["rows"] == ROWS


def test_a_cleared_map_finds_its_rows_in_the_lake(stack, small):
    before, tried = manifest_of(stack, small), [ti["try_number"] for ti in copies(stack, small)]
    body = {
        "dry_run": False,
        "dag_run_id": small.run_id,
        "task_ids": [["copy", 1]],
        "include_downstream": True,
        "only_failed": False,
        "reset_dag_runs": True,
    }
    stack.api.request("POST", f"/dags/{small.dag_id}/clearTaskInstances", json=body)
    assert stack.wait(small, 300) == "success"

    again = [ti["try_number"] for ti in copies(stack, small)]
    assert again[1] > tried[1]
    assert [*again[:1], *again[2:]] == [*tried[:1], *tried[2:]]
    assert stack.api.xcom(small, "copy", 1)["reused"] is True
    assert manifest_of(stack, small) == before


def test_the_form_is_checked_before_a_run_is_made(stack):
    from services.local.errors import StackError

    with pytest.raises(StackError, match="batch_size"):
        stack.trigger("wildfires_to_s3", {"batch_size": 0})


def test_fires_per_year_and_the_doctor_end_well(stack):
    years = stack.trigger("wildfires_per_year", {"force": True})
    doctor = stack.trigger("lake_doctor", {})
    assert stack.wait(years, 300) == "success"
    assert stack.wait(doctor, 300) == "success"
    assert sum(stack.api.xcom(years, "total_per_year").values()) == ROWS


def test_an_unchanged_source_ends_as_a_success_and_tells_nobody(stack, small):
    again = stack.trigger("wildfires_small_to_s3", {})
    assert stack.wait(again, 300) == "success"
    states = {ti["task_id"]: ti["state"] for ti in stack.task_instances(again)}
    assert states == {
        "count_rows": "success",
        "plan": "skipped",
        "copy": "skipped",
        "verify": "skipped",
        "commit": "skipped",
    }
    standing = stack.api.xcom(again, "plan", key="unchanged")
    assert standing["manifest"] == stack.api.xcom(small, "commit")["manifest"]
    assert "UNCHANGED: the source still has 20000 rows" in stack.log(again, "plan")
    events = stack.api.request("GET", "/assets/events", params={"source_dag_id": small.dag_id})
    assert again.run_id not in {event["source_run_id"] for event in events["asset_events"]}


def test_a_run_is_read_back_as_the_documentation_says(stack, small):
    from services.local.home import PROJECT, Credentials

    shown = (PROJECT / "docs/how-it-works.md").read_text()
    command = re.search(r"\n(python -m include\.transfer verify \S+)\n", shown)[1]
    keys = Credentials.load(stack.home)
    store = {
        "AWS_ACCESS_KEY_ID": keys.s3_access_key,
        "AWS_SECRET_ACCESS_KEY": keys.s3_secret_key,
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{stack.ports.s3}",
        "AWS_REGION": "us-east-1",
    }
    arguments = command.replace("wildfires/", "wildfires_small/").split()[1:]
    done = subprocess.run(
        [sys.executable, *arguments], cwd=PROJECT, env=os.environ | store, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert f"{ROWS:,} rows in 4 objects" in done.stdout
