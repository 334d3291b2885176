"""README's commands, as they are written there, in a fresh copy of the project."""

import os
import re
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from tests.project_files import PROJECT, repository_files

README = (PROJECT / "README.md").read_text()
BLOCKS = [
    [line.partition("#")[0].strip() for line in block.splitlines()]
    for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
]
FIRST, LOOK_AROUND, ASTRO, CELERY, DEPLOY = BLOCKS
FULL = 1_880_465


@pytest.fixture(scope="module")
def copy_of_project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The files of the repository alone, elsewhere: nothing built, nothing started."""
    if not (PROJECT / ".git").exists():
        pytest.skip("needs the repository's list of files")
    folder = tmp_path_factory.mktemp("fresh") / "wildfire-lake"
    for file in repository_files():
        target = folder / file
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(PROJECT / file, target)
    yield folder
    subprocess.run(["make", "down"], cwd=folder, env=environment(), capture_output=True, timeout=600)
    shutil.rmtree(folder)


_ports: dict[str, str] = {}


def environment() -> dict[str, str]:
    """A user's environment, with ports that nobody else has."""
    if not _ports:
        from services.local.ports import Ports

        free = Ports.free()
        _ports.update(
            AIRFLOW_PORT=str(free.airflow),
            API_PORT=str(free.api),
            S3_PORT=str(free.s3),
            S3_ADMIN_PORT=str(free.s3_admin),
            POSTGRES_PORT=str(free.postgres),
        )
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("AIRFLOW", "MAKE", "MFLAGS", "PYTEST"))}
    return kept | _ports


@pytest.fixture(scope="module")
def sh(copy_of_project: Path) -> Callable[[str], str]:
    """Run one of README's lines; returns what it printed."""

    def run(line: str) -> str:
        done = subprocess.run(
            ["bash", "-c", line],
            cwd=copy_of_project,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=900,
        )
        assert done.returncode == 0, f"{line}\n{done.stdout}"
        return done.stdout

    return run


def of_the_stack(folder: Path) -> list[str]:
    """Processes that were started from the folder and still run."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("WILDFIRE_LAKE_STACK", "").startswith(str(folder)):
                found.append(process.name())
        except psutil.Error:
            continue
    return found


def test_make_run_builds_runs_verifies_and_stops(sh, copy_of_project):
    said = sh(FIRST[0])
    assert "rows                   20,000" in said
    assert "objects                4" in said
    assert "Verified" in said
    assert of_the_stack(copy_of_project) == []
    assert "Installing" not in sh(FIRST[0])  # the second run uses what the first has built


def test_looking_around(sh, copy_of_project):
    up, password, file, rows, run, down, help_ = LOOK_AROUND
    said = sh(up)
    for port in _ports.values():
        assert f"127.0.0.1:{port}" in said
    ours = {int(port) for port in _ports.values()}
    listening = [c.laddr for c in psutil.net_connections("tcp") if c.status == "LISTEN"]
    assert {address.ip for address in listening if address.port in ours} == {"127.0.0.1"}

    assert re.search(r"Airflow +admin +\S{20,}", sh(password))

    make_sqlite(copy_of_project / file.rpartition("=")[2], rows=500)
    assert "500" in sh(file)
    assert f"{FULL:,}" in sh(rows)
    said = sh(run)
    assert f"rows                   {FULL:,}" in said
    assert "objects                19" in said
    assert "it stays up" in said

    sh(down)
    assert of_the_stack(copy_of_project) == []
    assert "make <target>" in sh(help_)


def make_sqlite(path: Path, rows: int) -> None:
    """A file of the real dataset's form: a table Fires with its 37 columns and two more."""
    from include.wildfires import WILDFIRE_TYPES
    from tests.dags.conftest import wildfire

    columns = ["OBJECTID", *WILDFIRE_TYPES, "Shape"]
    values = [[index, *wildfire(index).values(), b"\x00\x01"] for index in range(rows)]
    with sqlite3.connect(path) as database:
        database.execute(f"CREATE TABLE Fires ({', '.join(columns)})")
        database.executemany(f"INSERT INTO Fires VALUES ({', '.join('?' * len(columns))})", values)
    database.close()


def test_services_for_the_clis_standalone_mode(sh, copy_of_project):
    (services,) = [line for line in ASTRO if line.startswith("make")]
    said = sh(services)
    file = Path(re.search(r"--env (\S+)", said.replace("\n", " "))[1])
    (start,) = [line for line in ASTRO if "--standalone" in line]
    assert copy_of_project / re.search(r"--env (\S+)", start)[1] == file
    lines = dict(line.partition("=")[::2] for line in file.read_text().splitlines())
    assert set(lines) == {
        "AIRFLOW_CONN_WILDFIRES_API",
        "AIRFLOW_CONN_LOCALS3",
        "AIRFLOW_CONN_WAREHOUSE",
        "AIRFLOW_CONN_LAKE_CATALOG",
        "AIRFLOW__CORE__PLUGINS_FOLDER",
        "AIRFLOW__COSMOS__ENABLE_TELEMETRY",
    }
    assert f'"port": {_ports["API_PORT"]}' in lines["AIRFLOW_CONN_WILDFIRES_API"]
    assert file.stat().st_mode & 0o077 == 0
    # The CLI makes .venv its own in this mode: another Python, other packages.
    python = copy_of_project / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text("#!/bin/sh\nexit 1\n")
    python.chmod(0o755)
    sh("make down")
    assert of_the_stack(copy_of_project) == []


def test_three_celery_workers(sh, copy_of_project):
    (line,) = CELERY
    said = sh(f"{line} REPLACE=1")  # in place of the full dataset
    assert "rows                   195,000" in said
    assert "objects                4" in said
    ran = re.search(r"copies by worker +worker-1 (\d+), worker-2 (\d+), worker-3 (\d+)", said)
    assert sum(map(int, ran.groups())) == 4
    assert "Verified" in said
    assert of_the_stack(copy_of_project) == []


def test_exporting_what_a_deployment_needs(sh, copy_of_project):
    (export,) = DEPLOY
    said = sh(export)
    assert "to fill in" in said
    assert "local-dummy" not in "".join(path.read_text() for path in (copy_of_project / ".deploy").iterdir())
