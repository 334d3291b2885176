"""Much at once on a small machine, measured: `python -m tests.scale.measuring --rows 10000000 --maps 128`.

First one run of many maps over a source of many rows, then many runs at once. What must hold is checked:
every run is a success with all its rows, no task was tried twice, and no server's memory grew from the first
third to the last.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

from services.local.airflow_api import RUN_ENDED, Run
from services.local.cleanup import marked_processes
from services.local.home import PROJECT
from services.local.ports import free_ports
from services.local.stack import Stack
from tests.faults.judgement import patiently

DAG = "wildfires_small_to_s3"
BUCKET = "task-mapping-api-data"
LOST = re.compile(
    r"heartbeat timeout|detected zombie|Zombie|did not send heartbeat|heartbeat.*lost", re.IGNORECASE
)
GROWTH = 1.25  # a process's median memory in the last third of a run, at most so many times that of the first


@dataclass
class Measured:
    """One load: what it was, what it took, which runs did not do it, and what else should not be.

    `wrong` depends on the machine: where many share it, a heartbeat can be late and a task be tried again.
    """

    title: str
    facts: dict[str, str] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    @property
    def findings(self) -> list[str]:
        return self.failed + self.wrong


class Memory:
    """Resident memory of the stack's lasting processes while it is open, by name, in MB; from a thread."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.seen: dict[str, list[float]] = {}
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Memory:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._end.wait(2):
            for name, info in self.stack.supervisor.states().items():
                try:
                    size = psutil.Process(info["pid"]).memory_info().rss / 1e6
                except psutil.Error:
                    continue
                self.seen.setdefault(name, []).append(size)

    def thirds(self) -> dict[str, tuple[float, float]]:
        """Name → median of the first and of the last third."""
        found = {}
        for name, sizes in self.seen.items():
            third = max(1, len(sizes) // 3)
            first, last = (sorted(part)[len(part) // 2] for part in (sizes[:third], sizes[-third:]))
            found[name] = (first, last)
        return found


@contextmanager
def endless(rows: int, stack: Stack) -> Iterator[int]:
    """A source of so many rows in a process of its own; its port."""
    import subprocess

    (port,) = free_ports(1)
    command = [sys.executable, "-m", "tests.servers.endless", str(port), str(rows)]
    process = subprocess.Popen(command, cwd=PROJECT, env=os.environ | {"PYTHONPATH": str(PROJECT)})
    body = {"connection_id": "endless", "conn_type": "http", "host": "127.0.0.1", "port": port}
    stack.api.request("POST", "/connections", json=body)
    try:
        yield port
    finally:
        process.kill()
        process.wait()


def many_rows(stack: Stack, rows: int, maps: int) -> Measured:
    """One run over `rows` rows in `maps` maps."""
    found = Measured(f"{rows:,} rows in {maps} maps")
    size = -(-rows // maps)
    with endless(rows, stack), Memory(stack) as memory:
        conf = {"name": "many-rows", "conn_id": "endless", "version_header": "ETag", "force": True}
        began = time.monotonic()
        run = stack.trigger("api_to_s3", conf | {"batch_size": size, "compression": "zstd"})
        state = _end_of(stack, run)
        seconds = time.monotonic() - began
    _examine(found, stack, run, state, rows)
    copied = [ti for ti in stack.task_instances(run) if ti["task_id"] == "copy"]
    receipts = _manifest(stack, run).get("receipts", [])
    peaks = [receipt["peak_rss_mb"] for receipt in receipts]
    found.facts |= {
        "wall time": f"{seconds:.0f} s",
        "rows/s": f"{rows / seconds:,.0f}",
        "maps": str(len(copied)),
        "rows in a batch": f"{size:,}",
        "peak memory of a copy": f"{min(peaks):.0f} to {max(peaks):.0f} MB" if peaks else "–",
    }
    if len(copied) != maps:
        found.failed.append(f"{len(copied)} maps; {maps} expected")
    return with_memory(found, memory)


def many_runs(stack: Stack, runs: int, conf: dict[str, Any]) -> Measured:
    """So many runs of the DAG that `make run` runs, triggered at once."""
    found = Measured(f"{runs} runs of {DAG} at once")
    with Memory(stack) as memory:
        began = time.monotonic()
        started = [stack.trigger(DAG, conf | {"force": True}) for _ in range(runs)]
        states = [_end_of(stack, run) for run in started]
        seconds = time.monotonic() - began
    for run, state in zip(started, states, strict=True):
        _examine(found, stack, run, state, None)
    tasks = sum(len(stack.task_instances(run)) for run in started)
    found.facts |= {
        "wall time": f"{seconds:.0f} s",
        "tasks": str(tasks),
        "s a task": f"{seconds / tasks:.2f}",
    }
    return with_memory(found, memory)


def _end_of(stack: Stack, run: Run) -> str:
    """The run's end state; an answer that the API server owes for a while is waited for."""
    deadline = time.monotonic() + 3_600
    while (state := patiently(lambda: stack.api.run_state(run))) not in RUN_ENDED:
        if time.monotonic() > deadline:
            break
        time.sleep(1)
    return state


def _examine(found: Measured, stack: Stack, run: Run, state: str, rows: int | None) -> None:
    """Add what is wrong with a run."""
    if state != "success":
        found.failed.append(f"{run.run_id} is {state}")
    again = [ti for ti in stack.task_instances(run) if ti["try_number"] > 1]
    found.wrong += [f"{ti['task_id']} [{ti['map_index']}] was tried {ti['try_number']} times" for ti in again]
    manifest = _manifest(stack, run)
    wanted = rows if rows is not None else manifest.get("source", {}).get("count")
    if not manifest or manifest["rows"] != wanted:
        found.failed.append(f"{run.run_id}: {manifest.get('rows')} rows are committed; {wanted} expected")


def _manifest(stack: Stack, run: Run) -> dict[str, Any]:
    committed = stack.api.xcom(run, "commit")
    if not committed:
        return {}
    with stack.s3.get_object(BUCKET, committed["manifest"].partition(f"{BUCKET}/")[2]) as response:
        return json.loads(response.read())


def with_memory(found: Measured, memory: Memory) -> Measured:
    for name, (first, last) in memory.thirds().items():
        found.facts[f"memory of {name}"] = f"{first:.0f} MB in the first third, {last:.0f} MB in the last"
        if last > first * GROWTH and last - first > 50:
            found.wrong.append(f"{name} grew from {first:.0f} to {last:.0f} MB")
    return found


def _logs(stack: Stack) -> Measured:
    """What the servers' own logs say of heartbeats, and processes that nobody waits for."""
    found = Measured("afterwards")
    lost = [
        line
        for file in sorted(stack.home.logs.glob("*.log"))
        for line in file.read_text(errors="replace").splitlines()
        if LOST.search(line)
    ]
    zombies = [p for p in marked_processes(stack.home) if p.status() == psutil.STATUS_ZOMBIE]
    found.facts = {
        "heartbeats lost": str(len(lost)),
        "zombie processes": str(len(zombies)),
        "load average of the machine, 15 minutes": f"{os.getloadavg()[2]:.1f}",
    }
    found.wrong = [*lost[:5], *(f"zombie {process.pid}" for process in zombies)]
    return found


def markdown(loads: Sequence[Measured], cores: int) -> str:
    lines = [
        "# Load report",
        "",
        f"Written by `make load` on {datetime.now(UTC):%Y-%m-%d}: {cores} cores, {_memory_gb()} GB, "
        "LocalExecutor with 8 processes, PostgreSQL, SeaweedFS and the source on the same machine. Checked: "
        "every run succeeded with all its rows, no task was tried twice, no server's memory grew by a "
        "quarter, no heartbeat was lost.",
        "",
    ]
    for load in loads:
        lines += [f"## {load.title}", "", "| what | measured |", "|---|---|"]
        lines += [f"| {name} | {value} |" for name, value in load.facts.items()]
        lines += ["", *(f"- **wrong**: {each}" for each in load.findings)]
        lines += [""] if load.findings else []
    return "\n".join(lines).rstrip() + "\n"


def _memory_gb() -> int:
    return round(psutil.virtual_memory().total / (1 << 30))


def main(arguments: Sequence[str] | None = None) -> int:
    """0: all held; 1: something did not."""
    parser = argparse.ArgumentParser(prog="python -m tests.scale.measuring", description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000, help="of the large run (default %(default)s)")
    parser.add_argument("--maps", type=int, default=128, help="of the large run (default %(default)s)")
    parser.add_argument("--runs", type=int, default=10, help="triggered at once (default %(default)s)")
    parser.add_argument("--report", type=Path, metavar="FILE", help="write the report there as well")
    options = parser.parse_args(arguments)
    with (
        tempfile.TemporaryDirectory(prefix="load-", ignore_cleanup_errors=True) as folder,
        Stack(Path(folder) / "stack", report=_say) as stack,
    ):
        large = many_rows(stack, options.rows, options.maps)
        loads = [large, many_runs(stack, options.runs, {}), _logs(stack)]
    text = markdown(loads, os.cpu_count() or 1)
    if options.report:
        options.report.write_text(text)
    _say(f"\n{text}")
    return int(any(load.findings for load in loads))


def _say(text: str) -> None:
    if not text.startswith("…"):
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
