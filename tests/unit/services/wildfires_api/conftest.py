"""Generated data, and real servers over it, for the tests of the sample source."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.waiting import until

try:
    from services.wildfires_api.generator import generate
except ModuleNotFoundError:  # the Astro image does not carry services/
    collect_ignore_glob = ["test_*.py"]

PROJECT = Path(__file__).parents[4]


@pytest.fixture(scope="session")
def small_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """20,000 generated rows; not to be changed."""
    folder = tmp_path_factory.mktemp("small") / "data"
    generate(20_000, folder)
    return folder


@pytest.fixture(scope="session")
def rows(small_data: Path) -> list[dict[str, Any]]:
    """The rows of `small_data`; not to be changed."""
    return [json.loads(line) for line in (small_data / "rows.ndjson").read_bytes().splitlines()]


@dataclass
class Server:
    """A server in a process of its own."""

    port: int
    process: subprocess.Popen

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def peak_memory(self) -> int:
        """The largest resident size so far, in bytes."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) * 1024


@pytest.fixture(scope="session")
def serve() -> Iterator[Callable[..., Server]]:
    """Starts servers on free ports, with options as on the command line; ends them afterwards."""
    started: list[subprocess.Popen] = []

    def start(folder: Path, *options: str) -> Server:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        command = [sys.executable, "-m", "services.wildfires_api", "serve"]
        process = subprocess.Popen(
            [*command, "--data", str(folder), "--port", str(port), *options],
            cwd=PROJECT,
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
        )
        started.append(process)
        server = Server(port, process)
        until(lambda: process.poll() is not None or answers(server.url))
        assert process.poll() is None, "the server ended"
        return server

    yield start
    for process in started:
        process.terminate()
        process.wait()


def answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health").is_success
    except httpx.TransportError:
        return False
