"""A small Kubernetes API server for tests: what KubernetesExecutor and the Python client ask of a real one.

It serves pods over plain HTTP on 127.0.0.1 (list, watch, get, create, patch, delete, log, discovery), refuses
what a real one refuses, and lets a kubelet run the others. Paths and parameters are those of
https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/.
"""

import copy
import json
import threading
import time
from collections.abc import Callable
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

import yaml

from tests.kubernetes.admission import STORED, Refused, check, pruned
from tests.kubernetes.kubelet import Kubelet
from tests.kubernetes.objects import Pod, Pods, differences, now
from tests.kubernetes.protocol import Handler, failure

NAMESPACE = "airflow"
USER = f"system:serviceaccount:{NAMESPACE}:airflow-scheduler"
# What a patch may change of a pod's spec; the executor does not, so the double has no more than the names.
MUTABLE = {"image", "activeDeadlineSeconds", "terminationGracePeriodSeconds", "tolerations"}


class ApiServer:
    """`with ApiServer(folder, image) as server:` and give `server.kubeconfig` to the client."""

    def __init__(self, folder: Path, image: dict[str, str]) -> None:
        self.pods = Pods()
        self.kubelet = Kubelet(self.pods, folder / "pods", image)
        self.refuses: Callable[[Pod], int] = lambda pod: 0  # the status that a pod's creation is refused with
        self.quota: int | None = None  # how many pods may be there
        self.unserved: list[str] = []  # requests for what a real server has, and this one has not
        self.created: list[Pod] = []
        self.dropped = 0  # how many watches were broken off
        self.gone = 0  # how many were told that their version is too old
        self._watches = 0  # a number that changes when all watches are to end
        self._gently = False
        self._closing = threading.Event()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), type("Serving", (Handler,), {"api": self}))
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

    def authorize(self, verb: str, namespace: str) -> None:
        """The chart's role is one of its namespace."""
        if namespace != NAMESPACE:
            what = f'cannot {verb} resource "pods" in API group "" in the namespace "{namespace}"'
            raise Refused(403, f'pods is forbidden: User "{USER}" {what}')

    def create(self, namespace: str, pod: Pod, unknown_fields: str = "Warn") -> tuple[Pod, list[str]]:
        """(the pod, a warning for each unknown field, which is dropped unless they are refused)."""
        if code := self.refuses(pod):
            raise Refused(code, "the server is currently unable to handle the request")
        unknown = [f'unknown field "{path}"' for path in pruned(pod)]
        if unknown and unknown_fields == "Strict":
            raise Refused(400, f"strict decoding error: {', '.join(unknown)}")
        check(pod, namespace)
        name = pod["metadata"]["name"]
        used = sum(each["status"]["phase"] in ("Pending", "Running") for each in self.pods.select(""))
        if self.quota is not None and used >= self.quota:
            counts = f"requested: pods=1, used: pods={used}, limited: pods={self.quota}"
            raise Refused(403, f'pods "{name}" is forbidden: exceeded quota: pods, {counts}')
        if len(json.dumps(pod)) > STORED:
            raise Refused(500, "etcdserver: request is too large")
        kept = self.pods.create(pod, namespace)
        if kept is None:
            raise Refused(409, f'pods "{name}" already exists')
        self.created.append(kept)
        self.kubelet.start(kept)
        return kept, unknown

    def find(self, name: str) -> Pod:
        pod = self.pods.get(name)
        if pod is None:
            raise Refused(404, f'pods "{name}" not found')
        return pod

    def delete(self, name: str, grace: int | None) -> Pod:
        pod = self.find(name)
        seconds = pod["spec"].get("terminationGracePeriodSeconds", 30) if grace is None else grace

        def mark(edited: Pod) -> None:
            edited["metadata"].setdefault("deletionTimestamp", now())
            edited["metadata"]["deletionGracePeriodSeconds"] = seconds

        marked = self.pods.change(name, mark) or pod
        self.kubelet.delete(name, seconds)
        return marked

    def patch(self, namespace: str, name: str, changes: dict[str, Any]) -> Pod:
        """A strategic merge of labels and annotations, which is all that the executor patches."""
        before = self.find(name)
        metadata = changes.get("metadata", {})
        changed = set(differences(before["spec"], changes.get("spec", {})))
        if changed - MUTABLE:
            allowed = "`spec.containers[*].image`, `spec.activeDeadlineSeconds`, `spec.tolerations`"
            forbidden = f"spec: Forbidden: pod updates may not change fields other than {allowed}"
            raise Refused(422, f'Pod "{name}" is invalid: {forbidden}')
        if changed:
            self.unserved.append(f"PATCH of {changed}")
            raise Refused(501, "the double does not change a running pod")

        def merge(pod: Pod) -> None:
            pod["metadata"]["namespace"] = metadata.get("namespace", namespace)
            for part in ("labels", "annotations"):
                kept = {**(pod["metadata"].get(part) or {}), **(metadata.get(part) or {})}
                pod["metadata"][part] = {key: value for key, value in kept.items() if value is not None}

        merged = copy.deepcopy(before)
        merge(merged)
        check(merged, namespace)
        return self.pods.change(name, merge) or merged

    def watch(self, handler: Handler, query: dict[str, str]) -> None:
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
