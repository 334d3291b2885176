"""A run, measured: its time, CPU and requests, the memory of who took part, and what is wrong with it."""

import json
import re
import time
import uuid
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import psutil

from benchmarks.dag_runs import cpu_seconds, seconds_of
from include.wildfires import WILDFIRE_TYPES
from services.local.airflow_api import RUN_ENDED, Run
from services.local.cleanup import marked_processes
from services.local.execution_requests import by_task_instance
from services.local.stack import Stack
from tests.faults.judgement import patiently
from tests.scale.memory import Memory, Sizes
from tests.scale.source import CONNECTION, Source, endless, store_requests

MANY_ROWS, MANY_RUNS = "api_to_s3", "wildfires_small_to_s3"
# As the wildfires are copied: CSV as it is, columns declared.
CONF: dict[str, Any] = {"name": "scale", "conn_id": CONNECTION, "version_header": "ETag", "misfit": "fail"}
CONF |= {"format": "csv", "compression": "none", "types": WILDFIRE_TYPES, "force": True}
HANGS_SECONDS = 6 * 3_600
LOST = re.compile(
    r"heartbeat timeout|detected zombie|Zombie|did not send heartbeat|heartbeat.*lost", re.IGNORECASE
)
# Programs whose CPU a run costs. The DAG processor's goes with the time alone.
CPU = ("tasks", "scheduler", "api-server", "postgres", "source", "s3")
REQUESTS = ("source requests", "store requests", "Airflow requests")


@dataclass
class Measured:
    """One run, or many at once. `costs`: seconds, CPU seconds by program, and requests by who answers them.

    `failed` is the project's fault; `wrong` may be the machine's: where many share it, a heartbeat can be
    late and a task be tried again.
    """

    title: str
    rows: int = 0
    maps: int = 0
    costs: dict[str, float] = field(default_factory=dict)
    copy_mb: tuple[float, float] = (0, 0)  # the least and the largest peak of a copy
    memory: Mapping[str, Sizes] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    @property
    def findings(self) -> list[str]:
        return [f"{self.title}: {each}" for each in (*self.failed, *self.wrong)]


def measured(stack: Stack, rows: int, maps: int) -> Measured:
    """A run over so many rows in so many maps, into a bucket that is removed with all its objects."""
    found = Measured(f"{rows:,} rows in {maps:,} map{'s' * (maps != 1)}", rows, maps)
    bucket = f"scale-{uuid.uuid4().hex[:8]}"  # the count of one that was removed goes on under its name
    stack.s3.make_bucket(bucket)
    opened = store_requests(stack, bucket)
    try:
        with endless(stack, rows) as source, Memory(stack) as memory:
            before = _cpu(stack, source)
            run = stack.trigger(MANY_ROWS, CONF | {"bucket": bucket, "batch_size": -(-rows // maps)})
            state = _end_of(stack, run)
            found.costs |= {name: used - before[name] for name, used in _cpu(stack, source).items()}
            found.costs["source requests"] = source.requests()
        found.costs["store requests"] = store_requests(stack, bucket) - opened
        manifest = _examine(found, stack, run, state, rows)
    finally:
        stack.s3.remove_bucket(bucket)  # SeaweedFS removes a full one too, and frees its disk at once
    instances = stack.task_instances(run)
    asked = by_task_instance(stack.home.logs)
    found.costs["Airflow requests"] = sum(asked.get(each["id"], Counter()).total() for each in instances)
    found.costs["seconds"] = seconds_of(patiently(lambda: stack.api.request("GET", run.path)), "queued_at")
    copied = sum(each["task_id"] == "copy" for each in instances)
    if copied != maps:
        found.failed.append(f"{copied} maps; {maps} expected")
    if peaks := [receipt["peak_rss_mb"] for receipt in manifest.get("receipts", ())]:
        found.copy_mb = (min(peaks), max(peaks))
    return _with_memory(found, memory)


def many_runs(stack: Stack, runs: int, conf: dict[str, Any]) -> Measured:
    """So many runs of the DAG that `make run` runs, triggered at once."""
    found = Measured(f"{runs} runs of {MANY_RUNS} at once")
    with Memory(stack) as memory:
        began = time.monotonic()
        started = [stack.trigger(MANY_RUNS, conf | {"force": True}) for _ in range(runs)]
        states = [_end_of(stack, run) for run in started]
        found.costs["seconds"] = time.monotonic() - began
    for run, state in zip(started, states, strict=True):
        _examine(found, stack, run, state, None)
    found.costs["tasks"] = sum(len(stack.task_instances(run)) for run in started)
    return _with_memory(found, memory)


def afterwards(stack: Stack) -> Measured:
    """What the servers' own logs say of heartbeats, and processes that nobody waits for."""
    found = Measured("afterwards")
    for file in sorted(stack.home.logs.glob("*.log*")):
        lines = file.read_text(errors="replace").splitlines()
        found.wrong += [f"{file.name}: {line[:200]}" for line in lines if LOST.search(line)][:5]
    zombies = [each for each in marked_processes(stack.home) if each.status() == psutil.STATUS_ZOMBIE]
    found.wrong += [f"process {each.pid} is a zombie" for each in zombies]
    return found


def _cpu(stack: Stack, source: Source) -> dict[str, float]:
    """CPU seconds so far, by program; LocalExecutor's tasks are the scheduler's children."""
    scheduler = psutil.Process(stack.supervisor.states()["scheduler"]["pid"])
    used = {name: cpu_seconds(stack, name) for name in ("api-server", "postgres", "s3")}
    used |= {"source": source.cpu_seconds(), "scheduler": sum(scheduler.cpu_times()[:2])}
    return used | {"tasks": cpu_seconds(stack, "scheduler") - used["scheduler"]}


def _end_of(stack: Stack, run: Run) -> str:
    """The run's end state; an answer that the API server owes for a while is waited for."""
    deadline = time.monotonic() + HANGS_SECONDS
    while (state := patiently(lambda: stack.api.run_state(run))) not in RUN_ENDED:
        if time.monotonic() > deadline:
            break
        time.sleep(1)
    return state


def _examine(found: Measured, stack: Stack, run: Run, state: str, rows: int | None) -> dict[str, Any]:
    """Add what is wrong with a run; returns its manifest, {} without one."""
    if state != "success":
        found.failed.append(f"{run.run_id} is {state}")
    again = [ti for ti in stack.task_instances(run) if ti["try_number"] > 1]
    found.wrong += [f"{ti['task_id']} [{ti['map_index']}] was tried {ti['try_number']} times" for ti in again]
    manifest: dict[str, Any] = {}
    if committed := stack.api.xcom(run, "commit"):
        bucket, _, key = committed["manifest"].removeprefix("s3://").partition("/")
        with stack.s3.get_object(bucket, key) as response:
            manifest = json.loads(response.read())
    wanted = rows if rows is not None else manifest.get("source", {}).get("count")
    if not manifest or manifest["rows"] != wanted:
        found.failed.append(f"{run.run_id}: {manifest.get('rows')} rows are committed; {wanted} expected")
    return manifest


def _with_memory(found: Measured, memory: Memory) -> Measured:
    found.memory = memory.sizes()
    for name, size in found.memory.items():
        if size.grew:
            found.wrong.append(f"{name} grew from {size.first:.0f} to {size.last:.0f} MB")
    return found
