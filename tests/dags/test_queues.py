"""The policy that maps queues to executors: what it changes, where, and that Airflow loads it."""

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

import airflow_local_settings as policy
from tests.airflow_home import PROJECT

BOTH = "LocalExecutor,KubernetesExecutor"
LONG = "airflow.providers.cncf.kubernetes.executors.kubernetes_executor.KubernetesExecutor"


def routed(queue="default", map_index=-1, conf=None, executor=None, config=None):
    """(queue, executor, executor_config) of a task instance after the policy."""
    instance = SimpleNamespace(
        queue=queue, map_index=map_index, executor=executor, executor_config=config or {}
    )
    policy.task_instance_mutation_hook(instance, None if conf is None else SimpleNamespace(conf=conf))
    return instance.queue, instance.executor, instance.executor_config


@pytest.mark.parametrize("map_index", [-1, 0, 7])
def test_tasks_of_the_queue_go_to_pods_plain_and_mapped(executors, map_index):
    executors(BOTH)
    assert routed("kubernetes", map_index)[:2] == ("kubernetes", "KubernetesExecutor")
    assert routed("default", map_index)[:2] == ("default", None)


@pytest.mark.parametrize(
    ("configured", "name"),
    [
        ("KubernetesExecutor", "KubernetesExecutor"),
        ("CeleryExecutor,KubernetesExecutor", "KubernetesExecutor"),
        (f"LocalExecutor,pods:{LONG}", "pods"),
        (f"LocalExecutor,{LONG}", "KubernetesExecutor"),
    ],
)
def test_the_executor_is_found_under_any_name(executors, configured, name):
    executors(configured)
    found = routed("kubernetes")[1]
    assert found in (name, LONG)
    assert (found == "pods") is (name == "pods")


@pytest.mark.parametrize("configured", ["LocalExecutor", "CeleryExecutor", "LocalExecutor,CeleryExecutor"])
def test_elsewhere_they_stay_where_all_other_tasks_are(executors, configured):
    executors(configured)
    assert routed("kubernetes")[:2] == ("default", None)
    assert routed("default", 3, {"queue": "kubernetes"})[:2] == ("default", None)


def test_a_run_sends_its_mapped_tasks_and_no_others(executors):
    executors(BOTH)
    conf = {"queue": "kubernetes"}
    assert routed("default", 3, conf)[1] == "KubernetesExecutor"
    assert routed("default", -1, conf)[1] is None


@pytest.mark.parametrize(
    "conf", [None, {}, {"queue": "default"}, {"queue": "gpu"}, {"queue": None}, {"queue": []}]
)
def test_other_confs_change_nothing(executors, conf):
    executors(BOTH)
    assert routed("default", 3, conf)[:2] == ("default", None)


def test_an_executor_that_the_dag_names_wins(executors):
    executors(BOTH)
    assert routed("kubernetes", executor="LocalExecutor")[1] == "LocalExecutor"


def test_a_pod_override_of_plain_values_becomes_the_executors_object(executors):
    from kubernetes.client import models

    executors(BOTH)
    given = {"pod_override": {"spec": {"containers": [{"name": "base", "image": "an-image:1"}]}}}
    changed = routed("kubernetes", config=given)[2]["pod_override"]
    assert isinstance(changed, models.V1Pod)
    assert changed.spec.containers[0].image == "an-image:1"
    assert isinstance(given["pod_override"], dict)  # the task's own is shared by all its instances
    assert routed("kubernetes", config={"pod_override": changed})[2]["pod_override"] is changed
    assert routed("kubernetes")[2] == {}


def test_the_example_asks_for_a_pod_that_the_executor_accepts(dags):
    from airflow.providers.cncf.kubernetes.pod_generator import PodGenerator

    local, in_a_pod = (
        dags["local_kubernetes_executor"].get_task(f"print_task_with_{w}") for w in ("local", "kubernetes")
    )
    assert (local.queue, in_a_pod.queue) == ("default", "kubernetes")
    assert local.downstream_task_ids == {in_a_pod.task_id}
    pod = PodGenerator.from_obj(policy._with_pod(in_a_pod.executor_config))
    sent = PodGenerator.serialize_pod(pod)
    assert sent["spec"]["containers"][0] == in_a_pod.executor_config["pod_override"]["spec"]["containers"][0]


LOADED = """
import json
from airflow import settings
import airflow_local_settings
print(json.dumps([settings.task_instance_mutation_hook.is_noop, airflow_local_settings.__file__]))
"""


@pytest.mark.parametrize("home", ["elsewhere", ".astro/standalone"])
def test_airflow_loads_the_file_from_pythonpath(tmp_path: Path, home):
    """So it is in the image (PYTHONPATH is the project there), and in the CLI's standalone mode."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("AIRFLOW")}
    environment |= {"AIRFLOW_HOME": str(tmp_path / home), "PYTHONPATH": str(PROJECT)}
    done = subprocess.run(
        [sys.executable, "-c", LOADED],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == [False, str(PROJECT / "airflow_local_settings.py")]


def test_where_a_task_runs_is_told_by_its_environment(monkeypatch, executors):
    from include.tasks.context import where_it_runs

    executors("CeleryExecutor,KubernetesExecutor")
    assert where_it_runs()["executor"] == "CeleryExecutor"
    monkeypatch.setenv("AIRFLOW_IS_K8S_EXECUTOR_POD", "True")
    assert where_it_runs()["executor"] == "KubernetesExecutor"
    assert where_it_runs()["host"]
