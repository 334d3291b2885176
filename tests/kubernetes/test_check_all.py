"""`make k8s-check` whole: the real scheduler with both executors, pods by the double, logs and lake in S3."""

import pytest

pytest.importorskip("services.local.stack", reason="needs services/, which the Astro image does not carry")
pytest.importorskip("kubernetes_validate", reason="the double checks pods by Kubernetes' schemas")

from services.kubernetes.cluster import NODE_PORTS
from services.kubernetes.tools import CLUSTER
from tests.kubernetes.cluster import Cluster
from tests.kubernetes.machine import Machine

CHECK = ("-p", "no:cacheprovider", "tests/kubernetes/live.py")


@pytest.fixture
def in_front(both: Cluster, machine: Machine) -> Machine:
    """A machine whose docker and kubectl tell where that Airflow and its store are, and their keys."""
    ports, keys = both.stack.ports, both.stack.credentials
    published = {"airflow": ports.airflow, "s3": ports.s3, "console": ports.s3_admin}
    secrets = {
        "airflow-admin": {"password": keys.airflow_password},
        "seaweedfs": {"access-key": keys.s3_access_key, "secret-key": keys.s3_secret_key},
    }
    machine.state(
        clusters=[CLUSTER],
        ports=[
            {"containerPort": NODE_PORTS[name], "listenAddress": "127.0.0.1", "hostPort": port}
            for name, port in published.items()
        ],
        objects={
            f"secret/{name}": {"metadata": {"name": name}, "stringData": values}
            for name, values in secrets.items()
        },
    )
    kubeconfig = machine.folder / "home" / "kubeconfig"
    kubeconfig.parent.mkdir(parents=True)
    kubeconfig.write_text("{}")
    return machine


def test_a_cluster_that_works(in_front, both):
    before = len(both.api_server.created)
    done = in_front.run(*CHECK, module="pytest")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 passed" in done.stdout
    pods = [pod["metadata"]["annotations"]["task_id"] for pod in both.api_server.created[before:]]
    assert set(pods) == {"copy", "print_task_with_kubernetes"}


def test_without_a_cluster_the_check_says_so(machine):
    done = machine.run(*CHECK, module="pytest")
    assert done.returncode == 1
    assert "make k8s-up" in done.stdout + done.stderr
