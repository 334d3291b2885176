"""What the API server double refuses, with the statuses of a real one."""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("kubernetes_validate", reason="the double checks pods by Kubernetes' schemas")

from kubernetes import client, config
from kubernetes.client.exceptions import ApiException

from tests.kubernetes.api_server import ApiServer
from tests.kubernetes.pods import pod

NAMESPACE = "airflow"
GOOD = pod(
    "p",
    "print()",
    serviceAccountName="airflow-worker",
    volumes=[{"name": "v", "emptyDir": {}}],
)
GOOD["spec"]["containers"][0]["volumeMounts"] = [{"name": "v", "mountPath": "/usr/local/airflow/v"}]
BASE = ("spec", "containers", 0)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ApiServer]:
    with ApiServer(tmp_path, {"PATH": "/usr/bin:/bin"}) as running:
        running.kubelet.holds = lambda pod: True
        yield running


@pytest.fixture
def core(server: ApiServer) -> client.CoreV1Api:
    return client.CoreV1Api(config.new_client_from_config(str(server.kubeconfig)))


def changed(place: tuple[str | int, ...], value: Any) -> dict[str, Any]:
    made = copy.deepcopy(GOOD)
    target: Any = made
    for step in place[:-1]:
        target = target[step]
    target[place[-1]] = value
    return made


def refusal(call: Any, *arguments: Any, **options: Any) -> tuple[int, str, str]:
    """(status, message, reason) of a call that is refused."""
    with pytest.raises(ApiException) as refused:
        call(*arguments, **options)
    body = json.loads(refused.value.body)
    assert (body["kind"], body["status"], body["code"]) == ("Status", "Failure", refused.value.status)
    return refused.value.status, body["message"], body.get("reason", "")


@pytest.mark.parametrize(
    ("place", "value", "status"),
    [
        pytest.param(("metadata", "name"), "P_1", 422, id="name"),
        pytest.param(("metadata", "name"), "p" * 254, 422, id="long-name"),
        pytest.param(("metadata", "labels"), {"app": "a" * 64}, 422, id="long-label"),
        pytest.param(("metadata", "labels"), {"run": "2026-11-27T00:00:00+00:00"}, 422, id="label-with-plus"),
        pytest.param(("metadata", "labels"), {"-run": "a"}, 422, id="label-key"),
        pytest.param(("metadata", "annotations"), {"a": "b" * 2**18}, 422, id="long-annotations"),
        pytest.param(("spec", "containers"), [], 422, id="no-containers"),
        pytest.param(("spec",), {"restartPolicy": "Never"}, 422, id="no-container-key"),
        pytest.param((*BASE, "name"), "Base", 422, id="container-name"),
        pytest.param((*BASE, "image"), "", 422, id="no-image"),
        pytest.param((*BASE, "resources", "requests", "memory"), "2Gi", 422, id="request-over-limit"),
        pytest.param((*BASE, "volumeMounts", 0, "name"), "w", 422, id="mount-without-volume"),
        pytest.param((*BASE, "resources", "requests", "memory"), "256 MB", 400, id="quantity"),
        pytest.param(("spec", "containers"), "none", 400, id="type"),
        pytest.param(("metadata", "namespace"), "other", 400, id="namespace-of-the-body"),
        pytest.param(("spec", "serviceAccountName"), "nobody", 403, id="account"),
        pytest.param((*BASE, "securityContext"), {"privileged": True}, 403, id="privileged"),
        pytest.param((*BASE, "securityContext"), {}, 403, id="unrestricted"),
        pytest.param(("spec", "securityContext"), {}, 403, id="may-be-root"),
        pytest.param(("spec", "hostNetwork"), True, 403, id="host-network"),
        pytest.param(("spec", "volumes", 0), {"name": "v", "hostPath": {"path": "/"}}, 403, id="host-path"),
        pytest.param((*BASE, "args"), ["a" * 2**21], 500, id="2-MB"),
        pytest.param((*BASE, "args"), ["a" * 2**22], 413, id="4-MB"),
    ],
)
def test_a_pod_that_is_refused(core, server, place, value, status):
    got, message, _ = refusal(core.create_namespaced_pod, NAMESPACE, changed(place, value))
    assert (got, server.created) == (status, []), message


def test_a_pod_that_is_none_of_these(core, server):
    core.create_namespaced_pod(NAMESPACE, GOOD)
    assert len(server.created) == 1


def test_the_executors_words_of_a_quota_and_of_etcd(core, server):
    """KubernetesExecutor reads these two messages."""
    server.quota = 1
    core.create_namespaced_pod(NAMESPACE, GOOD)
    status, message, reason = refusal(
        core.create_namespaced_pod, NAMESPACE, changed(("metadata", "name"), "q")
    )
    assert (status, reason) == (403, "Forbidden")
    assert "exceeded quota" in message
    server.quota = None
    _, message, reason = refusal(
        core.create_namespaced_pod, NAMESPACE, changed((*BASE, "args"), ["a" * 2**21])
    )
    assert (message, reason) == ("etcdserver: request is too large", "")


def test_another_namespace_is_forbidden(core):
    for call, arguments in (
        (core.create_namespaced_pod, ("default", GOOD)),
        (core.list_namespaced_pod, ("default",)),
        (core.delete_namespaced_pod, ("p", "default")),
        (core.read_namespaced_pod_log, ("p", "default")),
    ):
        assert refusal(call, *arguments)[0] == 403


@pytest.mark.parametrize(
    "selector",
    [{"field_selector": "status.reason=Evicted"}, {"field_selector": "x"}, {"label_selector": "a=1 or b=2"}],
)
def test_a_selector_that_is_none_is_a_bad_request(core, selector):
    assert refusal(core.list_namespaced_pod, NAMESPACE, **selector)[0] == 400
    assert refusal(core.list_namespaced_pod, NAMESPACE, watch=True, **selector)[0] == 400


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"spec": {"restartPolicy": "Always"}}, 422),
        ({"spec": {"serviceAccountName": "default"}}, 422),
        ({"spec": {"containers": [{"name": "base", "env": [{"name": "A", "value": "b"}]}]}}, 422),
        ({"metadata": {"labels": {"run": "a+b"}}}, 422),
        ({"metadata": {"namespace": "other"}}, 400),
    ],
)
def test_a_patch_that_is_refused_changes_nothing(core, changes, status):
    before = core.create_namespaced_pod(NAMESPACE, GOOD).metadata
    assert refusal(core.patch_namespaced_pod, "p", NAMESPACE, changes)[0] == status
    assert core.read_namespaced_pod("p", NAMESPACE).metadata.labels == before.labels


def test_a_patch_of_what_is_there_already_is_none(core):
    core.create_namespaced_pod(NAMESPACE, GOOD)
    core.patch_namespaced_pod("p", NAMESPACE, {"spec": {"restartPolicy": "Never"}})


def test_the_log_of_a_missing_pod(core):
    assert refusal(core.read_namespaced_pod_log, "p", NAMESPACE)[::2] == (404, "NotFound")


def test_an_unknown_field_is_warned_of_and_dropped(core, server):
    misspelt = changed((*BASE, "imagePullPolice"), "Always")
    _, status, headers = core.create_namespaced_pod_with_http_info(NAMESPACE, misspelt)
    assert (status, headers["Warning"]) == (
        201,
        r'299 - "unknown field \"spec.containers[0].imagePullPolice\""',
    )
    (kept,) = server.created
    assert "imagePullPolice" not in kept["spec"]["containers"][0]
    strict = refusal(core.create_namespaced_pod, NAMESPACE, misspelt, field_validation="Strict")
    assert strict[0] == 400
    assert 'unknown field "spec.containers[0].imagePullPolice"' in strict[1]
