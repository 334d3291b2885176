"""An HTTP proxy on 127.0.0.1 that lets a `Weather` spoil what passes through it, one fault a request."""

from __future__ import annotations

import contextlib
import http.client
import socket
import threading
import time

from tests.faults import weather as w
from tests.faults.messages import LOOP_PATH, PER_CONNECTION, Answer, Request, read, send
from tests.faults.spoiling import CHANGED, INSTEAD, TRAVEL, reset
from tests.faults.weather import Weather

UPSTREAM_SECONDS = 30.0
REFUSING_SECONDS = 0.6


class Proxy:
    """Passes requests on to `upstream_port` of 127.0.0.1; set `weather` to change what they meet.

    The Host header is passed on as it came: an S3 request is signed with it.
    """

    def __init__(self, upstream_port: int) -> None:
        self.upstream_port = upstream_port
        self.weather = Weather()
        self._listener = _listener(0)
        self.port: int = self._listener.getsockname()[1]
        self._refuse_until = 0.0
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._accept, daemon=True, name=f"proxy-{self.port}")

    def __enter__(self) -> Proxy:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closed.set()
        self._thread.join(10)
        self._listener.close()

    def refuse(self) -> None:
        """Nobody listens on the port for a moment: the system itself refuses connections."""
        self._refuse_until = time.monotonic() + REFUSING_SECONDS

    def _accept(self) -> None:
        while not self._closed.is_set():
            if self._refuse_until > time.monotonic():
                self._listener.close()
                self._closed.wait(max(0.0, self._refuse_until - time.monotonic()))
                self._listener = _listener(self.port)
            with contextlib.suppress(TimeoutError):
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        client.settimeout(UPSTREAM_SECONDS)
        # Either side may leave at any time; what is left then is to close the connection.
        with client, contextlib.suppress(OSError, http.client.HTTPException):
            current = self.weather
            request, fault = read(client, current)
            if request is None:
                return
            if request.target.startswith(LOOP_PATH):
                send(client, request, Answer(302, [("Location", request.target)], b""))
                return
            if fault is not None:
                current.count(fault)
            self._answer(client, request, fault)

    def _answer(self, client: socket.socket, request: Request, fault: str | None) -> None:
        if fault == w.REFUSE:
            self.refuse()
        if fault in (w.REFUSE, w.RESET, w.READ_RESET, w.PUT_CUT):
            return reset(client)
        if fault in INSTEAD:
            return send(client, request, INSTEAD[fault])
        try:
            answer = self._pass_on(request)
        except OSError:  # the server is down: so it looks to the client
            return reset(client)
        if fault == w.PUT_LOST:
            return reset(client)
        if fault in TRAVEL:
            return TRAVEL[fault](client, answer)
        if fault in CHANGED:
            answer = CHANGED[fault](answer)
        return send(client, request, answer)

    def _pass_on(self, request: Request) -> Answer:
        upstream = http.client.HTTPConnection("127.0.0.1", self.upstream_port, timeout=UPSTREAM_SECONDS)
        with contextlib.closing(upstream):
            upstream.putrequest(request.method, request.target, skip_host=True, skip_accept_encoding=True)
            for name, value in request.headers:
                if name.lower() not in PER_CONNECTION - {"content-length"}:
                    upstream.putheader(name, value)
            upstream.putheader("Connection", "close")
            upstream.endheaders(request.body or None)
            response = upstream.getresponse()
            body = response.read()
            length = int(response.headers.get("Content-Length") or 0) if request.method == "HEAD" else None
            return Answer(response.status, response.getheaders(), body, length)


def _listener(port: int) -> socket.socket:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen(128)
    listener.settimeout(0.1)
    return listener
