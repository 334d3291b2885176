"""What a real API server refuses of a pod, as one table in the order in which it looks.

No package on PyPI does this: kmock 0.8 serves and watches any object, mockernetes replaces the client within
one process, and neither refuses a pod or runs one. Schemas come from kubernetes-validate, quantities from the
client. Rules: https://github.com/kubernetes/kubernetes/tree/v1.34.2/pkg/apis/core/validation.
"""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import kubernetes_validate
from kubernetes.utils.quantity import parse_quantity

from tests.kubernetes.files import FOLDER, objects
from tests.kubernetes.pod_security import unrestricted

SCHEMA = "1.37"
STORED = 1_572_864  # bytes of one object that etcd takes, and twice that of a request to the API server
SUBDOMAIN = re.compile(r"(?=.{1,253}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
LABEL = re.compile(r"(?=.{1,63}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?")
WORD = re.compile(r"(?=.{1,63}$)[A-Za-z0-9]([-\w.]*[A-Za-z0-9])?", re.ASCII)
Manifest = dict[str, Any]


class Refused(Exception):
    """A request that the API server answers with a failure."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


def pruned(pod: Manifest) -> list[str]:
    """Take out of the pod the fields that Kubernetes does not know; their paths."""
    unknown: list[str] = []
    while True:
        error = _schema_error(pod, strict=True)
        if error is None or error.validator != "additionalProperties":
            return unknown
        target: Any = pod
        for step in error.absolute_path:
            target = target[step]
        for field in set(target) - set(error.schema.get("properties", {})):
            del target[field]
            unknown.append(_path([*error.absolute_path, field]))


def _schema_error(pod: Manifest, *, strict: bool) -> kubernetes_validate.ValidationError | None:
    try:
        kubernetes_validate.validate(pod, SCHEMA, strict=strict)
    except kubernetes_validate.ValidationError as error:
        return error
    return None


def _path(steps: list[Any]) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps).lstrip(".")


def check(pod: Manifest, namespace: str) -> None:
    """Raise what the server of k8s/namespace.yaml would answer; the first rule that is broken counts."""
    for status, opening, rule in RULES:
        if found := list(rule(pod, namespace)):
            name = pod["metadata"].get("name", "")
            raise Refused(status, opening.format(name=name) + ", ".join(found))


# Decoding: 400 ------------------------------------------------------------------------------------------


def not_a_pod(pod: Manifest, namespace: str) -> Iterator[str]:
    if (pod.get("apiVersion"), pod.get("kind")) != ("v1", "Pod") or not isinstance(pod.get("metadata"), dict):
        yield "Object 'Kind' is missing"
        return
    error = _schema_error(pod, strict=False)
    if error is not None and error.validator != "required":
        what = f"{_path(list(error.absolute_path))}: {error.message}"
        yield f'Pod in version "v1" cannot be handled as a Pod: {what}'


def unreadable_quantities(pod: Manifest, namespace: str) -> Iterator[str]:
    for path, found in _resources(pod):
        for resource, quantity in found.items():
            try:
                parse_quantity(quantity)
            except ValueError:
                yield f"{path}.{resource}: quantities must match the regular expression"


def foreign_namespace(pod: Manifest, namespace: str) -> Iterator[str]:
    if pod["metadata"].get("namespace", namespace) != namespace:
        yield "the namespace of the provided object does not match the namespace sent on the request"


def _containers(pod: Manifest) -> list[tuple[str, Manifest]]:
    return [
        (f"spec.{kind}[{place}]", container)
        for kind in ("initContainers", "containers")
        for place, container in enumerate(pod.get("spec", {}).get(kind) or [])
    ]


def _resources(pod: Manifest) -> Iterator[tuple[str, Manifest]]:
    for path, container in _containers(pod):
        for kind in ("requests", "limits"):
            yield f"{path}.resources.{kind}", (container.get("resources") or {}).get(kind) or {}


# Validation: 422 ----------------------------------------------------------------------------------------


def wrong_metadata(pod: Manifest, namespace: str) -> Iterator[str]:
    metadata = pod["metadata"]
    if not SUBDOMAIN.fullmatch(metadata.get("name", "")):
        yield "metadata.name: Invalid value: a lowercase RFC 1123 subdomain of at most 253 characters"
    for key, value in (metadata.get("labels") or {}).items():
        prefix, _, name = key.rpartition("/")
        if not WORD.fullmatch(name) or (prefix and not SUBDOMAIN.fullmatch(prefix)):
            yield f"metadata.labels: Invalid value: {key!r}: at most 63 alphanumeric, '-', '_', '.'"
        if value and not WORD.fullmatch(value):
            yield f"metadata.labels: Invalid value: {value!r}: at most 63 alphanumeric, '-', '_', '.'"
    if len(json.dumps(metadata.get("annotations") or {})) > 2**18:
        yield "metadata.annotations: Too long: may not be more than 262144 bytes"


def wrong_containers(pod: Manifest, namespace: str) -> Iterator[str]:
    if not pod.get("spec", {}).get("containers"):
        yield "spec.containers: Required value"
    error = _schema_error(pod, strict=False)
    if error is not None and error.absolute_path:
        yield f"{_path(list(error.absolute_path))}: Required value: {error.message}"
    names = [container.get("name", "") for _, container in _containers(pod)]
    for (path, container), name in zip(_containers(pod), names, strict=True):
        if not LABEL.fullmatch(name):
            yield f"{path}.name: Invalid value: a lowercase RFC 1123 label of at most 63 characters"
        if names.count(name) > 1:
            yield f"{path}.name: Duplicate value: {name!r}"
        if not container.get("image"):
            yield f"{path}.image: Required value"


def requests_over_limits(pod: Manifest, namespace: str) -> Iterator[str]:
    for path, container in _containers(pod):
        found = container.get("resources") or {}
        limits = found.get("limits") or {}
        for resource, quantity in (found.get("requests") or {}).items():
            if resource in limits and parse_quantity(quantity) > parse_quantity(limits[resource]):
                yield (
                    f"{path}.resources.requests: Invalid value: {quantity!r}: must be less than or equal to "
                    f"{resource} limit of {limits[resource]}"
                )


def mounts_without_volume(pod: Manifest, namespace: str) -> Iterator[str]:
    volumes = {volume["name"] for volume in pod["spec"].get("volumes") or []}
    for path, container in _containers(pod):
        for place, mount in enumerate(container.get("volumeMounts") or []):
            if mount["name"] not in volumes:
                yield f"{path}.volumeMounts[{place}].name: Not found: {mount['name']!r}"


# Admission: 403 -----------------------------------------------------------------------------------------


def unknown_account(pod: Manifest, namespace: str) -> Iterator[str]:
    known = {"default"} | {
        found["metadata"]["name"]
        for found in objects(FOLDER / "namespace.yaml")
        if found["kind"] == "ServiceAccount"
    }
    wanted = pod.get("spec", {}).get("serviceAccountName") or "default"
    if wanted not in known:
        yield f'error looking up service account {namespace}/{wanted}: serviceaccount "{wanted}" not found'


def insecure(pod: Manifest, namespace: str) -> Iterator[str]:
    (enforced,) = (found for found in objects(FOLDER / "namespace.yaml") if found["kind"] == "Namespace")
    if enforced["metadata"]["labels"].get("pod-security.kubernetes.io/enforce") == "restricted":
        yield from unrestricted(pod["spec"])


Rule = Callable[[Manifest, str], Iterator[str]]
FORBIDDEN = 'pods "{name}" is forbidden: '
INVALID = 'Pod "{name}" is invalid: '
RULES: tuple[tuple[int, str, Rule], ...] = (
    (400, "", not_a_pod),
    (400, "", unreadable_quantities),
    (400, "", foreign_namespace),
    (403, FORBIDDEN, unknown_account),
    (422, INVALID, wrong_metadata),
    (422, INVALID, wrong_containers),
    (422, INVALID, requests_over_limits),
    (422, INVALID, mounts_without_volume),
    (403, FORBIDDEN + 'violates PodSecurity "restricted:latest": ', insecure),
)
