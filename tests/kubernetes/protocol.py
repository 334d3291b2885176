"""Kubernetes' HTTP: paths, parameters and answers of the API server double."""

import contextlib
import json
import re
from collections.abc import Iterable
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from tests.kubernetes.admission import STORED, Refused
from tests.kubernetes.objects import fields, terms

if TYPE_CHECKING:
    from tests.kubernetes.api_server import ApiServer

_PODS = re.compile(r"/api/v1/namespaces/(?P<ns>[^/]+)/pods(?:/(?P<name>[^/]+)(?:/(?P<sub>log))?)?$")
_VERBS = {"POST": "create", "PATCH": "patch", "DELETE": "delete", "GET": "get"}
_REASONS = {
    400: "BadRequest",
    403: "Forbidden",
    404: "NotFound",
    409: "AlreadyExists",
    410: "Expired",
    413: "RequestEntityTooLarge",
    422: "Invalid",
    429: "TooManyRequests",
    503: "ServiceUnavailable",
}
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


def failure(code: int, message: str) -> dict[str, Any]:
    """The object `Status` of a refusal; what etcd refuses has no reason."""
    about = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure"}
    reason = {"reason": _REASONS[code]} if code in _REASONS else {}
    return {**about, "message": message, **reason, "code": code}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    api: "ApiServer"

    def log_message(self, format: str, *arguments: object) -> None:
        pass

    def _serve(self) -> None:
        try:
            self._route(self._body())
        except Refused as refused:
            self._answer(refused.status, failure(refused.status, refused.message))

    do_GET = do_POST = do_PATCH = do_DELETE = _serve

    def _body(self) -> dict[str, Any]:
        sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if len(sent) > 2 * STORED:
            raise Refused(413, f"Request entity too large: limit is {2 * STORED}")
        try:
            body: dict[str, Any] = json.loads(sent or b"{}")
        except ValueError as error:
            raise Refused(400, f"couldn't get version/kind; json parse error: {error}") from None
        return body

    def _route(self, body: dict[str, Any]) -> None:
        parts = urlsplit(self.path)
        query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
        found = _PODS.match(parts.path)
        if found is None:
            known = DISCOVERY.get(parts.path) if self.command == "GET" else None
            if known is None:
                self.api.unserved.append(f"{self.command} {self.path}")
                raise Refused(404, "the server could not find the requested resource")
            self._answer(200, known)
            return
        self.api.authorize(_VERBS[self.command], found["ns"])
        if self.command == "GET":
            self._read(found["name"], found["sub"], query)
        else:
            self._write(found["ns"], found["name"], query, body)

    def _write(self, namespace: str, name: str, query: dict[str, str], body: dict[str, Any]) -> None:
        if self.command == "POST":
            kept, unknown = self.api.create(namespace, body, query.get("fieldValidation", "Warn"))
            self._answer(201, kept, warnings=unknown)
        elif self.command == "PATCH":
            self._answer(200, self.api.patch(namespace, name, body))
        else:
            grace = query.get("gracePeriodSeconds") or body.get("gracePeriodSeconds")
            self._answer(200, self.api.delete(name, None if grace is None else int(grace)))

    def _read(self, name: str | None, sub: str | None, query: dict[str, str]) -> None:
        if name is not None:
            pod = self.api.find(name)
            lines = query.get("tailLines")
            self._answer(200, self.api.kubelet.log(name, int(lines) if lines else None) if sub else pod)
            return
        try:
            terms(query.get("labelSelector", ""))
            fields(query.get("fieldSelector", ""))
        except ValueError as error:
            raise Refused(400, str(error)) from None
        if query.get("watch", "").lower() in ("true", "1"):
            self._watch(query)
        else:
            self._answer(200, self._list(query))

    def _answer(self, code: int, value: Any, warnings: Iterable[str] = ()) -> None:
        text = isinstance(value, str)
        data = value.encode() if text else json.dumps(value).encode()
        self.send_response(code)
        for warning in warnings:
            self.send_header("Warning", f"299 - {json.dumps(warning)}")
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
