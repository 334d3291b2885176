"""Both executors under the real scheduler: tasks run where their queue says, logs in S3, faults of pods."""

from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("services.local.stack", reason="needs services/, which the Astro image does not carry")
pytest.importorskip("kubernetes_validate", reason="the double checks pods by Kubernetes' schemas")

from tests.kubernetes.cluster import Cluster
from tests.waiting import until

if TYPE_CHECKING:
    from services.local.airflow_api import Run


def instances(both: Cluster, run: "Run", task_id: str) -> list[dict[str, Any]]:
    found = [ti for ti in both.stack.task_instances(run) if ti["task_id"] == task_id]
    return sorted(found, key=lambda ti: ti["map_index"])


def logs_in_the_bucket(both: Cluster, run: "Run", wanted: int) -> dict[str, str]:
    """Key → text of every log object of the run; a log is stored just after its task has ended."""
    return until(lambda: found if len(found := stored_logs(both, run)) >= wanted else None)


def stored_logs(both: Cluster, run: "Run") -> dict[str, str]:
    found = {}
    for each in both.stack.s3.list_objects("airflow-logs", prefix=f"dag_id={run.dag_id}/", recursive=True):
        if f"run_id={run.run_id}/" in each.object_name:
            with both.stack.s3.get_object("airflow-logs", each.object_name) as response:
                found[each.object_name] = response.read().decode()
    return found


@pytest.fixture(scope="module")
def example(both: Cluster) -> "Run":
    run = both.stack.trigger("local_kubernetes_executor")
    assert both.stack.wait(run, 300) == "success"
    return run


def test_one_task_runs_here_and_one_in_a_pod(both, example):
    (local,) = instances(both, example, "print_task_with_local")
    (pod_task,) = instances(both, example, "print_task_with_kubernetes")
    said = both.stack.api.xcom(example, "print_task_with_local")
    assert (said["executor"], said["greeting"]) == ("LocalExecutor", "")
    assert both.pods_of("print_task_with_local", example.run_id) == []

    (pod,) = both.pods_of("print_task_with_kubernetes", example.run_id)
    said = both.stack.api.xcom(example, "print_task_with_kubernetes")
    assert said == {
        "executor": "KubernetesExecutor",
        "host": pod["metadata"]["name"],
        "greeting": "from a pod of its own",
    }
    assert pod_task["hostname"] == pod["metadata"]["name"] != local["hostname"]
    assert (pod_task["queue"], pod_task["executor"]) == ("kubernetes", "KubernetesExecutor")


def test_both_logs_are_in_the_bucket_and_shown_by_airflow(both, example):
    kept = logs_in_the_bucket(both, example, 2)
    for task_id, executor in (
        ("print_task_with_local", "LocalExecutor"),
        ("print_task_with_kubernetes", "KubernetesExecutor"),
    ):
        (text,) = [text for key, text in kept.items() if f"task_id={task_id}/" in key]
        line = f"executor {executor}, host "
        assert line in text
        assert both.stack.log(example, task_id).count(line) == 1


def test_the_pod_is_what_template_and_override_say(both, example):
    (pod,) = both.pods_of("print_task_with_kubernetes", example.run_id)
    container = pod["spec"]["containers"][0]
    assert container["image"] == "wildfire-lake:local"
    assert container["resources"]["limits"] == {"memory": "512Mi"}  # the override's, not the template's
    assert pod["metadata"]["labels"]["example"] == "local-kubernetes-executor"
    assert pod["spec"]["serviceAccountName"] == "airflow-worker"
    assert pod["spec"]["securityContext"]["runAsNonRoot"] is True
    environment = {each["name"]: each for each in container["env"]}
    assert environment["AIRFLOW__CORE__EXECUTOR"]["value"] == "LocalExecutor,KubernetesExecutor"
    # Secrets are references, and the database's is not even that.
    assert "value" not in environment["AIRFLOW_CONN_LOCALS3"]
    assert not [name for name in environment if "SQL_ALCHEMY" in name or "FERNET" in name]


def test_a_finished_pod_is_gone(both, example):
    """The executor deletes it in one of its next rounds, after it has told the scheduler of the end."""
    until(lambda: not both.api_server.pods.select("component=worker,dag_id=local_kubernetes_executor"))


@pytest.fixture(scope="module")
def sent(both: Cluster) -> "Run":
    """A run whose copies were sent to pods."""
    from tests.kubernetes.live import TO_PODS

    run = both.stack.trigger("wildfires_small_to_s3", TO_PODS)
    assert both.stack.wait(run, 300) == "success"
    return run


def test_a_run_sends_its_copies_to_pods(both, sent):
    from services.local.read_back import read_back

    run = sent
    copies = instances(both, run, "copy")
    pods = both.pods_of("copy", run.run_id)
    assert {(ti["queue"], ti["executor"]) for ti in copies} == {("kubernetes", "KubernetesExecutor")}
    assert {ti["hostname"] for ti in copies} <= {pod["metadata"]["name"] for pod in pods}
    assert len(copies) == 4
    for task_id in ("count_rows", "plan", "verify", "commit"):
        assert both.pods_of(task_id, run.run_id) == []

    uri = both.stack.api.xcom(run, "commit")["manifest"]
    verified = read_back(both.stack.s3, uri)
    assert (verified.findings, verified.manifest.rows) == ([], 20_000)
    assert len(logs_in_the_bucket(both, run, 8)) == 8


def test_a_cleared_copy_goes_to_a_pod_again_and_finds_its_rows_in_the_lake(both, sent):
    run = sent
    clear = {
        "dry_run": False,
        "dag_run_id": run.run_id,
        "task_ids": [["copy", 2]],
        "include_downstream": True,
        "only_failed": False,
        "reset_dag_runs": True,
    }
    both.stack.api.request("POST", f"/dags/{run.dag_id}/clearTaskInstances", json=clear)
    assert both.stack.wait(run, 300) == "success"
    again = both.pods_of("copy", run.run_id)[4:]
    assert [pod["metadata"]["annotations"]["map_index"] for pod in again] == ["2"]
    assert both.stack.api.xcom(run, "copy", 2)["reused"] is True
