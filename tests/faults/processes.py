"""Signals to the processes of one stack, and to no others."""

from __future__ import annotations

import contextlib
import signal
import threading
from typing import TYPE_CHECKING

import psutil

from services.local.cleanup import marked_processes

if TYPE_CHECKING:
    from services.local.stack import Stack

_TASK = "airflow worker -- "  # a task's process is named after its task instance's id
_EXECUTOR = "LocalExecutor"


def kill_task(stack: Stack, ids: set[str], how: signal.Signals) -> bool:
    """Send a signal to one running task of the given task instance ids; False when none runs."""
    task = _task(stack, ids)
    if task is not None:
        with contextlib.suppress(psutil.Error):
            task.send_signal(how)
            return True
    return False


def signal_worker(stack: Stack, ids: set[str], how: signal.Signals) -> bool:
    """Send a signal to the executor's worker that runs one of the tasks; False when none runs.

    The worker is the task's supervisor: it starts the task's process and sends its heartbeats.
    """
    task = _task(stack, ids)
    worker = task and _worker_of(task)
    if not worker:
        return False
    with contextlib.suppress(psutil.Error):
        worker.send_signal(how)
        return True
    return False


def pause_task(stack: Stack, ids: set[str], seconds: float) -> bool:
    """Stop one running task and its worker, so that no heartbeat comes, and let them go on after so long."""
    task = _task(stack, ids)
    worker = task and _worker_of(task)
    if not task or not worker:
        return False
    with contextlib.suppress(psutil.Error):
        for process in (worker, task):
            process.suspend()
        threading.Timer(seconds, _resume, [worker, task]).start()
        return True
    return False


def _resume(*stopped: psutil.Process) -> None:
    for process in stopped:
        with contextlib.suppress(psutil.Error):
            process.resume()


def _task(stack: Stack, ids: set[str]) -> psutil.Process | None:
    """The process of one of the running tasks."""
    for process in marked_processes(stack.home):
        with contextlib.suppress(psutil.Error):
            title = " ".join(process.cmdline())
            if title.startswith(_TASK) and title.removeprefix(_TASK).strip() in ids:
                return process
    return None


def _worker_of(task: psutil.Process) -> psutil.Process | None:
    with contextlib.suppress(psutil.Error):
        return next((p for p in task.parents() if _EXECUTOR in " ".join(p.cmdline())), None)
    return None


def kill_program(stack: Stack, name: str, how: signal.Signals) -> bool:
    """Send a signal to a program that supervisord runs; it starts the program again."""
    info = stack.supervisor.states().get(name, {})
    if info.get("statename") != "RUNNING" or not info.get("pid"):
        return False
    with contextlib.suppress(psutil.Error):
        psutil.Process(info["pid"]).send_signal(how)
        return True
    return False


def kill_tree(stack: Stack, name: str) -> bool:
    """SIGKILL to a program of supervisord's and all its children, as when its container is killed."""
    info = stack.supervisor.states().get(name, {})
    if info.get("statename") != "RUNNING" or not info.get("pid"):
        return False
    with contextlib.suppress(psutil.NoSuchProcess):
        top = psutil.Process(info["pid"])
        for process in [top, *top.children(recursive=True)]:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        return True
    return False
