"""`make doctor`: what keeps copies from working, on the stack that is up or on one started for it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from rich import box
from rich.table import Table

from include.pools import wanted
from services.local.airflow_api import RUN_ENDED, Run
from services.local.progress import Progress
from services.local.session import session
from services.local.stack import Stack

DAG = "lake_doctor"
RUN_SECONDS = 120
TASK_ENDED = ("success", "failed", "skipped", "upstream_failed", "removed")
Row = tuple[str, str, str]  # what was checked, what was found, and what to do; "" where all is well


def doctor() -> int:
    """Print every finding; 1 if there is one to fix."""
    with session("doctor") as (stack, progress):
        rows = examine(stack, progress)
        progress.console.print(shown(rows))
        wrong = sum(1 for row in rows if row[2])
        progress.say(f"{wrong} to fix." if wrong else "Nothing to fix.")
    return int(bool(wrong))


def examine(stack: Stack, progress: Progress) -> list[Row]:
    """All findings: of the machine, of Airflow, and of the DAG `lake_doctor`."""
    pools = _pools(stack)
    rows = [*_health(stack), *_parsed(stack), *pools]
    run = stack.trigger(DAG)
    progress.say(f"Running {DAG}")
    # A probe of a pool that is not there would keep the run for ever.
    never = {f"pool_{check.removeprefix('pool ')}" for check, _, fix in pools if fix}
    tasks = _ended(stack, run, never, progress)
    if stack.api.run_state(run) not in RUN_ENDED:
        stack.api.request("PATCH", run.path, json={"state": "failed"})
    return rows + [
        row for task in tasks if task["task_id"] not in never for row in _examined(stack, run, task)
    ]


def _ended(stack: Stack, run: Run, never: set[str], progress: Progress) -> list[dict[str, Any]]:
    """The run's tasks once all have ended but those that never start, or time is up."""
    deadline = time.monotonic() + RUN_SECONDS
    while True:
        tasks = stack.task_instances(run)
        progress.watch(tasks)
        waiting = [t for t in tasks if t["task_id"] not in never and t["state"] not in TASK_ENDED]
        if (tasks and not waiting) or time.monotonic() > deadline:
            return tasks
        time.sleep(0.4)


def _health(stack: Stack) -> list[Row]:
    """What Airflow says of its own processes."""
    said = stack.api.request("GET", "/monitor/health")
    names = ("metadatabase", "scheduler", "dag_processor")
    states = [(name, (said.get(name) or {}).get("status")) for name in names]
    return [
        (name.replace("_", " "), str(state), "" if state == "healthy" else "make logs, then make down up")
        for name, state in states
    ]


def _parsed(stack: Stack) -> list[Row]:
    """DAG files that cannot be imported."""
    broken = stack.api.import_errors()
    return [
        (f"dags/{Path(name).name}", trace.strip().splitlines()[-1], "correct the file")
        for name, trace in broken.items()
    ] or [("DAG files", "all were parsed", "")]


def _pools(stack: Stack) -> list[Row]:
    """Pools of pools.json, and those that a DAG names: without its pool a task never starts."""
    expected = wanted()
    there = {pool["name"]: pool["slots"] for pool in stack.api.request("GET", "/pools")["pools"]}
    warned = stack.api.request("GET", "/dagWarnings", params={"warning_type": "non-existent pool"})
    rows = []
    for name, pool in expected.items():
        fix = "" if name in there else f'airflow pools set {name} {pool["slots"]} "copies at once"'
        found = f"{there[name]} slots" if name in there else "does not exist: its tasks never start"
        rows.append((f"pool {name}", found, fix))
    for warning in warned["dag_warnings"]:
        if any(name in expected for name in warning["message"].replace("'", " ").split()):
            continue
        rows.append(
            (f"pools of {warning['dag_id']}", warning["message"], "airflow pools set NAME SLOTS TEXT")
        )
    return rows


def _examined(stack: Stack, run: Run, task: dict[str, Any]) -> list[Row]:
    """What one task of the DAG found; of one that found nothing, why."""
    findings = stack.api.xcom(run, task["task_id"], key="diagnosis") or []
    rows = [(each["check"], each["found"], each["fix"]) for each in findings]
    return rows or ([] if task["state"] == "success" else [_unexplained(stack, run, task)])


def _unexplained(stack: Stack, run: Run, task: dict[str, Any]) -> Row:
    name, state = task["task_id"], task["state"]
    if name.startswith("pool_") and state != "failed":
        pool = name.removeprefix("pool_")
        return (f"pool {pool}", "gave no slot to a task", f"see whether it exists and has free slots: {pool}")
    log = stack.log(run, name, task["map_index"], max(task["try_number"], 1)).strip().splitlines()
    return (name, f"{state}: {log[-1][:200] if log else 'no log'}", "make logs")


def shown(rows: list[Row]) -> Table:
    """A line for each finding, with what to do below what is wrong."""
    table = Table(box=box.SIMPLE, show_header=True, expand=False)
    for title in ("", "check", "found"):
        table.add_column(title, overflow="fold")
    for check, found, fix in rows:
        told = f"{found}\n→ {fix}" if fix else found
        table.add_row("✗" if fix else "✓", check, told)
    return table
