"""The files of k8s/ as tests read them: objects, pods, and values laid over one another as Helm does it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from tests.project_files import PROJECT

FOLDER = PROJECT / "k8s"
MANIFESTS = sorted({*FOLDER.glob("*.yaml")} - {*FOLDER.glob("values*.yaml"), FOLDER / "kind.yaml"})
VALUES = ("values.yaml", "values-git-sync.yaml")


def objects(*files: Path) -> Iterator[dict[str, Any]]:
    for file in files or MANIFESTS:
        yield from (each for each in yaml.safe_load_all(file.read_text()) if each)


def values(*names: str) -> dict[str, Any]:
    """Values files laid over one another, as Helm does it: maps are merged, all else is replaced."""
    merged: dict[str, Any] = {}
    for name in names:
        merge(merged, yaml.safe_load((FOLDER / name).read_text()))
    return merged


def merge(into: dict[str, Any], more: dict[str, Any]) -> None:
    for key, value in more.items():
        if isinstance(value, dict) and isinstance(into.get(key), dict):
            merge(into[key], value)
        else:
            into[key] = value


def pod_specs() -> Iterator[tuple[str, dict[str, Any]]]:
    for found in objects():
        name = f"{found['kind']}/{found['metadata']['name']}"
        if found["kind"] == "Pod":
            yield name, found["spec"]
        elif "template" in found.get("spec", {}):
            yield name, found["spec"]["template"]["spec"]


def pods_of_all() -> Iterator[dict[str, Any]]:
    """The pods that Kubernetes makes of the objects; a StatefulSet's claims become volumes."""
    for found in objects():
        template = found if found["kind"] == "Pod" else found.get("spec", {}).get("template")
        if template is None:
            continue
        name = f"{found['kind']}-{found['metadata']['name']}".lower()
        metadata = {"name": name, "labels": template["metadata"].get("labels", {})}
        spec = {**template["spec"], "volumes": [*template["spec"].get("volumes", [])]}
        for claim in found["spec"].get("volumeClaimTemplates", []):
            called = claim["metadata"]["name"]
            spec["volumes"].append({"name": called, "persistentVolumeClaim": {"claimName": called}})
        yield {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def secret_references(found: Any) -> Iterator[tuple[str, str]]:
    """(secret, key) of every reference in an object, or in the chart's values."""
    if isinstance(found, dict):
        if "secretKeyRef" in found:
            yield found["secretKeyRef"]["name"], found["secretKeyRef"]["key"]
        if {"secretName", "secretKey"} <= set(found):
            yield found["secretName"], found["secretKey"]
        for value in found.values():
            yield from secret_references(value)
    elif isinstance(found, list):
        for value in found:
            yield from secret_references(value)


def secrets_of_values() -> list[tuple[str, str]]:
    """(secret, key) of all that chart 1.22 mounts with k8s/values.yaml."""
    chosen = values("values.yaml")
    return [
        *secret_references(chosen),
        (chosen["jwtSecretName"], "jwt-secret"),
        (chosen["apiSecretKeySecretName"], "api-secret-key"),
        (chosen["fernetKeySecretName"], "fernet-key"),
        (chosen["data"]["metadataSecretName"], "connection"),
        (chosen["apiServer"]["extraVolumes"][0]["secret"]["secretName"], "passwords.json"),
    ]
