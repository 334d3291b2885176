"""The HTTP side of a scripted source: one request in, one answer out, in the way that its fault says."""

import base64
import contextlib
import socket
import struct
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import parse_qsl, urlsplit

from tests.servers.answers import (
    BadRequest,
    count_body,
    gzipped,
    in_pieces,
    json_body,
    ndjson_body,
    window,
)
from tests.servers.faults import NO_FAULT, Row

if TYPE_CHECKING:
    from tests.servers.scripted_http import ScriptedSource


@dataclass
class Request:
    """One request as it arrived; header names are in lower case, ``status`` None if not answered."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    asks_for: Literal["count", "rows", "unknown"]
    status: int | None = None
    body: bytes = b""


class Server(ThreadingHTTPServer):
    """Hands each connection to a thread, and can end them all at once."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, source: "ScriptedSource") -> None:
        self.source = source
        self._open: set[socket.socket] = set()
        super().__init__(("127.0.0.1", 0), Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def drop_connections(self) -> None:
        for connection in list(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that leaves in mid-answer is no news; anything else is a fault of this server: show it."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class Handler(BaseHTTPRequestHandler):
    """Answers one connection's requests as the source's shape and its next fault say."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: Server

    def log_message(self, *_: Any) -> None:
        """Tests read ``source.requests`` instead."""

    def do_GET(self) -> None:
        source, split = self.server.source, urlsplit(self.path)
        asks_for = {source.count_path: "count", source.rows_path: "rows"}.get(split.path, "unknown")
        headers = {name.lower(): value for name, value in self.headers.items()}
        query = dict(parse_qsl(split.query, keep_blank_values=True))
        self.request_seen = Request(self.command, split.path, query, headers, asks_for)  # type: ignore[arg-type]
        self.request_seen.body = self.rfile.read(int(headers.get("content-length", 0)))
        self.fault = source.take_fault(self.request_seen) or NO_FAULT
        self._answer()
        self.wfile.flush()

    do_HEAD = do_POST = do_GET

    def _answer(self) -> None:
        source, request, fault = self.server.source, self.request_seen, self.fault
        if fault.kind == "status":
            headers = dict(fault.headers)
            if "Location" in headers:
                headers["Location"] = headers["Location"] or self.path
            return self._plain(fault.code, fault.text, **headers)
        if fault.kind in ("cut", "stall") and fault.after is None:
            return self._end()
        if not _allowed(source, request):
            scheme = "Basic" if source.basic else "Bearer"
            return self._plain(401, b'{"detail":"not authorised"}', **{"WWW-Authenticate": scheme})
        if request.asks_for == "unknown":
            return self._plain(404, b'{"detail":"not found"}')
        if request.asks_for == "count":
            return self._send(lambda: [count_body(source, source.total)], "application/json")
        try:
            indices = window(source, request.query, source.total)
        except BadRequest as error:
            return self._plain(422, b'{"detail":"%s"}' % str(error).replace('"', "'").encode())
        return self._rows(indices)

    def _rows(self, indices: range) -> None:
        source, request = self.server.source, self.request_seen

        def rows() -> Iterable[Row]:
            right = source.window_rows(indices)
            return self.fault.change(right) if self.fault.change else right

        if source.offers_ndjson and "ndjson" in request.headers.get("accept", ""):
            return self._send(lambda: ndjson_body(source, rows()), "application/x-ndjson")
        return self._send(lambda: json_body(source, rows(), source.total), "application/json")

    def _plain(self, code: int, body: bytes, **headers: str) -> None:
        self._head(code, {"Content-Type": "application/json", **headers, "Content-Length": str(len(body))})
        if self.command != "HEAD":
            self.wfile.write(body)

    def _send(self, make_body: Callable[[], Iterable[bytes]], content_type: str) -> None:
        """``make_body`` is called twice where a length must be known before a body that is never held."""
        source, fault = self.server.source, self.fault
        packed = fault.gzip or (source.offers_gzip and "gzip" in self.headers.get("Accept-Encoding", ""))

        def body() -> Iterable[bytes]:
            made = gzipped(make_body()) if packed else make_body()
            return fault.rewrite(made) if fault.rewrite else made

        headers = {"Content-Type": content_type}
        if packed:
            headers["Content-Encoding"] = "gzip"
        if version := fault.version_text or source.version:
            headers[source.version_header] = version
        if source.total_header:
            headers[source.total_header] = str(source.total)
        chunked = (
            source.framing == "chunked" and fault.kind != "length" and self.request_version != "HTTP/1.0"
        )
        if chunked:
            headers["Transfer-Encoding"] = "chunked"
        else:
            headers["Content-Length"] = str(sum(map(len, body())) + fault.by)
        self._head(200, headers)
        if self.command != "HEAD":
            self._body(body(), chunked)

    def _head(self, code: int, headers: dict[str, str]) -> None:
        self.request_seen.status = code
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def _body(self, body: Iterable[bytes], chunked: bool) -> None:
        source, fault = self.server.source, self.fault
        left = fault.after if fault.kind in ("cut", "stall") else None
        for piece in in_pieces(body, fault.piece) if fault.kind == "drip" else in_pieces(body):
            sent = piece if left is None else piece[:left]
            # A chunk's announced size stays whole: a body cut here ends within a chunk.
            self.wfile.write(b"%x\r\n%b" % (len(piece), sent) if chunked else sent)
            if left is not None and (left := left - len(sent)) <= 0:
                return self._end()
            if chunked:
                self.wfile.write(b"\r\n")
            if fault.pause:
                self.wfile.flush()
                if source.closing.wait(fault.pause):
                    return self._end()
        if chunked:
            self.wfile.write(b"0\r\n\r\n")
        if fault.kind == "length":
            self.close_connection = True
        return None

    def _end(self) -> None:
        """Stop answering as the fault says: wait for the end, reset, or close in mid-sentence."""
        self.wfile.flush()
        self.close_connection = True
        if self.fault.kind == "stall":
            self.server.source.closing.wait()
        elif self.fault.ending == "reset" and self.fault.kind == "cut":
            # Linger on with no time to linger: the kernel sends RST in place of FIN.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            socket.close(self.connection.detach())


def _allowed(source: "ScriptedSource", request: Request) -> bool:
    sent = request.headers.get("authorization")
    if source.bearer is not None:
        return sent == f"Bearer {source.bearer}"
    if source.basic is not None:
        return sent == "Basic " + base64.b64encode(":".join(source.basic).encode()).decode()
    return True
