"""What only load shows: memory, concurrent streams, clients that leave, data that changes meanwhile."""

import hashlib
import shutil
import socket
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from services.wildfires_api.generator import generate
from tests.waiting import until

MEGABYTE = 1024 * 1024


class SlowClient:
    """Asks for rows and reads only when told."""

    def __init__(self, port: int, path: str) -> None:
        self.socket = socket.socket()
        # A small window, so that the server cannot hand the answer over to the kernel at once.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * 1024)
        self.socket.connect(("127.0.0.1", port))
        self.socket.sendall(f"GET {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n".encode())
        self.head = b""
        while b"\r\n\r\n" not in self.head:
            self.head += self.socket.recv(1024)
        self.head, self.begun = self.head.split(b"\r\n\r\n", 1)

    def rest(self) -> bytes:
        """The whole body."""
        body = [self.begun]
        while piece := self.socket.recv(MEGABYTE):
            body.append(piece)
        return b"".join(body)

    def leave(self) -> None:
        self.socket.close()


EVERYTHING = "/api/get?start=0&limit=20000"


def test_above_the_bound_of_streams_clients_are_asked_to_come_back(serve: Callable, small_data: Path) -> None:
    server = serve(small_data, "--max-concurrency", "1")
    slow = SlowClient(server.port, EVERYTHING)
    refused = httpx.get(f"{server.url}/api/get?start=0&limit=1")
    assert refused.status_code == 503
    assert int(refused.headers["Retry-After"]) > 0
    assert "--max-concurrency" in refused.json()["detail"]
    assert httpx.get(f"{server.url}/api/count").json() == 20_000  # not a stream
    assert len(slow.rest()) == (small_data / "rows.ndjson").stat().st_size + 1
    until(lambda: httpx.get(f"{server.url}/api/get?start=0&limit=1").is_success)


def test_a_client_that_leaves_frees_its_place(serve: Callable, small_data: Path) -> None:
    server = serve(small_data, "--max-concurrency", "1")
    SlowClient(server.port, EVERYTHING).leave()
    until(lambda: httpx.get(f"{server.url}/api/get?start=0&limit=1").is_success)


def test_an_answer_under_way_stays_the_version_it_began_with(
    serve: Callable, small_data: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(small_data, tmp_path / "a")
    server = serve(folder)
    slow = SlowClient(server.port, EVERYTHING)
    generate(10, folder, seed=1)
    assert len(httpx.get(f"{server.url}{EVERYTHING}").json()) == 10
    old = (small_data / "rows.ndjson").read_bytes()
    expected = b"[" + old[:-1].replace(b"\n", b",") + b"]"
    assert hashlib.sha256(slow.rest()).digest() == hashlib.sha256(expected).digest()


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads memory from /proc")
def test_memory_does_not_grow_with_the_limit(serve: Callable, tmp_path: Path) -> None:
    generate(200_000, tmp_path / "a")
    server = serve(tmp_path / "a")

    def read(limit: int, **headers: str) -> int:
        with httpx.stream("GET", f"{server.url}/api/get?start=0&limit={limit}", headers=headers) as answer:
            return sum(map(len, answer.iter_raw(MEGABYTE)))

    read(1_000)
    before = server.peak_memory()
    assert read(200_000, **{"Accept-Encoding": "identity"}) > 150 * MEGABYTE
    assert read(200_000, **{"Accept-Encoding": "gzip"}) > 10 * MEGABYTE
    assert server.peak_memory() - before < 10 * MEGABYTE


def test_data_is_generated_at_start_when_there_is_none(serve: Callable, tmp_path: Path) -> None:
    server = serve(tmp_path / "a", "--generate-if-missing", "25")
    assert httpx.get(f"{server.url}/api/count").json() == 25
