"""`airflow backfill create` under the real scheduler: each month is a partition, a run and a window."""

import subprocess
import sys

from services.local.stack import Stack
from tests.airflow_home import PROJECT
from tests.waiting import until

DAG = "wildfires_by_month"
COMMAND = ("backfill", "create", "--dag-id", DAG, "--from-date", "2003-05-01", "--to-date", "2003-06-01")


def runs_of(stack: Stack) -> dict[str, str]:
    found = stack.api.request("GET", f"/dags/{DAG}/dagRuns")["dag_runs"]
    return {run["partition_key"]: run["state"] for run in found}


def test_a_backfill_copies_each_of_its_months(stack):
    stack.api.wait_for_dag(DAG)
    stack.api.unpause(DAG)
    airflow = [sys.executable, "-m", "airflow", *COMMAND]
    subprocess.run(airflow, env=stack.environment(), cwd=PROJECT, check=True, timeout=120)
    until(lambda: not set(runs_of(stack).values()) & {"queued", "running"}, 300)
    stack.api.unpause(DAG, paused=True)
    assert runs_of(stack) == {"2003-05": "success", "2003-06": "success"}

    events = stack.api.request("GET", "/assets/events", params={"source_dag_id": DAG})["asset_events"]
    extras = {event["partition_key"]: event["extra"] for event in events}
    assert set(extras) == {"2003-05", "2003-06"}
    assert all(extra["rows"] > 0 for extra in extras.values())
    assert max(extra["watermark"] for extra in extras.values()) == "2003-07-01T00:00:00Z"
