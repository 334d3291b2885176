"""A measured process: reads a job from standard input, does it, and prints what that took as JSON.

Seconds are of the move alone; loading, which a task pays once, is counted apart. Memory is in MiB.
"""

import json
import sys
import time


def main() -> None:
    job = json.load(sys.stdin)
    if job["setting"] == "task":
        import airflow.sdk  # noqa: F401 (what an idle task process has loaded)
    idle, began = peak_mb(), time.process_time()
    if job["format"] == "parquet":
        import pyarrow.parquet  # noqa: F401 (loading is counted apart from moving)
    from benchmarks.ways import copies, floors

    steps = (getattr(copies, job["way"], None) or getattr(floors, job["way"]))(job)
    next(steps)
    loaded, started = time.process_time(), time.perf_counter()
    prefix = next(steps)
    taken = {"seconds": time.perf_counter() - started, "cpu_seconds": time.process_time() - loaded}
    taken |= {"loading_cpu_seconds": loaded - began, "idle_mb": idle, "peak_mb": peak_mb()}
    print(json.dumps({"prefix": prefix, **taken}))


def peak_mb() -> float:
    """Not `ru_maxrss`: that outlives an exec, and would be the parent's where this process is smaller."""
    with open("/proc/self/status") as status:  # noqa: PTH123 (pathlib is not loaded yet)
        return next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmHWM"))


if __name__ == "__main__":
    main()
