"""What a measured process does: it reads its job, moves the rows, and prints what that took.

Standard library alone: it runs in every interpreter, and what it imports would hide in the idle memory.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable
from typing import Any

Job = dict[str, Any]  # way, base, format, start, rows, url, endpoint, bucket, access_key, secret_key, prefix
Move = Callable[[], dict[str, Any]]  # moves the rows; returns what a judge needs: keys, or a number of bytes


def measure(load: Callable[[Job], Move]) -> None:
    """Read a job from standard input, do it, and print a JSON object with the seconds and megabytes.

    `load` imports what the way needs and opens its ends: that is counted apart from the move itself.
    """
    job: Job = json.load(sys.stdin)
    if job["base"] == "airflow":
        import airflow.sdk  # noqa: F401 (what an idle task process has loaded)
    idle = peak_mb()
    marks = [_clock()]
    move = load(job)
    marks.append(_clock())
    moved = move()
    marks.append(_clock())
    (began, began_cpu), (loaded, loaded_cpu), (ended, ended_cpu) = marks
    result = {
        **moved,
        "seconds": ended - loaded,
        "cpu_seconds": ended_cpu - loaded_cpu,
        "loading_seconds": loaded - began,
        "loading_cpu_seconds": loaded_cpu - began_cpu,
        "idle_mb": idle,
        "peak_mb": peak_mb(),
    }
    print(json.dumps(result))


def _clock() -> tuple[float, float]:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return time.perf_counter(), usage.ru_utime + usage.ru_stime


def peak_mb() -> float:
    """The largest resident set of this process so far, in MiB.

    Not `ru_maxrss`: that outlives an exec, and would be the parent's where this process is smaller.
    """
    with open("/proc/self/status") as status:  # noqa: PTH123 (pathlib is not loaded yet)
        return next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmHWM"))
