"""A small Kubernetes API server for tests: what KubernetesExecutor and the Python client ask of a real one.

It speaks the protocol over plain HTTP on 127.0.0.1 (list, watch, get, create, patch, delete, log,
discovery), checks every new pod against Kubernetes' own schema, and lets a kubelet run it. Paths and
parameters are those of https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/.
"""

import contextlib
import json
import re
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import kubernetes_validate
import yaml

from tests.kubernetes.kubelet import Kubelet
from tests.kubernetes.objects import Pod, Pods, now

SCHEMA = "1.37"
_PODS = re.compile(r"/api/v1/namespaces/(?P<ns>[^/]+)/pods(?:/(?P<name>[^/]+)(?:/(?P<sub>log))?)?$")
_REASONS = {404: "NotFound", 409: "AlreadyExists", 410: "Expired", 422: "Invalid", 429: "TooManyRequests"}


class ApiServer:
    """`with ApiServer(folder, image) as server:` and give `server.kubeconfig` to the client."""

    def __init__(self, folder: Path, image: dict[str, str]) -> None:
        self.pods = Pods()
        self.kubelet = Kubelet(self.pods, folder / "pods", image)
        self.refuses: Callable[[Pod], int] = lambda pod: 0  # the status that a pod's creation is refused with
        self.unserved: list[str] = []  # requests for what a real server has, and this one has not
        self.created: list[Pod] = []
        self.dropped = 0  # how many watches were broken off
        self.gone = 0  # how many were told that their version is too old
        self._watches = 0  # a number that changes when all watches are to end
        self._gently = False
        self._closing = threading.Event()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"api": self}))
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"
        self.kubeconfig = folder / "kubeconfig"
        folder.mkdir(parents=True, exist_ok=True)
        self.kubeconfig.write_text(yaml.safe_dump(self._kubeconfig()))

    def _kubeconfig(self) -> dict[str, Any]:
        return {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "double", "cluster": {"server": self.url}}],
            "users": [{"name": "nobody", "user": {}}],
            "contexts": [{"name": "double", "context": {"cluster": "double", "user": "nobody"}}],
            "current-context": "double",
        }

    def __enter__(self) -> "ApiServer":
        threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self.drop_watches()
        self.kubelet.stop()
        self._http.shutdown()
        self._http.server_close()

    def drop_watches(self) -> None:
        """Break every watch off in the middle, as when the server is killed."""
        self._end_watches(gently=False)

    def end_watches(self, *, gone: bool) -> None:
        """End every watch as a server does whose time is up; `gone`: none can go on from where it was."""
        if gone:
            self.pods.forget()
        self._end_watches(gently=True)

    def _end_watches(self, *, gently: bool) -> None:
        with self.pods.changed:
            self._gently = gently
            self._watches += 1
            self.pods.changed.notify_all()

    def create(self, namespace: str, pod: Pod) -> tuple[int, dict[str, Any]]:
        if code := self.refuses(pod):
            return code, failure(code, "the server is currently unable to handle the request")
        try:
            kubernetes_validate.validate(pod, SCHEMA, strict=True)
        except kubernetes_validate.ValidationError as error:
            return 422, failure(422, f"Pod is invalid: {error.message}")
        kept = self.pods.create(pod, namespace)
        if kept is None:
            return 409, failure(409, f'pods "{pod["metadata"]["name"]}" already exists')
        self.created.append(kept)
        self.kubelet.start(kept)
        return 201, kept

    def delete(self, name: str, grace: int | None) -> tuple[int, dict[str, Any]]:
        pod = self.pods.get(name)
        if pod is None:
            return 404, failure(404, f'pods "{name}" not found')
        seconds = pod["spec"].get("terminationGracePeriodSeconds", 30) if grace is None else grace

        def mark(edited: Pod) -> None:
            edited["metadata"].setdefault("deletionTimestamp", now())
            edited["metadata"]["deletionGracePeriodSeconds"] = seconds

        marked = self.pods.change(name, mark) or pod
        self.kubelet.delete(name, seconds)
        return 200, marked

    def patch(self, name: str, changes: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """A strategic merge of labels and annotations, which is all that the executor patches."""

        def merge(pod: Pod) -> None:
            for part in ("labels", "annotations"):
                given = changes.get("metadata", {}).get(part) or {}
                kept = {**(pod["metadata"].get(part) or {}), **given}
                pod["metadata"][part] = {key: value for key, value in kept.items() if value is not None}

        found = self.pods.change(name, merge)
        return (200, found) if found else (404, failure(404, f'pods "{name}" not found'))

    def watch(self, handler: "_Handler", query: dict[str, str]) -> None:
        """Send events until the client's time is up, the client leaves, or the watches are dropped."""
        selector = query.get("labelSelector", "")
        since = int(query.get("resourceVersion") or 0)
        deadline = time.monotonic() + float(query.get("timeoutSeconds", 1800))
        with self.pods.changed:
            mine = self._watches
            if 0 < since < self.pods.oldest:
                self.gone += 1
                handler.event({"type": "ERROR", "object": failure(410, f"too old resource version: {since}")})
                return
            first = self.pods.select(selector) if since == 0 else []
            since = since or self.pods.version
        for pod in first:
            handler.event({"type": "ADDED", "object": pod})
        while time.monotonic() < deadline and not self._closing.is_set():
            with self.pods.changed:
                if self._watches != mine:
                    self.dropped += not self._gently
                    handler.close_connection = not self._gently
                    return
                events, since = self.pods.events(since, selector), max(since, self.pods.version)
                if not events:
                    self.pods.changed.wait(1)
            for event in events:
                handler.event(event)


def failure(code: int, message: str) -> dict[str, Any]:
    """The object `Status` of a refusal."""
    about = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure"}
    return {**about, "message": message, "reason": _REASONS.get(code, "InternalError"), "code": code}


DISCOVERY: dict[str, dict[str, Any]] = {
    "/version": {"major": "1", "minor": "37", "gitVersion": "v1.37.0", "platform": "linux/amd64"},
    "/api": {"kind": "APIVersions", "versions": ["v1"]},
    "/apis": {"kind": "APIGroupList", "apiVersion": "v1", "groups": []},
    "/api/v1": {
        "kind": "APIResourceList",
        "groupVersion": "v1",
        "resources": [
            {
                "name": "pods",
                "singularName": "pod",
                "namespaced": True,
                "kind": "Pod",
                "verbs": ["create", "delete", "get", "list", "patch", "watch"],
            }
        ],
    },
}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    api: ApiServer

    def log_message(self, format: str, *arguments: object) -> None:
        pass

    def _serve(self) -> None:
        parts = urlsplit(self.path)
        query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
        found = _PODS.match(parts.path)
        if found is None:
            known = DISCOVERY.get(parts.path) if self.command == "GET" else None
            if known is None:
                self.api.unserved.append(f"{self.command} {self.path}")
            self._answer(200 if known else 404, known or failure(404, f"{parts.path} is not served here"))
        elif self.command == "POST":
            self._answer(*self.api.create(found["ns"], body))
        elif self.command == "PATCH":
            self._answer(*self.api.patch(found["name"], body))
        elif self.command == "DELETE":
            grace = query.get("gracePeriodSeconds") or body.get("gracePeriodSeconds")
            self._answer(*self.api.delete(found["name"], None if grace is None else int(grace)))
        elif found["sub"]:
            lines = query.get("tailLines")
            self._answer(200, self.api.kubelet.log(found["name"], int(lines) if lines else None))
        elif found["name"]:
            pod = self.api.pods.get(found["name"])
            self._answer(200 if pod else 404, pod or failure(404, f'pods "{found["name"]}" not found'))
        elif query.get("watch", "").lower() in ("true", "1"):
            self._watch(query)
        else:
            self._answer(200, self._list(query))

    do_GET = do_POST = do_PATCH = do_DELETE = _serve

    def _answer(self, code: int, value: Any) -> None:
        text = isinstance(value, str)
        data = value.encode() if text else json.dumps(value).encode()
        self.send_response(code)
        self.send_header("Content-Type", "text/plain" if text else "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _list(self, query: dict[str, str]) -> dict[str, Any]:
        pods = self.api.pods.select(query.get("labelSelector", ""), query.get("fieldSelector", ""))
        partial = "PartialObjectMetadataList" in self.headers.get("Accept", "")
        about = {"apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadata"}
        return {
            "apiVersion": "meta.k8s.io/v1" if partial else "v1",
            "kind": "PartialObjectMetadataList" if partial else "PodList",
            "metadata": {"resourceVersion": str(self.api.pods.version)},
            "items": [about | {"metadata": pod["metadata"]} for pod in pods] if partial else pods,
        }

    def _watch(self, query: dict[str, str]) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        with contextlib.suppress(ConnectionError):
            self.api.watch(self, query)
            if not self.close_connection:
                self.wfile.write(b"0\r\n\r\n")

    def event(self, event: dict[str, Any]) -> None:
        line = json.dumps(event).encode() + b"\n"
        self.wfile.write(f"{len(line):x}\r\n".encode() + line + b"\r\n")
        self.wfile.flush()
