"""A door in front of an HTTP server: requests for chosen paths wait at it until they are let through."""

import http.client
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

# The bodies are passed on as they are, with a length of their own.
NOT_PASSED_ON = {"connection", "transfer-encoding", "content-length", "date", "server"}


class Gate:
    """Passes GET requests on to `upstream_port` of 127.0.0.1; those for `held` paths wait."""

    def __init__(self, upstream_port: int, *held: str) -> None:
        self.upstream_port = upstream_port
        self._held = set(held)
        self._changed = threading.Condition()
        gate = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                gate.wait_at(self.path.partition("?")[0])
                gate.answer(self)

            def log_message(self, *_: Any) -> None:
                """A test's output needs no access log."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port: int = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> "Gate":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.let(*self._held)
        self._server.shutdown()
        self._server.server_close()

    def let(self, *paths: str) -> None:
        """Let through what waits for these paths, and all that comes."""
        with self._changed:
            self._held -= set(paths)
            self._changed.notify_all()

    def wait_at(self, path: str) -> None:
        with self._changed:
            self._changed.wait_for(lambda: path not in self._held)

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        upstream = http.client.HTTPConnection("127.0.0.1", self.upstream_port, timeout=60)
        try:
            upstream.request("GET", handler.path, headers={"Accept": handler.headers.get("Accept", "*/*")})
            response = upstream.getresponse()
            body = response.read()
            handler.send_response(response.status)
            for name, value in response.getheaders():
                if name.lower() not in NOT_PASSED_ON:
                    handler.send_header(name, value)
            handler.send_header("Content-Length", str(len(body)))
            handler.end_headers()
            handler.wfile.write(body)
        except OSError:  # the client has given up
            handler.close_connection = True
        finally:
            upstream.close()
