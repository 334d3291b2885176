"""k8s/ without a cluster: Kubernetes' schemas, and what each file promises the others."""

import copy
import os
import re
import subprocess
from typing import Any

import pytest
import yaml

from tests.kubernetes.files import (
    FOLDER,
    MANIFESTS,
    objects,
    pod_specs,
    pods_of_all,
    secret_references,
    secrets_of_values,
    values,
)
from tests.kubernetes.pod_security import unrestricted
from tests.project_files import needs_the_repository
from tests.waiting import until

pytestmark = needs_the_repository

# The chart says it runs on 1.30 and newer; the newest schema that the package brings is taken too.
VERSIONS = ("1.30", "1.34", "1.37")


# Kubernetes' schemas ------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("file", MANIFESTS, ids=lambda file: file.stem)
def test_every_object_is_valid(file, version):
    kubernetes_validate = pytest.importorskip("kubernetes_validate")
    found = list(objects(file))
    assert found
    for each in found:
        kubernetes_validate.validate(each, version, strict=True)


@pytest.mark.parametrize(
    ("right", "wrong"),
    [("replicas: 1", "replicas: one"), ("readinessProbe:", "readyProbe:"), ("serviceName:", "svcName:")],
)
def test_a_mistake_in_a_manifest_shows(right, wrong):
    kubernetes_validate = pytest.importorskip("kubernetes_validate")
    text = (FOLDER / "seaweedfs.yaml").read_text()
    assert right in text
    stateful_set = list(yaml.safe_load_all(text.replace(right, wrong)))[-1]
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(stateful_set, "1.37", strict=True)


# Pods ---------------------------------------------------------------------------------------------------


def shortcomings(spec: dict[str, Any]) -> list[str]:
    """What a pod lacks: `restricted` security, an exact image, limits, no token that it does not use."""
    found = list(unrestricted(spec))
    if not (spec["securityContext"].get("runAsUser") or 0) > 0:
        found.append("does not say as whom it runs")
    if spec.get("automountServiceAccountToken") is not False and not spec.get("serviceAccountName"):
        found.append("gets a token of the cluster")
    for container in [*spec.get("initContainers", []), *spec["containers"]]:
        if not re.fullmatch(r"[\w./-]+:(local|v?\d+\.\d+[\w.-]*)", container["image"]):
            found.append(f"{container['image']} is no exact version")
        resources = container.get("resources") or {}
        if not {"cpu", "memory"} <= set(resources.get("requests") or {}) or "memory" not in (
            resources.get("limits") or {}
        ):
            found.append(f"{container['name']} has no requests and limits")
    return found


@pytest.mark.parametrize(("name", "spec"), list(pod_specs()))
def test_every_pod_is_modest(name, spec):
    assert shortcomings(spec) == []


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("securityContext", "runAsNonRoot"), False),
        (("securityContext", "runAsUser"), None),
        (("securityContext", "seccompProfile"), None),
        (("automountServiceAccountToken",), True),
        (("containers", 0, "image"), "chrislusf/seaweedfs"),
        (("containers", 0, "image"), "chrislusf/seaweedfs:latest"),
        (("containers", 0, "resources"), {"requests": {"cpu": 1}}),
        (("containers", 0, "securityContext", "capabilities"), {}),
    ],
)
def test_a_shortcoming_shows(place, value):
    spec = copy.deepcopy(dict(pod_specs())["StatefulSet/seaweedfs"])
    target = spec
    for step in place[:-1]:
        target = target[step]
    target[place[-1]] = value
    assert len(shortcomings(spec)) == 1


@pytest.mark.parametrize("found", list(pods_of_all()), ids=lambda found: found["metadata"]["name"])
def test_an_api_server_takes_every_pod(found):
    admission = pytest.importorskip("tests.kubernetes.admission")
    assert admission.pruned(found) == []
    admission.check(found, "airflow")


@pytest.mark.parametrize(
    "name",
    [
        "StatefulSet/seaweedfs",
        "StatefulSet/postgres",
        "StatefulSet/warehouse-db",
        "Deployment/wildfires-api",
    ],
)
def test_every_server_is_probed(name):
    (container,) = dict(pod_specs())[name]["containers"]
    assert {"startupProbe", "readinessProbe", "livenessProbe"} <= set(container)


def test_every_object_is_in_the_namespace():
    assert {found["metadata"].get("namespace") for found in objects() if found["kind"] != "Namespace"} == {
        "airflow"
    }


def test_nothing_in_the_folder_is_a_secret():
    assert [found["metadata"]["name"] for found in objects() if found["kind"] == "Secret"] == []
    for file in FOLDER.iterdir():
        assert not re.search(
            r"PRIVATE KEY|(password|secret-key|token): *[\w+/=-]{8,}$", file.read_text(), re.M
        )


def connections_secret():
    manifests = pytest.importorskip("services.kubernetes.manifests")
    made = manifests.generated_secrets()
    return manifests.connections_secret(made["seaweedfs"]["stringData"], made["warehouse"]["stringData"])


def test_every_secret_that_is_asked_for_is_made():
    manifests = pytest.importorskip("services.kubernetes.manifests")
    made = manifests.generated_secrets()
    made["airflow-connections"] = connections_secret()
    asked = {*secret_references(list(objects())), *secrets_of_values()}
    assert len(asked) > 8
    assert sorted((name, key) for name, key in asked if key not in made[name]["stringData"]) == []


def test_every_connection_reaches_airflow_and_its_pods():
    wanted = set(connections_secret()["stringData"])
    assert {"AIRFLOW_CONN_LOCALS3", "AIRFLOW_CONN_WILDFIRES_API"} <= wanted
    assert {each["envName"] for each in values("values.yaml")["secret"]} == wanted
    for name in ("pod-template.yaml", "pod-template-git-sync.yaml"):
        (pod,) = objects(FOLDER / name)
        environment = {each["name"] for each in pod["spec"]["containers"][0]["env"]}
        assert wanted <= environment


# The store, as its manifest starts it -------------------------------------------------------------------


def test_the_stores_arguments_make_its_buckets_and_refuse_strangers(tmp_path):
    seaweedfs = pytest.importorskip("services.local.seaweedfs")
    import minio

    (container,) = dict(pod_specs())["StatefulSet/seaweedfs"]["containers"]
    store = seaweedfs.Seaweed(tmp_path, seaweedfs.free_ports(1)[0], "an-access-key", "a-secret-key")
    # The same arguments, on this machine: a folder of the test, ports of its own, no other address.
    own = {each.partition("=")[0]: each for each in store.command()[3:] if "port" in each or "dir" in each}
    arguments = {each.partition("=")[0]: each for each in container["args"]}
    assert {"-bucket", "-s3.autoCreateBucket", "-s3.port", "-admin.port"} <= set(arguments)
    arguments |= own | {"-ip.bind": "-ip.bind=127.0.0.1"}
    names = {each["name"] for each in container["env"]}
    keys = store.environment() | {"WEED_ADMIN_PASSWORD": "a-password"}
    assert names == set(keys)
    process = subprocess.Popen(
        [seaweedfs.weed_program(), *arguments.values()],
        env=os.environ | keys,
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        until(store.ready)
        assert {bucket.name for bucket in store.client().list_buckets()} == {
            "task-mapping-api-data",
            "airflow-logs",
        }
        stranger = minio.Minio(f"127.0.0.1:{store.s3_port}", "a", "b", secure=False, region="us-east-1")
        with pytest.raises(minio.error.S3Error):
            stranger.list_buckets()
    finally:
        process.kill()
        process.wait()
        store.remove_sockets()


# The cluster --------------------------------------------------------------------------------------------


def test_pages_of_the_cluster_are_published_on_this_machine_alone():
    (cluster,) = objects(FOLDER / "kind.yaml")
    mappings = cluster["nodes"][0]["extraPortMappings"]
    assert {mapping["listenAddress"] for mapping in mappings} == {"127.0.0.1"}
    services = [
        port.get("nodePort")
        for found in objects()
        if found["kind"] == "Service"
        for port in found["spec"]["ports"]
    ]
    services += [port["nodePort"] for port in values("values.yaml")["apiServer"]["service"]["ports"]]
    assert {mapping["containerPort"] for mapping in mappings} == {port for port in services if port}


# Networks ----------------------------------------------------------------------------------------------


def covers(policy: dict[str, Any], labels: dict[str, str], direction: str) -> bool:
    spec = policy["spec"]
    wanted = spec["podSelector"].get("matchLabels", {})
    return direction in spec["policyTypes"] and wanted.items() <= labels.items()


def test_nobody_is_reached_but_by_what_is_opened():
    policies = [each for each in objects() if each["kind"] == "NetworkPolicy"]
    (closed,) = (each for each in policies if each["metadata"]["name"] == "default-deny")
    assert closed["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    servers = {
        each["metadata"]["name"]: each["spec"]["template"]["metadata"]["labels"]
        for each in objects()
        if each["kind"] in ("StatefulSet", "Deployment")
    }
    assert len(servers) == 4
    for name, labels in servers.items():
        opened = [each for each in policies if covers(each, labels, "Ingress") and each is not closed]
        assert [each["metadata"]["name"] for each in opened] == [name]
        calls = [each["metadata"]["name"] for each in policies if covers(each, labels, "Egress")]
        assert sorted(calls) == ["default-deny", "dns"]
