"""What may happen to a pod and to the API server, all in one run in which every task ends well."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("services.local.stack", reason="needs services/, which the Astro image does not carry")
pytest.importorskip("kubernetes_validate", reason="the double checks pods by Kubernetes' schemas")

from tests.kubernetes.cluster import Cluster
from tests.kubernetes.objects import Pod
from tests.waiting import until

if TYPE_CHECKING:
    from services.local.airflow_api import Run


def first_pod_of(task_id: str) -> Any:
    """A predicate that is true once, for the first pod of the task."""
    seen: list[str] = []

    def predicate(pod: Pod) -> bool:
        if pod["metadata"]["annotations"]["task_id"] != task_id or seen:
            return False
        seen.append(pod["metadata"]["name"])
        return True

    return predicate


def running(both: Cluster, run: "Run", *task_ids: str) -> bool:
    """Whether all these tasks run."""
    states = {ti["task_id"]: ti["state"] for ti in both.stack.task_instances(run)}
    return all(states.get(task_id) == "running" for task_id in task_ids)


@pytest.fixture(scope="module")
def faulty(both: Cluster) -> "Iterator[Run]":
    """One run in which five things go wrong, and the watch breaks off and begins anew meanwhile."""
    server, kubelet = both.api_server, both.api_server.kubelet
    kubelet.holds = first_pod_of("never_starts")
    kubelet.dies_at_once = first_pod_of("dies_before_it_starts")
    refused = first_pod_of("refused")
    server.refuses = lambda pod: 503 if refused(pod) else 0

    both.stack.api.wait_for_dag("pod_faults")
    both.stack.api.unpause("pod_faults")
    run = both.stack.api.trigger("pod_faults", {})
    until(lambda: len(both.pods_of("never_starts", run.run_id)) == 1)
    both.age("never_starts")
    until(lambda: running(both, run, "evicted", "oom_killed"))
    server.drop_watches()
    (evicted,) = both.pods_of("evicted", run.run_id)
    kubelet.kill(evicted["metadata"]["name"], pod_reason="Evicted")
    until(lambda: len(both.pods_of("evicted", run.run_id)) == 2)
    # The version that the next watch starts from is too old.
    server.end_watches(gone=True)
    (killed,) = both.pods_of("oom_killed", run.run_id)
    kubelet.kill(killed["metadata"]["name"], container_reason="OOMKilled")
    assert both.stack.wait(run, 300) == "success"
    yield run
    server.refuses = lambda pod: 0


def attempts(both: Cluster, run: "Run", task_id: str) -> tuple[int, int]:
    """(attempts that Airflow counted, pods that were made)."""
    (ti,) = [ti for ti in both.stack.task_instances(run) if ti["task_id"] == task_id]
    return ti["try_number"], len(both.pods_of(task_id, run.run_id))


@pytest.mark.parametrize("task_id", ["evicted", "oom_killed"])
def test_a_killed_pod_costs_an_attempt_and_the_next_ends_well(both, faulty, task_id):
    assert attempts(both, faulty, task_id) == (2, 2)
    assert both.stack.api.xcom(faulty, task_id) == 2


@pytest.mark.parametrize("task_id", ["never_starts", "dies_before_it_starts"])
def test_a_pod_in_which_nothing_ran_is_replaced_and_costs_no_attempt(both, faulty, task_id):
    assert attempts(both, faulty, task_id) == (1, 2)


def test_a_pod_that_the_api_server_refused_is_asked_for_again(both, faulty):
    assert attempts(both, faulty, "refused") == (1, 1)


def test_the_reason_is_in_the_schedulers_log(both, faulty):
    log = (both.stack.home.logs / "scheduler.log").read_text()
    assert "OOMKilled" in log
    assert "reason: Evicted" in log
    assert "StartError" in log


def test_the_watch_was_broken_off_and_found_its_version_gone(both, faulty):
    assert both.api_server.dropped >= 1
    assert both.api_server.gone >= 1


def test_the_executor_asked_for_nothing_that_the_double_does_not_serve(both, faulty):
    assert both.api_server.unserved == []


def test_no_pod_is_left(both, faulty):
    """A failed pod that stays is told of again when a watch begins anew, and would fail its successor."""
    until(lambda: both.api_server.pods.select("") == [])
