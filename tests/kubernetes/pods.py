"""A pod as the API server double's own tests make it: one that a namespace which is `restricted` takes."""

from typing import Any


def pod(name: str, program: str, **spec: Any) -> dict[str, Any]:
    """`program` is Python; `env` goes to the container, all else to the pod."""
    container = {
        "name": "base",
        "image": "an-image:1",
        "args": ["python", "-c", program],
        "env": spec.pop("env", []),
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        "resources": {"requests": {"memory": "256Mi"}, "limits": {"memory": "1Gi"}},
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": {"app": "test"}},
        "spec": {
            "restartPolicy": "Never",
            "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
            "containers": [container],
            **spec,
        },
    }
