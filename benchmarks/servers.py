"""The two real servers of the copies: the sample API and SeaweedFS, each on its cores."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from benchmarks.machine import Cores, pinned
from services.local.errors import StackError
from services.local.home import PROJECT
from services.local.ports import HOST, free_port
from services.local.programs import answers
from services.local.seaweedfs import Seaweed

if TYPE_CHECKING:
    from collections.abc import Mapping

BUCKET = "benchmark"
START_SECONDS = 60


class ServerFailed(StackError):
    """A server did not start."""


@contextmanager
def api(data: Path, rows: int, cores: Cores, log: Path) -> Iterator[tuple[str, psutil.Process]]:
    """The sample API over a dataset folder, ready to answer `rows` at once; gives its URL and its process."""
    port = free_port()
    url = f"http://{HOST}:{port}"
    options = ["--data", str(data), "--host", HOST, "--port", str(port), "--max-limit", str(rows)]
    command = [sys.executable, "-m", "services.wildfires_api", "serve", *options]
    with _running(pinned(command, cores.api), log, lambda: answers(f"{url}/health")) as process:
        yield url, process


@contextmanager
def store(folder: Path, cores: Cores) -> Iterator[tuple[Seaweed, psutil.Process]]:
    """An empty store, and its process; its data goes with it."""
    folder.mkdir(parents=True)
    server = Seaweed(folder, free_port(), None, "benchmark", "benchmark-only", (BUCKET,))
    log = folder.with_suffix(".log")
    try:
        command = pinned(server.command(), cores.store)
        with _running(command, log, server.ready, server.environment()) as process:
            yield server, process
    finally:
        server.remove_sockets()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _running(
    command: Sequence[str], log: Path, ready: Callable[[], bool], environment: Mapping[str, str] | None = None
) -> Iterator[psutil.Process]:
    from services.local.airflow_env import clean_environment
    from services.local.home import Home

    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            cwd=PROJECT,
            env=clean_environment(Home(log.parent)) | dict(environment or {}),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # a Ctrl-C ends the measurement first, then this
        )
    try:
        deadline = time.monotonic() + START_SECONDS
        while not ready():
            if process.poll() is not None or time.monotonic() > deadline:
                tail = "\n".join(log.read_text(errors="replace").splitlines()[-20:])
                raise ServerFailed(f"{' '.join(command[:6])} … did not start. The end of its log:\n{tail}")
            time.sleep(0.1)
        yield psutil.Process(process.pid)
    finally:
        process.kill()
        process.wait()
