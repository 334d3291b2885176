"""Checks both executors: runs two DAGs, and looks at their tasks, logs, objects and manifest."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import minio

from services.local.airflow_api import RUN_ENDED, AirflowApi, Run
from services.local.errors import StackError
from services.local.read_back import read_back

LOGS = "airflow-logs"
LOG_SECONDS = 60
# The copies to pods; and copied all the same when the source is what the lake has already.
TO_PODS = {"queue": "kubernetes", "force": True}
EXAMPLE = {
    "print_task_with_local": "LocalExecutor",
    "print_task_with_kubernetes": "KubernetesExecutor",
}


def check(
    api: AirflowApi, s3: minio.Minio, say: Callable[[str], None] = lambda text: None, seconds: float = 900
) -> list[str]:
    """Run both DAGs; returns every fault that was found."""
    example = finished(api, "local_kubernetes_executor", {}, say, seconds)
    copies = finished(api, "wildfires_small_to_s3", TO_PODS, say, seconds)
    return [
        *_example(api, example),
        *_logs(api, s3, example),
        *_copies(api, s3, copies),
        *_logs(api, s3, copies),
    ]


def finished(
    api: AirflowApi, dag_id: str, conf: dict[str, Any], say: Callable[[str], None], seconds: float
) -> Run:
    """Run the DAG and return when the run has ended; StackError when it never does.

    The DAG is unpaused for the run, and left as paused as it was.
    """
    paused = bool(api.wait_for_dag(dag_id, 180)["is_paused"])
    api.unpause(dag_id)
    try:
        run = api.trigger(dag_id, conf)
        say(f"Running {dag_id} ({run.run_id})")
        deadline = time.monotonic() + seconds
        while (state := api.run_state(run)) not in RUN_ENDED:
            if time.monotonic() > deadline:
                states = {ti["task_id"]: ti["state"] for ti in api.task_instances(run)}
                raise StackError(f"{dag_id} has not ended after {seconds:.0f} s: {states}")
            time.sleep(1)
    finally:
        api.unpause(dag_id, paused=paused)
    say(f"{dag_id}: {state}")
    return run


def _example(api: AirflowApi, run: Run) -> Iterator[str]:
    hosts = {}
    for ti in api.task_instances(run):
        wanted = EXAMPLE[ti["task_id"]]
        said = api.xcom(run, ti["task_id"]) or {}
        if ti["state"] != "success" or said.get("executor") != wanted:
            yield f"{ti['task_id']}: {ti['state']}, run by {said.get('executor')}; expected {wanted}"
        if said.get("host") != ti["hostname"]:
            yield f"{ti['task_id']} says it ran on {said.get('host')}; Airflow says {ti['hostname']}"
        hosts[ti["task_id"]] = ti["hostname"]
    if len(set(hosts.values())) != len(EXAMPLE):
        yield f"both tasks ran on one host: {hosts}"


def _copies(api: AirflowApi, s3: minio.Minio, run: Run) -> Iterator[str]:
    instances = api.task_instances(run)
    for ti in instances:
        pod = ti["task_id"] == "copy"
        if (ti["executor"] == "KubernetesExecutor") is not pod:
            yield f"{ti['task_id']} [{ti['map_index']}] was given to {ti['executor'] or 'the first executor'}"
        if ti["state"] != "success":
            yield f"{ti['task_id']} [{ti['map_index']}] ended as {ti['state']}"
    copies = [ti["hostname"] for ti in instances if ti["task_id"] == "copy"]
    if len(set(copies)) != len(copies) or not copies:
        yield f"the copies did not run in a pod each: {copies}"
    committed = api.xcom(run, "commit")
    if not committed:
        yield "nothing was committed"
        return
    yield from map(str, read_back(s3, committed["manifest"]).findings)


def _logs(api: AirflowApi, s3: minio.Minio, run: Run) -> Iterator[str]:
    """Each task's log is in the bucket, soon after the task's end, and Airflow shows its text."""
    instances = api.task_instances(run)
    prefix = f"dag_id={run.dag_id}/run_id={run.run_id}/"
    deadline = time.monotonic() + LOG_SECONDS
    while len(kept := list(s3.list_objects(LOGS, prefix=prefix, recursive=True))) < len(instances):
        if time.monotonic() > deadline:
            yield f"{len(kept)} of {len(instances)} logs of {run.dag_id} are in s3://{LOGS}/{prefix}"
            return
        time.sleep(1)
    for ti in instances:
        if not api.log(run, ti["task_id"], ti["map_index"], ti["try_number"]).strip():
            yield f"Airflow shows no log of {ti['task_id']} [{ti['map_index']}]"
