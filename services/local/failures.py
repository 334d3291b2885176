"""Why a run failed: what its tasks said, each reason once."""

from __future__ import annotations

import time
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from services.local.errors import RunFailed

if TYPE_CHECKING:
    from services.local.airflow_api import Run
    from services.local.progress import Progress
    from services.local.stack import Stack

ERROR = "error"  # the XCom in which a task of the copy leaves its error: include/tasks/context.py
REASON_SECONDS = 5
MOST_REASONS = 5
MOST_NAMED = 3  # tasks a reason
MOST_LINES = 15


def succeed(stack: Stack, run: Run, progress: Progress) -> None:
    """Wait for the run's end; RunFailed, with what its tasks said, unless it is a success.

    A run whose first task fails is ended at once, instead of being tried again for minutes: nothing is copied
    yet, and somebody is waiting.
    """

    seen: list[float] = []

    def watch(instances: list[dict[str, Any]]) -> None:
        progress.watch(instances)
        failed = [each for each in instances if each["state"] == "up_for_retry"]
        if not failed or any(each["state"] == "success" for each in instances):
            return
        seen.append(time.monotonic())
        # The state is there a moment before the reason, which Lake is to show, too.
        told = all(_kept(stack, run, each) for each in failed)
        if told or seen[-1] - seen[0] > REASON_SECONDS:
            said = reasons(stack, run, "up_for_retry")
            stack.api.request("PATCH", run.path, json={"state": "failed"})
            raise RunFailed(f"{run.dag_id} could not begin. Its retries are not waited for.\n{said}")

    state = stack.wait(run, watch=watch)
    if state != "success":
        raise RunFailed(f"{run.dag_id} ended as {state}.\n{reasons(stack, run, 'failed')}")


def reasons(stack: Stack, run: Run, state: str) -> str:
    """What the tasks in this state said, each text once and whose it is; and where the logs are."""
    tasks: dict[str, list[str]] = defaultdict(list)
    for each in stack.api.task_instances(run):
        if each["state"] == state:
            index = f" [{each['map_index']}]" if each["map_index"] >= 0 else ""
            tasks[_said(stack, run, each)].append(f"{each['task_id']}{index}")
    lines = [f"{_named(names)}: {said}" for said, names in tasks.items()]
    more = [f"… and {len(lines) - MOST_REASONS} other reasons"] if len(lines) > MOST_REASONS else []
    folder = stack.home.logs / "tasks" / f"dag_id={run.dag_id}" / f"run_id={run.run_id}"
    return "\n".join([*lines[:MOST_REASONS], *more, f"Whole logs: {folder}"])


def _named(names: list[str]) -> str:
    rest = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" and {rest} more" if rest > 0 else "")


def _kept(stack: Stack, run: Run, instance: dict[str, Any]) -> Any:
    return stack.api.xcom(run, instance["task_id"], instance["map_index"], key=ERROR)


def _said(stack: Stack, run: Run, instance: dict[str, Any]) -> str:
    task, index, attempt = instance["task_id"], instance["map_index"], instance["try_number"]
    kept = _kept(stack, run, instance)
    # Of an error that is not the copy's own its class alone is kept.
    if isinstance(kept, str) and not kept.endswith(": see its log"):
        return kept
    lines = [line for line in stack.api.log(run, task, index, attempt).splitlines() if "::" not in line]
    errors = dict.fromkeys(line for line in lines if line.startswith(("error ", "critical ")))
    return "\n  ".join([*errors] or lines[-MOST_LINES:]) or "its log is empty"
