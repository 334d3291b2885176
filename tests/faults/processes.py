"""Signals to the processes of one stack, and to no others."""

from __future__ import annotations

import contextlib
import signal
from typing import TYPE_CHECKING

import psutil

from services.stack.cleanup import marked_processes

if TYPE_CHECKING:
    from services.stack.stack import Stack

_TASK = "airflow worker -- "  # a task's process is named after its task instance's id
_EXECUTOR = "LocalExecutor"


def kill_task(stack: Stack, ids: set[str], how: signal.Signals) -> bool:
    """Send a signal to one running task of the given task instance ids; False when none runs."""
    for process in marked_processes(stack.home):
        with contextlib.suppress(psutil.Error):
            title = " ".join(process.cmdline())
            if title.startswith(_TASK) and title.removeprefix(_TASK).strip() in ids:
                process.send_signal(how)
                return True
    return False


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
    """SIGKILL to a program of supervisord's and all its children, as when its container is killed.

    The scheduler alone would not do: a worker that it forked keeps its connection to the database, and with
    it the locks of a transaction that nobody will end.
    """
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


def end_orphans(stack: Stack) -> None:
    """End idle workers whose scheduler is gone."""
    for process in marked_processes(stack.home):
        with contextlib.suppress(psutil.Error):
            title = " ".join(process.cmdline())
            if process.ppid() == 1 and _EXECUTOR in title and "<idle>" in title:
                process.kill()  # it heeds no other signal
