"""A gate in front of a store: what `answer` knows an answer to never reaches it. It is an HTTP proxy, too."""

import http.client
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.servers.gate import NOT_PASSED_ON


@dataclass(frozen=True)
class S3Request:
    """A request as it arrived; header names are in lower case, `host` is the one of its Host header."""

    method: str
    path: str
    query: str
    host: str
    headers: dict[str, str]


@dataclass(frozen=True)
class S3Answer:
    """What the gate says; `cut`: it announces more bytes than it sends, and hangs up."""

    status: int = 200
    body: bytes = b""
    content_type: str = "application/xml"
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False


def refusal(status: int, code: str) -> S3Answer:
    """An error as S3 writes it."""
    text = f"<Error><Code>{code}</Code><Message>{code}</Message><Resource>/</Resource></Error>"
    return S3Answer(status, text.encode())


class S3Gate:
    """Passes requests on to `upstream_port` of 127.0.0.1, as they are: a signature holds its Host header."""

    def __init__(
        self,
        upstream_port: int = 0,
        answer: Callable[[S3Request], S3Answer | None] = lambda _: None,
        tls: tuple[Path, Path] | None = None,
    ) -> None:
        self.upstream_port = upstream_port
        self.answer = answer
        self.seen: list[S3Request] = []
        gate = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                gate.serve(self)

            do_PUT = do_POST = do_DELETE = do_HEAD = do_GET

            def log_message(self, *_: Any) -> None:
                """Tests read `seen` instead."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign]  # who distrusts it hangs up
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )

    def __enter__(self) -> "S3Gate":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def serve(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        target = urlsplit(handler.path)
        headers = {name.lower(): value for name, value in handler.headers.items()}
        request = S3Request(handler.command, target.path, target.query, headers["host"], headers)
        self.seen.append(request)
        if (answer := self.answer(request)) is None:
            return self._pass_on(handler, body)
        handler.send_response(answer.status)
        length = len(answer.body) + 1000 * answer.cut
        told = {"Content-Type": answer.content_type, "Content-Length": str(length), **answer.headers}
        for name, value in told.items():
            handler.send_header(name, value)
        handler.end_headers()
        if handler.command != "HEAD":
            handler.wfile.write(answer.body)
        handler.close_connection = handler.close_connection or answer.cut
        return None

    def _pass_on(self, handler: BaseHTTPRequestHandler, body: bytes) -> None:
        upstream = http.client.HTTPConnection("127.0.0.1", self.upstream_port, timeout=60)
        target = urlsplit(handler.path)
        path = f"{target.path}?{target.query}" if target.query else target.path
        try:
            upstream.putrequest(handler.command, path, skip_host=True, skip_accept_encoding=True)
            for name, value in handler.headers.items():
                upstream.putheader(name, value)
            upstream.endheaders(body)
            response = upstream.getresponse()
            data = response.read()
            handler.send_response(response.status)
            for name, value in response.getheaders():
                if name.lower() not in NOT_PASSED_ON:
                    handler.send_header(name, value)
            length = response.getheader("Content-Length") if handler.command == "HEAD" else None
            handler.send_header("Content-Length", length or str(len(data)))
            handler.end_headers()
            handler.wfile.write(data)
        finally:
            upstream.close()
