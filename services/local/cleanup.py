"""End what a killed command left behind: this home's processes, known by a mark in their environment."""

from __future__ import annotations

import contextlib
import os
import signal
from typing import TYPE_CHECKING

import psutil

from services.local.airflow_env import MARK
from services.local.postgres import Postgres

if TYPE_CHECKING:
    from services.local.home import Home


def marked_processes(home: Home) -> list[psutil.Process]:
    """Processes started for this home, without this one and its parents (tests may run inside a stack)."""
    own = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.pid not in own and process.environ().get(MARK) == str(home.root):
                found.append(process)
    return found


def orphaned_postmaster(home: Home) -> psutil.Process | None:
    """The PostgreSQL server of this home, by its own pid file: it may have overwritten its environment."""
    pid = Postgres(home.postgres, 0, "").pid()
    if pid is None:
        return None
    with contextlib.suppress(psutil.Error):
        process = psutil.Process(pid)
        if str(home.postgres) in process.cmdline() or process.cwd() == str(home.postgres):
            return process
    return None


def end_leftovers(home: Home, patience: float = 10) -> list[str]:
    """End every leftover process, first gently; returns their names. Files that would stop a start go too."""
    left = marked_processes(home)
    names = [f"pid {process.pid}" for process in left]
    # supervisord first: it would start again what is ended, and stops its children by itself.
    _end([process for process in left if _is_supervisord(process)], patience)
    _end([process for process in marked_processes(home) if process.name() != "postgres"], patience)
    if (postmaster := orphaned_postmaster(home)) is not None:
        names = names or [f"pid {postmaster.pid}"]
        _end([postmaster], patience, gentle=signal.SIGINT)
    # What a dying process still started meanwhile.
    _end(marked_processes(home), 2)
    stale = [home.root / name for name in ("supervisord.pid", "supervisor.sock", "state.json")]
    stale += home.airflow.glob("*.pid")
    if orphaned_postmaster(home) is None:
        stale.append(home.postgres / "postmaster.pid")
    for path in stale:
        path.unlink(missing_ok=True)
    return names


def _is_supervisord(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.Error):
        return "supervisor.supervisord" in process.cmdline()
    return False


def _end(processes: list[psutil.Process], patience: float, gentle: int = signal.SIGTERM) -> None:
    for process in processes:
        with contextlib.suppress(psutil.Error):
            process.send_signal(gentle)
    _, alive = psutil.wait_procs(processes, timeout=patience)
    for process in alive:
        with contextlib.suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(alive, timeout=5)
