"""What a killed command leaves behind, and what the next one ends of it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from services.local.airflow_env import MARK
from services.local.cleanup import end_leftovers, marked_processes
from services.local.home import Home

SLEEP = "import time; print('up', flush=True); time.sleep(600)"
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN);" + SLEEP
# An owner that starts a child and waits: killed, it leaves the child.
OWNER = "import subprocess, sys; subprocess.run([sys.executable, '-c', sys.argv[1]])"


@pytest.fixture
def started() -> Iterator[list[subprocess.Popen[str]]]:
    processes: list[subprocess.Popen[str]] = []
    yield processes
    for process in processes:
        process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()


def start(started: list[subprocess.Popen[str]], mark: Path, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", *arguments]
    process = subprocess.Popen(command, env=os.environ | {MARK: str(mark)}, stdout=subprocess.PIPE, text=True)
    started.append(process)
    assert process.stdout is not None
    assert process.stdout.readline() == "up\n"
    return process


def test_a_killed_owners_child_is_ended(home: Home, started: list[subprocess.Popen[str]]) -> None:
    owner = start(started, home.root, OWNER, SLEEP)
    (child,) = psutil.Process(owner.pid).children()
    owner.kill()
    owner.wait()
    assert child.is_running()
    assert len(end_leftovers(home)) == 1
    psutil.wait_procs([child], timeout=5)
    assert not child.is_running()
    assert marked_processes(home) == []


def test_what_ignores_the_gentle_signal_is_killed(home: Home, started: list[subprocess.Popen[str]]) -> None:
    stubborn = start(started, home.root, STUBBORN)
    end_leftovers(home, patience=0.2)
    assert not psutil.pid_exists(stubborn.pid)


def test_another_homes_processes_are_left_alone(home: Home, started: list[subprocess.Popen[str]]) -> None:
    other = start(started, home.root.with_name("another"), SLEEP)
    assert end_leftovers(home) == []
    assert other.poll() is None


def test_a_process_inside_the_stack_does_not_end_itself(home: Home, tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from services.local.cleanup import end_leftovers;"
        "from services.local.home import Home; print(end_leftovers(Home(Path(sys.argv[1]))))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(home.root)],
        env=os.environ | {MARK: str(home.root), "PYTHONPATH": str(Path(__file__).parents[3])},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout) == (0, "[]\n")


def test_stale_files_go_and_data_stays(home: Home) -> None:
    home.postgres.mkdir()
    stale = [home.root / "state.json", home.root / "supervisord.pid", home.postgres / "postmaster.pid"]
    for path in stale:
        path.write_text("4194304\n")
    kept = home.data / "rows"
    kept.write_text("")
    end_leftovers(home)
    assert [path for path in stale if path.exists()] == []
    assert kept.exists()


def test_a_stale_pid_file_never_ends_the_process_that_now_has_the_pid(
    home: Home, started: list[subprocess.Popen[str]]
) -> None:
    bystander = start(started, home.root.with_name("another"), SLEEP)
    home.postgres.mkdir()
    (home.postgres / "postmaster.pid").write_text(f"{bystander.pid}\n")
    end_leftovers(home)
    assert bystander.poll() is None
