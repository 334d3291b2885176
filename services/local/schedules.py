"""A run of a paused DAG: its tasks would never start, and its schedule is to be as before afterwards."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from services.local.airflow_api import RUN_ENDED
from services.local.progress import Progress
from services.local.stack import Stack


@contextmanager
def unpaused(stack: Stack, dag_id: str, progress: Progress) -> Iterator[None]:
    """Unpause the DAG and say so; pause it again at the end. A stack that stops with its run need not."""
    if stack.mode != "up" or not stack.wait_for_dag(dag_id)["is_paused"]:
        yield
        return
    stack.api.unpause(dag_id)
    progress.say(
        f"{dag_id} is paused. It is unpaused for this run: a run of its own schedule may start, too."
    )
    try:
        yield
        # Paused under a run of its schedule, that would stand still.
        while at_work := _at_work(stack, dag_id):
            progress.say(f"… waiting for {', '.join(at_work)} (Ctrl-C: pause it now)")
            time.sleep(0.5)
    finally:
        stack.api.unpause(dag_id, paused=True)
        progress.say(f"{dag_id} is paused again.")


def _at_work(stack: Stack, dag_id: str) -> list[str]:
    runs = stack.api.request("GET", f"/dags/{dag_id}/dagRuns", params={"order_by": "-run_after"})["dag_runs"]
    return [run["dag_run_id"] for run in runs if run["state"] not in RUN_ENDED]
