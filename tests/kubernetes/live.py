"""`make k8s-check`: runs DAGs on both executors in the cluster that is up, and looks at all that they leave.

Its name keeps it out of `make test-all`, where test_check_all.py runs it on the double.
"""

from collections.abc import Iterator
from typing import Any

import minio
import pytest

from services.kubernetes import cluster, commands, install
from services.kubernetes.tools import Tools
from services.local.airflow_api import AirflowApi, Run
from services.local.errors import StackError
from services.local.read_back import read_back
from tests.waiting import until

LOGS = "airflow-logs"
# The copies to pods; and copied all the same when the source is what the lake has already.
TO_PODS = {"queue": "kubernetes", "force": True}
EXECUTORS = {
    "print_task_with_local": "LocalExecutor",
    "print_task_with_kubernetes": "KubernetesExecutor",
}


@pytest.fixture(scope="module")
def tools(request: pytest.FixtureRequest) -> Iterator[Tools]:
    """Those of a cluster that is up; shows what is wrong with it when a test fails."""
    found = commands.tools_here()
    try:
        commands.require_cluster(found)
    except StackError as error:
        pytest.exit(str(error), 1)
    yield found
    if request.session.testsfailed:
        print(install.diagnosis(found))  # noqa: T201


@pytest.fixture(scope="module")
def api(tools: Tools) -> Iterator[AirflowApi]:
    password = commands.values_of_secret(tools, "airflow-admin")["password"]
    found = AirflowApi(f"http://{cluster.addresses(tools)['airflow']}", "admin", password)
    yield found
    found.close()


@pytest.fixture(scope="module")
def s3(tools: Tools) -> minio.Minio:
    keys, where = commands.values_of_secret(tools, "seaweedfs"), cluster.addresses(tools)["s3"]
    return minio.Minio(where, keys["access-key"], keys["secret-key"], secure=False, region="us-east-1")


def test_each_executor_runs_its_task_on_a_host_of_its_own(api: AirflowApi, s3: minio.Minio) -> None:
    run = finished(api, "local_kubernetes_executor", {})
    said = {task_id: api.xcom(run, task_id) for task_id in EXECUTORS}
    assert {task_id: each["executor"] for task_id, each in said.items()} == EXECUTORS
    hosts = {ti["task_id"]: ti["hostname"] for ti in api.task_instances(run)}
    assert hosts == {task_id: each["host"] for task_id, each in said.items()}
    assert len(set(hosts.values())) == len(EXECUTORS)
    logs_are_kept(api, s3, run)


def test_copies_run_in_a_pod_each_and_are_committed(api: AirflowApi, s3: minio.Minio) -> None:
    run = finished(api, "wildfires_small_to_s3", TO_PODS)
    instances = api.task_instances(run)
    in_pods = {ti["task_id"] for ti in instances if ti["executor"] == "KubernetesExecutor"}
    copies = [ti["hostname"] for ti in instances if ti["task_id"] == "copy"]
    assert in_pods == {"copy"}
    assert len(set(copies)) == len(copies)
    assert {ti["state"] for ti in instances} == {"success"}
    assert read_back(s3, api.xcom(run, "commit")["manifest"]).findings == []
    logs_are_kept(api, s3, run)


def finished(api: AirflowApi, dag_id: str, conf: dict[str, Any]) -> Run:
    """The DAG's run, which succeeded; the DAG is unpaused for it, and left as paused as it was."""
    paused = bool(api.wait_for_dag(dag_id, 180)["is_paused"])
    api.unpause(dag_id)
    try:
        run = api.trigger(dag_id, conf)
        assert api.wait(run, 900) == "success", api.task_instances(run)
    finally:
        api.unpause(dag_id, paused=paused)
    return run


def logs_are_kept(api: AirflowApi, s3: minio.Minio, run: Run) -> None:
    """Each task's log is in the bucket, soon after the task's end, and Airflow shows its text."""
    instances = api.task_instances(run)
    prefix = f"dag_id={run.dag_id}/run_id={run.run_id}/"
    until(lambda: len(list(s3.list_objects(LOGS, prefix, recursive=True))) >= len(instances), 60)
    for ti in instances:
        assert api.log(run, ti["task_id"], ti["map_index"], ti["try_number"]).strip(), ti["task_id"]
