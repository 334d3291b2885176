"""The API server double itself, through the real Kubernetes client: what the other tests lean on."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

pytest.importorskip("kubernetes_validate", reason="the double checks pods by Kubernetes' schemas")

from kubernetes import client, config, watch
from kubernetes.client.exceptions import ApiException

from tests.airflow_home import PROJECT
from tests.kubernetes.api_server import ApiServer
from tests.kubernetes.objects import field_matches, matches
from tests.kubernetes.pods import pod
from tests.waiting import until

IMAGE = {"PATH": f"{Path(sys.executable).parent}:{os.defpath}"}
SLEEPS = "import time; print('begun', flush=True); time.sleep(300)"
HEEDLESS = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SLEEPS}"
HEEDS = f"import signal; signal.signal(signal.SIGTERM, lambda *_: exit(0)); {SLEEPS}"
WITH_CHILD = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {SLEEPS!r}]); {SLEEPS}"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ApiServer]:
    with ApiServer(tmp_path, IMAGE) as running:
        yield running


@pytest.fixture
def core(server: ApiServer) -> client.CoreV1Api:
    return client.CoreV1Api(config.new_client_from_config(str(server.kubeconfig)))


def log(core: client.CoreV1Api, name: str) -> str:
    return core.read_namespaced_pod_log(
        name, "airflow", container="base", _preload_content=False
    ).data.decode()


def phase(core: client.CoreV1Api, name: str) -> str:
    return core.read_namespaced_pod(name, "airflow").status.phase


@pytest.mark.parametrize(
    ("selector", "holds"),
    [
        ("", True),
        ("a=1", True),
        ("a==1,b=2", True),
        ("a=2", False),
        ("a!=2", True),
        ("c!=1", True),
        ("a in (1, 2)", True),
        ("a notin (1,2)", False),
        ("c notin (1)", True),
        ("a", True),
        ("c", False),
        ("!c", True),
        ("airflow-worker=7,kubernetes_executor=True,done!=True", False),
    ],
)
def test_selectors(selector, holds):
    assert matches(selector, {"a": "1", "b": "2"}) is holds


def test_a_selector_that_is_none():
    with pytest.raises(ValueError, match="unable to parse"):
        matches("a=1 or b=2", {"a": "1"})
    assert field_matches("status.phase=Running,metadata.name!=x", {"status": {"phase": "Running"}})
    assert not field_matches("status.phase=Failed", {"status": {"phase": "Running"}})


@pytest.mark.parametrize(
    ("program", "ends"), [("print('hello')", "Succeeded"), ("raise SystemExit(3)", "Failed")]
)
def test_a_pod_runs_its_command_to_its_end(core, server, program, ends):
    core.create_namespaced_pod("airflow", pod("p", program))
    until(lambda: phase(core, "p") == ends)
    state = core.read_namespaced_pod("p", "airflow").status.container_statuses[0].state.terminated
    assert state.exit_code == (0 if ends == "Succeeded" else 3)
    assert log(core, "p") == ("hello\n" if ends == "Succeeded" else "")


def test_a_pod_has_its_manifests_environment_and_files(core, server):
    server.kubelet.secrets["s"] = {"k": "from a secret"}
    server.kubelet.config_maps["c"] = {"f": "from a map"}
    program = (
        "import os; print(os.environ['A'], os.environ['B'], open(os.environ['AIRFLOW_HOME'] + '/f').read())"
    )
    made = pod(
        "p",
        program,
        env=[
            {"name": "A", "value": "plain"},
            {"name": "B", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}},
        ],
        volumes=[{"name": "v", "configMap": {"name": "c"}}],
    )
    mount = {"name": "v", "mountPath": "/usr/local/airflow/f", "subPath": "f"}
    made["spec"]["containers"][0]["volumeMounts"] = [mount]
    core.create_namespaced_pod("airflow", made)
    until(lambda: phase(core, "p") == "Succeeded")
    assert log(core, "p") == "plain from a secret from a map\n"


def test_a_pod_without_its_secret_waits_as_in_a_cluster(core):
    env = [{"name": "B", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}]
    core.create_namespaced_pod("airflow", pod("p", "print()", env=env))
    states = until(lambda: core.read_namespaced_pod("p", "airflow").status.container_statuses)
    assert states[0].state.waiting.reason == "CreateContainerConfigError"


def test_what_is_refused(core, server):
    core.create_namespaced_pod("airflow", pod("p", SLEEPS))
    with pytest.raises(ApiException) as taken:
        core.create_namespaced_pod("airflow", pod("p", SLEEPS))
    assert taken.value.status == 409
    server.refuses = lambda pod: 503
    with pytest.raises(ApiException) as refused:
        core.create_namespaced_pod("airflow", pod("r", SLEEPS))
    assert refused.value.status == 503
    with pytest.raises(ApiException) as missing:
        core.read_namespaced_pod("nobody", "airflow")
    assert missing.value.status == 404


@pytest.mark.parametrize(
    ("program", "phase_at_last", "code"),
    [(HEEDS, "Succeeded", 0), (HEEDLESS, "Failed", 137)],
    ids=["heeds", "heedless"],
)
def test_a_deleted_pod_tells_how_its_container_ended_before_it_is_gone(
    core, server, program, phase_at_last, code
):
    core.create_namespaced_pod("airflow", pod("p", program, terminationGracePeriodSeconds=1))
    until(lambda: "begun" in log(core, "p"))
    core.delete_namespaced_pod("p", "airflow")
    until(lambda: core.list_namespaced_pod("airflow").items == [])
    stream = watch.Watch().stream(
        core.list_namespaced_pod, "airflow", resource_version="100", timeout_seconds=1
    )
    *_, changed, gone = [(event["type"], event["object"]) for event in stream]
    for kind, (told, last) in (("MODIFIED", changed), ("DELETED", gone)):
        (container,) = last.status.container_statuses
        assert (told, last.status.phase, container.state.terminated.exit_code) == (kind, phase_at_last, code)
        assert last.metadata.deletion_timestamp


@pytest.mark.parametrize("program", [SLEEPS, HEEDLESS, WITH_CHILD], ids=["heeds", "heedless", "with-child"])
def test_a_deleted_pod_is_ended_after_its_grace_and_gone_with_its_children(core, server, program):
    core.create_namespaced_pod("airflow", pod("p", program, terminationGracePeriodSeconds=1))
    until(lambda: log(core, "p").count("begun") == program.count("begun"))
    leader = server.kubelet.processes["p"].pid
    answer = core.delete_namespaced_pod("p", "airflow")
    assert answer.metadata.deletion_timestamp
    until(lambda: core.list_namespaced_pod("airflow").items == [])
    assert session(leader) == []
    with pytest.raises(ApiException) as again:
        core.delete_namespaced_pod("p", "airflow")
    assert again.value.status == 404


def session(leader: int) -> list[int]:
    """Living processes of a session."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, ProcessLookupError):
            if os.getsid(process.pid) == leader and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process.pid)
    return found


def test_a_watch_tells_of_every_change_and_of_leaving_its_selector(core, server):
    core.create_namespaced_pod("airflow", pod("p", "print()"))
    until(lambda: phase(core, "p") == "Succeeded")
    core.patch_namespaced_pod("p", "airflow", {"metadata": {"labels": {"done": "True"}}})
    core.delete_namespaced_pod("p", "airflow")
    until(lambda: core.list_namespaced_pod("airflow").items == [])
    stream = watch.Watch().stream(
        core.list_namespaced_pod,
        "airflow",
        label_selector="app=test,done!=True",
        resource_version="100",
        timeout_seconds=1,
    )
    told = [(event["type"], event["object"].status.phase) for event in stream]
    assert told[0] == ("ADDED", "Pending")
    assert ("MODIFIED", "Succeeded") in told
    assert told[-1] == ("DELETED", "Succeeded")
    assert all(kind == "MODIFIED" for kind, _ in told[1:-1])


def test_a_watch_from_a_forgotten_version_is_gone(core, server):
    core.create_namespaced_pod("airflow", pod("p", SLEEPS))
    server.end_watches(gone=True)
    with pytest.raises(ApiException) as gone:
        list(
            watch.Watch().stream(
                core.list_namespaced_pod, "airflow", resource_version="100", timeout_seconds=2
            )
        )
    assert gone.value.status == 410


ALONE = """
import sys, time
from pathlib import Path
from tests.kubernetes.api_server import ApiServer
from tests.kubernetes.pods import pod
from tests.kubernetes.test_double import IMAGE, SLEEPS
with ApiServer(Path(sys.argv[1]), IMAGE) as server:
    server.create("airflow", pod("p", SLEEPS))
    while "p" not in server.kubelet.processes:
        time.sleep(0.05)
    print(server.kubelet.processes["p"].pid, flush=True)
    if sys.argv[2] == "stays":
        time.sleep(300)
"""


@pytest.mark.parametrize("how", ["leaves", "stays"])
def test_no_pod_outlives_the_double_however_that_ends(tmp_path, how):
    double = subprocess.Popen(
        [sys.executable, "-c", ALONE, str(tmp_path), how], cwd=PROJECT, stdout=subprocess.PIPE, text=True
    )
    assert double.stdout is not None
    leader = int(double.stdout.readline())
    if how == "stays":
        double.send_signal(signal.SIGKILL)
    double.wait(60)
    double.stdout.close()
    until(lambda: session(leader) == [])
