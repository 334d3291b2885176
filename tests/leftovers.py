"""End what an interrupted run of the tests leaves: pytest-xdist gives its processes no time to stop them."""

import contextlib
import os
import uuid
from collections.abc import Iterable

import psutil

MARK = "WILDFIRE_LAKE_TESTS"


def mark() -> bool:
    """Let every process that this one starts be recognised; False where one above has seen to that."""
    first = MARK not in os.environ
    os.environ.setdefault(MARK, uuid.uuid4().hex)
    return first


def end() -> None:
    """End the marked processes: supervisors first, which stop their own and would start them again."""
    left = [process for process in psutil.process_iter() if _is_ours(process)]
    _end(process for process in left if _is_supervisor(process))
    _end(process for process in left if process.is_running())


def _is_ours(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.Error, OSError):
        return process.pid != os.getpid() and process.environ().get(MARK) == os.environ[MARK]
    return False


def _is_supervisor(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.Error):
        return "supervisor.supervisord" in process.cmdline()
    return False


def _end(processes: Iterable[psutil.Process]) -> None:
    ending = list(processes)
    for process in ending:
        with contextlib.suppress(psutil.Error):
            process.terminate()
    _, alive = psutil.wait_procs(ending, timeout=20)
    for process in alive:
        with contextlib.suppress(psutil.Error):
            process.kill()
