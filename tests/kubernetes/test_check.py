"""What `make k8s-check` objects to."""

from types import SimpleNamespace
from typing import Any

import pytest

check = pytest.importorskip(
    "services.kubernetes.check", reason="needs services/, which the Astro image does not carry"
)


class Told:
    """An Airflow and a store that say what the test gives them."""

    def __init__(
        self, instances: list[dict[str, Any]], xcoms: dict[str, Any], logs: int = 99, text: str = "a line"
    ):
        self._instances, self._xcoms, self._logs, self._text = instances, xcoms, logs, text

    def task_instances(self, run: Any) -> list[dict[str, Any]]:
        return self._instances

    def xcom(self, run: Any, task_id: str) -> Any:
        return self._xcoms.get(task_id)

    def log(self, *_: Any) -> str:
        return self._text

    def list_objects(self, *_: Any, **__: Any) -> list[str]:
        return ["object"] * self._logs


RUN = SimpleNamespace(dag_id="d", run_id="r")


def instance(task_id: str, host: str, **more: Any) -> dict[str, Any]:
    about = {"state": "success", "executor": None, "map_index": -1, "try_number": 1}
    return about | {"task_id": task_id, "hostname": host} | more


def example(
    local: str = "LocalExecutor", pod: str = "KubernetesExecutor", pod_host: str = "pod", **more: Any
):
    instances = [
        instance("print_task_with_local", "here"),
        instance("print_task_with_kubernetes", pod_host, **more),
    ]
    said = {
        "print_task_with_local": {"executor": local, "host": "here"},
        "print_task_with_kubernetes": {"executor": pod, "host": "pod"},
    }
    return Told(instances, said)


def test_an_example_as_it_should_be():
    assert list(check._example(example(), RUN)) == []


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"pod": "LocalExecutor"}, "print_task_with_kubernetes: success, run by LocalExecutor"),
        ({"local": "KubernetesExecutor"}, "print_task_with_local: success, run by KubernetesExecutor"),
        ({"state": "failed"}, "print_task_with_kubernetes: failed"),
        ({"pod_host": "other"}, "says it ran on pod; Airflow says other"),
        ({"pod_host": "here"}, "both tasks ran on one host"),
    ],
)
def test_an_example_with_a_fault(wrong, words):
    assert any(words in found for found in check._example(example(**wrong), RUN))


@pytest.mark.parametrize(
    ("copies", "words"),
    [
        ([instance("copy", "p1")], "was given to the first executor"),
        ([instance("plan", "p1", executor="KubernetesExecutor")], "was given to KubernetesExecutor"),
        ([], "did not run in a pod each"),
        (
            [instance("copy", "p1", executor="KubernetesExecutor", map_index=i) for i in (0, 1)],
            "in a pod each",
        ),
        ([instance("copy", "p1", executor="KubernetesExecutor", state="failed")], "ended as failed"),
        ([], "nothing was committed"),
    ],
)
def test_copies_with_a_fault(copies, words):
    assert any(words in found for found in check._copies(Told(copies, {}), None, RUN))


def test_logs_that_are_missing_or_empty(monkeypatch):
    monkeypatch.setattr(check, "LOG_SECONDS", 0)
    instances = [instance("a", "h"), instance("b", "h")]
    missing = Told(instances, {}, logs=1)
    assert list(check._logs(missing, missing, RUN)) == [
        "1 of 2 logs of d are in s3://airflow-logs/dag_id=d/run_id=r/"
    ]
    empty = Told(instances, {}, text="")
    assert len(list(check._logs(empty, empty, RUN))) == 2
    fine = Told(instances, {})
    assert list(check._logs(fine, fine, RUN)) == []


def test_a_run_that_never_ends_is_told_of_with_its_tasks():
    from services.local.errors import StackError

    api = Told([instance("a", "h", state="queued")], {})
    paused_as = []
    api.wait_for_dag = lambda *_: {"is_paused": True}
    api.unpause = lambda *_, paused=False: paused_as.append(paused)
    api.trigger = lambda *_: RUN
    api.run_state = lambda _: "running"
    with pytest.raises(StackError, match="'a': 'queued'"):
        check.finished(api, "d", {}, lambda _: None, 0)
    assert paused_as == [False, True]  # as it was found
