"""What each command of the stack does; every function returns the process's exit status."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psutil

from services import connections
from services.local import airflow_env
from services.local.cleanup import end_leftovers, marked_processes
from services.local.doctor import doctor
from services.local.errors import StackError
from services.local.home import PROJECT, Credentials, Home, only_command, write_private
from services.local.ports import HOST, Ports
from services.local.progress import Progress
from services.local.run_once import run
from services.local.run_report import run_report
from services.local.sample_data import SampleData
from services.local.stack import EXECUTORS, Stack
from services.local.summary import size, table

__all__ = ["airflow", "data", "doctor", "down", "logs", "run", "run_report", "services", "status", "up"]


def up(executor: str) -> int:
    return _leave_up("up", executor)


def services() -> int:
    return _leave_up("services", EXECUTORS[0])


def _leave_up(mode: str, executor: str) -> int:
    home = Home.from_environment()
    home.prepare()
    with only_command(home, mode), Progress() as progress:
        stack = Stack.running(home, progress.say)
        if stack is not None:
            stack.require(mode, executor)
        else:
            ports = Ports.from_environment(os.environ)
            stack = Stack(home, ports, mode=mode, executor=executor, report=progress.say)
            try:
                stack.start()
            except BaseException:
                stack.stop()
                progress.say("The stack is stopped.")
                raise
        progress.say("The stack is up. Stop it with: make down")
        progress.console.print(table(_addresses(stack)), markup=False)
        if mode == "services":
            file = _write_env(stack)
            progress.say(f"For `astro dev start --standalone`: cp {file} .env")
    return 0


def _write_env(stack: Stack) -> Path:
    """The local services as connections for an Airflow that somebody else starts."""
    found = airflow_env.local_connections(stack.ports, Credentials.load(stack.home))
    # In standalone mode the CLI's Airflow looks for plugins elsewhere than in the project.
    plugins = f"AIRFLOW__CORE__PLUGINS_FOLDER={PROJECT / 'plugins'}\n"
    untold = "AIRFLOW__COSMOS__ENABLE_TELEMETRY=False\n"  # as in the image and in the local stack
    file = stack.home.root / "standalone.env"
    write_private(file, connections.env_file(found) + plugins + untold)
    return file


def _addresses(stack: Stack) -> dict[str, str]:
    ports = stack.ports
    secrets = stack.home.root / "secrets.json"
    rows = {
        "Airflow": f"http://{HOST}:{ports.airflow}  (user {airflow_env.USER}, airflow_password in {secrets})",
        "Lake": f"http://{HOST}:{ports.airflow}/plugin/lake",
        "S3 page": f"http://{HOST}:{ports.s3_admin}  (user admin, s3_admin_password in {secrets})",
        "S3 endpoint": f"http://{HOST}:{ports.s3}  (s3_access_key and s3_secret_key in {secrets})",
        "API": f"http://{HOST}:{ports.api}",
        "PostgreSQL": f"{HOST}:{ports.postgres}  (user airflow, postgres_password in {secrets})",
        "Warehouse": f"the same server, database and user warehouse, warehouse_password in {secrets}",
    }
    if stack.mode == "services":
        del rows["Airflow"], rows["Lake"]
    return rows


def down() -> int:
    home = Home.from_environment()
    if not home.root.is_dir():
        print("Nothing is up.")
        return 0
    with only_command(home, "down"), Progress() as progress:
        stack = Stack.running(home)
        if stack is not None:
            progress.say("… stopping")
            stack.stop()
            progress.say("The stack is stopped.")
            return 0
        left = end_leftovers(home)
        progress.say(f"Ended {len(left)} processes that were left behind." if left else "Nothing is up.")
    return 0


def status() -> int:
    """Exit status 0 when the stack is up, 3 when it is not (as `systemctl status`)."""
    home = Home.from_environment()
    stack = Stack.running(home) if home.root.is_dir() else None
    console = Progress().console
    if stack is None:
        console.print("The stack is not up. Start it with: make up")
        return 3
    rows = _addresses(stack)
    for name, info in stack.supervisor.states().items():
        rows[name] = f"{info['statename'].lower()}, {info['description']}, {size(_memory(info['pid']))}"
    rows["all processes"] = size(sum(_pss(process) for process in marked_processes(home)))
    console.print(table(rows), markup=False)
    return 0


def _memory(pid: int) -> float:
    """Memory of a process and its children, shared pages divided among those that share them (bytes)."""
    try:
        process = psutil.Process(pid)
        return _pss(process) + sum(_pss(child) for child in process.children(recursive=True))
    except psutil.Error:
        return 0


def _pss(process: psutil.Process) -> float:
    try:
        info = process.memory_full_info()
        return getattr(info, "pss", info.uss)
    except psutil.Error:
        return 0


def logs(name: str | None) -> int:
    home = Home.from_environment()
    files = sorted(home.logs.glob(f"{name or '*'}.log")) if home.logs.is_dir() else []
    if not files:
        raise StackError(f"There is no log {name or ''} in {home.logs}.")
    stack = Stack(home, Ports())
    for file in files:
        print(f"── {file}\n{stack.supervisor.tail(file.stem, 200 if name else 15)}")
    return 0


def airflow(arguments: list[str]) -> int:
    """Run Airflow's command line with the environment of the stack that is up."""
    home = Home.from_environment()
    stack = Stack.running(home) if home.root.is_dir() else None
    if stack is None or stack.mode != "up":
        raise StackError("Airflow is not up. Start it with: make up")
    command = [sys.executable, "-m", "airflow", *arguments]
    return subprocess.run(command, env=stack.environment(), cwd=PROJECT, check=False).returncode


def data(rows: int | None, file: Path | None) -> int:
    if rows is None and file is None:
        raise StackError("Say which rows: make data ROWS=20000, or make data FILE=<the real file>.")
    home = Home.from_environment()
    home.prepare()
    with only_command(home, "data"), Progress() as progress:
        stack = Stack.running(home, progress.say)
        environment = airflow_env.clean_environment(home)
        sample = SampleData(home, environment, progress.say)
        if file is not None:
            sample.load(file)
        elif rows is not None and not sample.generate(rows):
            progress.say(f"{rows:,} generated rows are there already.")
            return 0
        if stack is not None:
            stack.supervisor.restart("api")
            progress.say("The running API serves the new rows.")
        else:
            progress.say("`make up` and `make run` will serve these rows.")
    return 0
