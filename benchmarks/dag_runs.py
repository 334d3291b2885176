"""Whole runs on LocalExecutor: this project's DAG, and those it is compared with (dags/compared.py)."""

import contextlib
import os
import random
import shutil
from datetime import datetime
from statistics import median
from typing import Any

import psutil

from benchmarks import environments, row_check
from benchmarks.bars import BARE_DAG, COPY_DAG, NO_OP_DAG, SEED_DAG
from benchmarks.profiles import Profile
from benchmarks.row_check import WrongCopy
from benchmarks.samples import Case, Samples
from services.local.airflow_api import Run
from services.local.execution_requests import by_task_instance
from services.local.home import PROJECT, Home
from services.local.read_back import BUCKET
from services.local.sample_data import SampleData
from services.local.stack import Stack

MAPPED = {NO_OP_DAG: "nothing", COPY_DAG: "copy", SEED_DAG: "transfer_to_s3", BARE_DAG: "bare_copy"}
ALL_BATCH_ROWS = 50_000


def measure(profile: Profile, home: Home, samples: Samples) -> None:
    """Add the compared runs, in turns, and one of this project's DAG over all rows."""
    path = os.pathsep.join([str(PROJECT), str(environments.SEED_PACKAGES)])
    # The other DAGs would only be parsed again and again meanwhile.
    folder = shutil.copytree(PROJECT / "benchmarks" / "dags", home.root / "dags")
    shutil.copy(PROJECT / "dags" / f"{COPY_DAG}.py", folder)
    stack = Stack(home, env_overrides={"AIRFLOW__CORE__DAGS_FOLDER": str(folder), "PYTHONPATH": path})
    data = SampleData(home, stack.environment(), print)
    rows = profile.maps * profile.map_rows
    data.generate(rows)
    with stack:
        for dag_id in MAPPED:
            stack.api.wait_for_dag(dag_id, 120)
        _ended(stack, NO_OP_DAG, {"maps": 8})  # the scheduler starts its first tasks: not measured
        for number in range(profile.dag_rounds):
            for dag_id in random.Random(number).sample(list(MAPPED), len(MAPPED)):
                _measure(stack, samples, dag_id, rows, profile.map_rows)
        data.generate(profile.all_rows)
        stack.supervisor.restart("api")
        _measure(stack, samples, COPY_DAG, profile.all_rows, ALL_BATCH_ROWS)


def _ended(stack: Stack, dag_id: str, conf: dict[str, Any]) -> Run:
    run = stack.trigger(dag_id, conf)
    if (state := stack.wait(run)) != "success":
        raise WrongCopy(f"{dag_id} ended as {state}: its time means nothing")
    return run


def _measure(stack: Stack, samples: Samples, dag_id: str, rows: int, batch_rows: int) -> None:
    """Run a DAG to its end and add its sample; raises WrongCopy where the store then lacks rows."""
    print(f"{dag_id}: {rows:,} rows in batches of {batch_rows:,}", flush=True)
    maps = -(-rows // batch_rows)
    cpu = cpu_seconds(stack, "api-server", "scheduler")
    conf = {"maps": maps} if dag_id == NO_OP_DAG else {"batch_size": batch_rows}
    run = _ended(stack, dag_id, conf | ({"maps": maps} if dag_id == BARE_DAG else {}))
    cpu = cpu_seconds(stack, "api-server", "scheduler") - cpu
    instances = stack.task_instances(run)
    mapped = [each for each in instances if each["task_id"] == MAPPED[dag_id]]
    if len(mapped) != maps:
        raise WrongCopy(f"{dag_id} was mapped {len(mapped)} times; expected {maps}")
    if dag_id != NO_OP_DAG:  # the bucket is emptied, so the next run finds nothing to reuse
        expected = row_check.read(stack.home.data / "rows.ndjson", "ndjson")
        row_check.check_and_empty(dag_id, stack.s3, BUCKET, "", "csv", expected, ordered=False)
    found = by_task_instance(stack.home.logs)
    requests = [found[each["id"]] for each in mapped]
    samples.add(
        Case("dag", dag_id, "" if dag_id == NO_OP_DAG else "csv", batch_rows),
        seconds=seconds_of(stack.api.request("GET", run.path), "queued_at"),
        maps=maps,
        map_seconds=median(seconds_of(each, "start_date") for each in mapped),
        retries=sum(max(each["try_number"] - 1, 0) for each in instances),
        cpu_seconds=cpu / maps,
        requests=median(each.total() for each in requests),
        xcoms=median(each["POST xcoms"] for each in requests),
    )


def cpu_seconds(stack: Stack, *names: str) -> float:
    """What these programs of the stack and their processes have used so far: a scheduler's are its tasks."""
    states, used = stack.supervisor.states(), 0.0
    for name in names:
        process = psutil.Process(states[name]["pid"])
        for each in (process, *process.children(recursive=True)):
            with contextlib.suppress(psutil.NoSuchProcess):
                used += sum(each.cpu_times()[:4])  # its own, and that of its children that have ended
    return used


def seconds_of(record: dict[str, Any], since: str) -> float:
    """From then to its end, by Airflow's own record."""
    started, ended = (datetime.fromisoformat(record[name]) for name in (since, "end_date"))
    return (ended - started).total_seconds()
