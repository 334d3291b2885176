"""HTTP messages as the proxy reads and writes them."""

from __future__ import annotations

import http.client
import socket
from dataclasses import dataclass

from tests.faults import weather as w
from tests.faults.weather import Weather

LARGEST_HEAD = 64 << 10
LOOP_PATH = "/redirected-in-a-circle"
PER_CONNECTION = {"connection", "keep-alive", "transfer-encoding", "content-length", "proxy-connection"}


@dataclass(frozen=True)
class Request:
    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes
    rest: int  # bytes of the body that were left unread


@dataclass(frozen=True)
class Answer:
    """`length`: what Content-Length says; None: the truth."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes
    length: int | None = None

    def head(self) -> bytes:
        length = len(self.body) if self.length is None else self.length
        lines = [f"HTTP/1.1 {self.status} {http.client.responses.get(self.status, 'Unknown')}"]
        lines += [f"{name}: {value}" for name, value in self.headers if name.lower() not in PER_CONNECTION]
        lines += [f"Content-Length: {length}", "Connection: close", "", ""]
        return "\r\n".join(lines).encode("latin-1")


def read(client: socket.socket, weather: Weather) -> tuple[Request | None, str | None]:
    """One request and its fault; of a PUT that is to break off only half of the body is read."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = client.recv(64 << 10)
        if not piece or len(data) > LARGEST_HEAD:
            return None, None
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    method, target, _ = first.split(" ", 2)
    headers = [(name, value.strip()) for name, _, value in (line.partition(":") for line in lines)]
    size = int(next((value for name, value in headers if name.lower() == "content-length"), 0))
    looping = target.startswith(LOOP_PATH)
    fault = None if looping else weather.draw(method, target)
    wanted = size // 2 if fault == w.PUT_CUT else size
    pieces = bytearray(body)
    while len(pieces) < wanted and (piece := client.recv(256 << 10)):
        pieces += piece
    return Request(method, target, headers, bytes(pieces), size - len(pieces)), fault


def send(client: socket.socket, request: Request, answer: Answer) -> None:
    client.sendall(answer.head() + (b"" if request.method == "HEAD" else answer.body))
