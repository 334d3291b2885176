"""Pod Security `restricted`, which k8s/namespace.yaml enforces.

https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted
"""

from collections.abc import Iterator
from typing import Any

# What `restricted` lets a pod mount.
VOLUMES = {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected"}
VOLUMES |= {"secret"}


def unrestricted(spec: dict[str, Any]) -> Iterator[str]:
    """Why a pod of this spec is not `restricted`."""
    yield from (
        f"host namespaces ({each}=true)" for each in ("hostNetwork", "hostPID", "hostIPC") if spec.get(each)
    )
    for volume in spec.get("volumes") or []:
        if kinds := set(volume) - {"name"} - VOLUMES:
            yield f"restricted volume types (volume {volume['name']!r} uses {sorted(kinds)})"
    for container in [*(spec.get("initContainers") or []), *spec["containers"]]:
        for complaint in _of_the_container(spec.get("securityContext") or {}, container):
            yield f"{complaint} (container {container['name']!r})"


def _of_the_container(of_the_pod: dict[str, Any], container: dict[str, Any]) -> Iterator[str]:
    own = container.get("securityContext") or {}
    capabilities = own.get("capabilities") or {}
    seccomp = own.get("seccompProfile") or of_the_pod.get("seccompProfile") or {}
    if own.get("privileged"):
        yield "privileged"
    if own.get("allowPrivilegeEscalation") is not False:
        yield "allowPrivilegeEscalation != false"
    if "ALL" not in capabilities.get("drop", []) or set(capabilities.get("add", [])) - {"NET_BIND_SERVICE"}:
        yield "unrestricted capabilities"
    if own.get("runAsNonRoot", of_the_pod.get("runAsNonRoot")) is not True:
        yield "runAsNonRoot != true"
    if own.get("runAsUser", of_the_pod.get("runAsUser")) == 0:
        yield "runAsUser=0"
    if seccomp.get("type") not in ("RuntimeDefault", "Localhost"):
        yield "seccompProfile"
    if any(port.get("hostPort") for port in container.get("ports") or []):
        yield "hostPort"
