"""What each command of the stack does; every function returns the process's exit status."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import psutil
import typer
from rich import filesize

from services import connections
from services.local import airflow_env
from services.local.cleanup import end_leftovers, marked_processes
from services.local.errors import StackError
from services.local.home import PROJECT, Credentials, Home, only_command, read_json, write_private
from services.local.ports import HOST, Ports
from services.local.progress import Progress
from services.local.read_back import BUCKET
from services.local.sample_data import Replace, Rows, SampleData, ask_to_replace
from services.local.stack import Executor, Stack
from services.local.summary import table
from services.local.supervise import Supervisor


def up(executor: Executor = "LocalExecutor") -> int:
    """Start the stack and leave it up."""
    return _leave_up("up", executor)


def services() -> int:
    """Start the S3 store, the API and the warehouse alone, and leave them up."""
    return _leave_up("services", "LocalExecutor")


def _leave_up(mode: str, executor: Executor) -> int:
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
            # Not as .env, which the CLI reads in Docker's mode too: containers do not reach these addresses.
            progress.say(f"Now start Airflow: astro dev start --standalone --env {file} --wait 5m")
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


def _bucket_page(ports: Ports) -> str:
    return f"http://{HOST}:{ports.s3_admin}/files?path=/buckets/{BUCKET}"


def _addresses(stack: Stack) -> dict[str, str]:
    ports = stack.ports
    secrets = stack.home.root / "secrets.json"
    rows = {
        "Airflow": f"http://{HOST}:{ports.airflow}  (user {airflow_env.USER}; `make password`)",
        "Lake": f"http://{HOST}:{ports.airflow}/plugin/lake",
        "S3 page": f"{_bucket_page(ports)}  (sign in as admin, see `make password`, then open it again)",
        "S3 endpoint": f"http://{HOST}:{ports.s3}  (s3_access_key and s3_secret_key in {secrets})",
        "API": f"http://{HOST}:{ports.api}",
        "PostgreSQL": f"{HOST}:{ports.postgres}  (user airflow, postgres_password in {secrets})",
        "Warehouse": f"the same server, database and user warehouse, warehouse_password in {secrets}",
    }
    if stack.mode == "services":
        del rows["Airflow"], rows["Lake"]
    return rows


def password() -> int:
    """Print the logins of the pages. Nothing else ever prints them."""
    path = Home.from_environment().root / "secrets.json"
    if not path.exists():
        raise StackError("There is no login yet: `make up` makes it.")
    found = read_json(path)
    logins = {"Airflow": (airflow_env.USER, "airflow_password"), "S3 page": ("admin", "s3_admin_password")}
    print(table({page: f"{user}  {found.get(name, '–')}" for page, (user, name) in logins.items()}))
    return 0


def verify(uri: str = "") -> int:
    """Read a dataset or a committed run back, from the stack that is up or from its store started for it."""
    if not uri:
        example = f"s3://{BUCKET}/wildfires_small"
        raise StackError(f"URI is missing. For example: make verify URI={example}")
    home = Home.from_environment()
    home.prepare()
    with contextlib.ExitStack() as opened:
        stack = Stack.running(home)
        if stack is None:
            opened.enter_context(only_command(home, "verify"))
            stack = Stack(home, Ports.from_environment(os.environ), mode="services")
            opened.enter_context(stack)
        keys = Credentials.load(home)
        environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")} | {
            "AWS_ENDPOINT_URL_S3": f"http://{HOST}:{stack.ports.s3}",
            "AWS_ACCESS_KEY_ID": keys.s3_access_key,
            "AWS_SECRET_ACCESS_KEY": keys.s3_secret_key,
            "AWS_REGION": "us-east-1",
        }
        command = [sys.executable, "-m", "include.transfer", "verify", "--", uri]
        return subprocess.run(command, env=environment, cwd=PROJECT, check=False).returncode


def down() -> int:
    """Stop what is up, and end what a killed command left behind."""
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
    """Show what is up, where, and how much memory it takes; exit status 3 when nothing is (as systemctl)."""
    home = Home.from_environment()
    stack = Stack.running(home) if home.root.is_dir() else None
    console = Progress().console
    if stack is None:
        console.print("The stack is not up. Start it with: make up")
        return 3
    rows = _addresses(stack)
    for name, info in stack.supervisor.states().items():
        used = filesize.decimal(_memory(info["pid"])) if info["pid"] else "–"
        rows[name] = f"{info['statename'].lower()}, {info['description']}, {used}"
    rows["all processes"] = filesize.decimal(sum(_pss(process) for process in marked_processes(home)))
    console.print(table(rows), markup=False)
    return 0


def _memory(pid: int) -> int:
    """Bytes of a process and its children."""
    with contextlib.suppress(psutil.Error):
        process = psutil.Process(pid)
        return sum(_pss(each) for each in (process, *process.children(recursive=True)))
    return 0


def _pss(process: psutil.Process) -> int:
    """Its memory, shared pages divided among those that share them (bytes)."""
    with contextlib.suppress(psutil.Error):
        info = process.memory_full_info()
        return int(getattr(info, "pss", info.uss))
    return 0


def logs(name: Annotated[str | None, typer.Argument()] = None) -> int:
    """Show the end of every log, or more of one, by the names of `make status`."""
    home = Home.from_environment()
    files = sorted(home.logs.glob(f"{name or '*'}.log")) if home.logs.is_dir() else []
    if not files:
        raise StackError(f"There is no log {name or ''} in {home.logs}.")
    for file in files:
        print(f"── {file}\n{Supervisor(home).tail(file.stem, 200 if name else 15)}")
    return 0


def airflow(arguments: list[str]) -> int:
    """Run Airflow's command line with the environment of the stack that is up."""
    home = Home.from_environment()
    stack = Stack.running(home) if home.root.is_dir() else None
    if stack is None or stack.mode != "up":
        raise StackError("Airflow is not up. Start it with: make up")
    command = [sys.executable, "-m", "airflow", *arguments]
    return subprocess.run(command, env=stack.environment(), cwd=PROJECT, check=False).returncode


def data(rows: Rows = None, file: Path | None = None, replace: Replace = False) -> int:
    """Choose the rows that the API serves."""
    if rows is None and file is None:
        raise StackError("Choose the rows: make data ROWS=20000, or make data FILE=<the real file>.")
    home = Home.from_environment()
    home.prepare()
    ask_to_replace(home, rows, file, replace=replace)
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
