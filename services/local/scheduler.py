"""Airflow's scheduler, started after what a killed one left behind is ended.

LocalExecutor's workers are forked from the scheduler, with its connections to the database. When the
scheduler alone is killed they live on, wait for work that nobody will hand out, and keep its last transaction
open, with the lock on the pools that it may hold: then no scheduler starts a task any more. In a container
all of them end together.
"""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path

import psutil

from services.local.airflow_env import MARK
from services.local.cleanup import marked_processes
from services.local.home import Home

_WORKER = "airflow worker -- LocalExecutor"


def end_orphaned_workers(home: Home) -> int:
    """End every LocalExecutor worker of this home with its task, and return how many there were.

    Called while no scheduler runs, so each is an orphan. Their tasks are run again: the next scheduler would
    reset them even if they went on.
    """
    trees = []
    for process in marked_processes(home):
        with contextlib.suppress(psutil.Error):
            if " ".join(process.cmdline()).startswith(_WORKER):
                trees.append([process, *process.children(recursive=True)])
    for process in (process for tree in trees for process in tree):
        with contextlib.suppress(psutil.Error):
            process.kill()  # an idle worker heeds nothing else
    return len(trees)


def main(options: list[str]) -> None:
    """Become `airflow scheduler` with these options."""
    ended = end_orphaned_workers(Home(Path(os.environ[MARK])))
    if ended:
        print(f"ended {ended} workers that a killed scheduler had left", flush=True)
    os.execv(sys.executable, [sys.executable, "-m", "airflow", "scheduler", *options])  # noqa: S606


if __name__ == "__main__":
    main(sys.argv[1:])
