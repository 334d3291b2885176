"""A source of many rows in a process of its own, and what it and the store say of their requests."""

import os
import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psutil

from services.local.home import PROJECT
from services.local.ports import HOST, free_port
from services.local.programs import answers
from services.local.stack import Stack
from tests.waiting import until

CONNECTION = "endless"
_COUNTED = re.compile(r'^SeaweedFS_s3_request_total\{bucket="([^"]*)".*\} (\S+)$', re.MULTILINE)


@dataclass(frozen=True)
class Source:
    url: str
    process: psutil.Process

    def requests(self) -> int:
        return int(_read(f"{self.url}/requests"))

    def cpu_seconds(self) -> float:
        return sum(self.process.cpu_times()[:2])


@contextmanager
def endless(stack: Stack, rows: int) -> Iterator[Source]:
    """A source of so many rows, which the stack's connection `endless` leads to."""
    port = free_port()
    command = [sys.executable, "-m", "tests.servers.endless", str(port), str(rows)]
    started = subprocess.Popen(command, cwd=PROJECT, env=os.environ | {"PYTHONPATH": str(PROJECT)})
    try:
        source = Source(f"http://{HOST}:{port}", psutil.Process(started.pid))
        until(lambda: answers(f"{source.url}/requests"), 60)
        body = {"connection_id": CONNECTION, "conn_type": "http", "host": HOST, "port": port}
        stack.api.put("/connections", "connection_id", body)
        yield source
    finally:
        started.kill()
        started.wait()


def store_requests(stack: Stack, bucket: str) -> int:
    """How many requests for the bucket the store has answered, by its own count."""
    counted = _COUNTED.findall(_read(f"http://{HOST}:{stack.store_metrics}/metrics"))
    return int(sum(float(number) for name, number in counted if name == bucket))


def _read(url: str) -> str:
    with urllib.request.urlopen(url, timeout=60) as answer:
        return str(answer.read().decode())
