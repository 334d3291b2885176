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


@pytest.fixture(scope="module")
def faulty(both: Cluster) -> "Iterator[Run]":
    """One run in which seven things go wrong, and the watch breaks off and begins anew meanwhile."""
    server, kubelet = both.api_server, both.api_server.kubelet
    kubelet.holds = first_pod_of("never_starts")
    kubelet.dies_at_once = first_pod_of("dies_before_it_starts")
    refused = first_pod_of("refused")
    full = first_pod_of("over_quota")

    def refuses(pod: Pod) -> int:
        server.quota = 0 if full(pod) else None
        return 503 if refused(pod) else 0

    server.refuses = refuses
    both.stack.api.wait_for_dag("pod_faults")
    both.stack.api.unpause("pod_faults")
    run = both.stack.api.trigger("pod_faults", {})
    until(lambda: len(both.pods_of("never_starts", run.run_id)) == 1)
    both.age("never_starts")
    for task_id in ("drained", "drained_early", "oom_killed"):
        until(lambda task_id=task_id: both.stack.api.xcom(run, task_id, key="waits"))
    server.drop_watches()
    drain(both, run, "drained", grace=1)
    drain(both, run, "drained_early")
    both.silence("drained_early")
    for task_id in ("drained", "drained_early"):
        until(lambda task_id=task_id: len(both.pods_of(task_id, run.run_id)) == 2)
    # The version that the next watch starts from is too old.
    server.end_watches(gone=True)
    (killed,) = both.pods_of("oom_killed", run.run_id)
    kubelet.kill(killed["metadata"]["name"], "OOMKilled")
    assert both.stack.wait(run, 300) == "success"
    yield run
    server.refuses = lambda pod: 0


def drain(both: Cluster, run: "Run", task_id: str, grace: int | None = None) -> None:
    """Delete the pod as `kubectl drain` does, with its own or with so many seconds of grace."""
    (pod,) = both.pods_of(task_id, run.run_id)
    both.api_server.delete(pod["metadata"]["name"], grace)
    until(lambda: both.api_server.pods.get(pod["metadata"]["name"]) is None)


def attempts(both: Cluster, run: "Run", task_id: str) -> tuple[int, int]:
    """(attempts that Airflow counted, pods that were made)."""
    (ti,) = [ti for ti in both.stack.task_instances(run) if ti["task_id"] == task_id]
    return ti["try_number"], len(both.pods_of(task_id, run.run_id))


@pytest.mark.parametrize("task_id", ["drained", "drained_early", "oom_killed"])
def test_a_killed_pod_costs_an_attempt_and_the_next_ends_well(both, faulty, task_id):
    assert attempts(both, faulty, task_id) == (2, 2)
    assert both.stack.api.xcom(faulty, task_id) == 2


@pytest.mark.parametrize("task_id", ["never_starts", "dies_before_it_starts"])
def test_a_pod_in_which_nothing_ran_is_replaced_and_costs_no_attempt(both, faulty, task_id):
    assert attempts(both, faulty, task_id) == (1, 2)


@pytest.mark.parametrize("task_id", ["refused", "over_quota"])
def test_a_pod_that_the_api_server_refused_is_asked_for_again(both, faulty, task_id):
    assert attempts(both, faulty, task_id) == (1, 1)


@pytest.mark.parametrize(
    ("task_id", "phase", "code"), [("drained", "Failed", 137), ("drained_early", "Succeeded", 0)]
)
def test_a_drained_pod_goes_on_until_it_is_killed_or_ends_as_if_all_were_well(
    both, faulty, task_id, phase, code
):
    name = both.pods_of(task_id, faulty.run_id)[0]["metadata"]["name"]
    (last,) = [
        before
        for _, before, after in both.api_server.pods.history
        if after is None and before is not None and before["metadata"]["name"] == name
    ]
    (container,) = last["status"]["containerStatuses"]
    assert (last["status"]["phase"], container["state"]["terminated"]["exitCode"]) == (phase, code)


def test_the_reason_is_in_the_schedulers_log(both, faulty):
    log = (both.stack.home.logs / "scheduler.log").read_text()
    assert "OOMKilled" in log
    assert "StartError" in log


def test_the_watch_was_broken_off_and_found_its_version_gone(both, faulty):
    assert both.api_server.dropped >= 1
    assert both.api_server.gone >= 1


def test_the_executor_asked_for_nothing_that_the_double_does_not_serve(both, faulty):
    assert both.api_server.unserved == []


def test_no_pod_is_left(both, faulty):
    """A failed pod that stays is told of again when a watch begins anew, and would fail its successor."""
    until(lambda: both.api_server.pods.select("") == [])
