"""The door for developers: help, lock files, and errors before anything is installed."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from services.local.home import PROJECT

REQUIREMENTS = PROJECT / "requirements"
PINNED = re.compile(r"^([a-z0-9][a-z0-9-]*)==(\S+)", re.MULTILINE)
NAMED = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)", re.MULTILINE)


def pins(name: str) -> set[tuple[str, str]]:
    """(package, version) of a lock; a package may have several, for different Pythons."""
    return set(PINNED.findall((REQUIREMENTS / f"{name}.lock").read_text()))


def named(path: Path) -> set[str]:
    return {re.sub(r"[-_.]+", "-", name).lower() for name in NAMED.findall(path.read_text())}


@pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
def test_help_is_the_default_and_lists_every_target() -> None:
    done = subprocess.run(["make"], cwd=PROJECT, capture_output=True, text=True, check=True)
    listed = set(re.findall(r"^  ([a-z][a-z0-9-]*) ", done.stdout, re.MULTILINE))
    targets = set(re.findall(r"^([a-z][a-z0-9-]*):(?!=)", (PROJECT / "Makefile").read_text(), re.MULTILINE))
    assert listed == targets
    assert {"run", "test", "up", "down"} <= targets


LOCKS = [
    *(f"requirements/{name}.lock" for name in ("bootstrap", "run", "test")),
    *(f"include/{name}/requirements.lock" for name in ("astro_sdk", "dbt")),
    *(f"benchmarks/requirements/{name}.lock" for name in ("dlt", "seed")),
]


@pytest.mark.parametrize("path", [*LOCKS, *(lock.replace(".lock", ".in") for lock in LOCKS)])
def test_dependencies_name_no_index_and_no_host(path: str) -> None:
    text = (PROJECT / path).read_text()
    assert not re.search(r"://|--(extra-)?index-url|--find-links|--trusted-host", text)


@pytest.mark.parametrize("path", LOCKS)
def test_every_pin_of_a_lock_has_hashes(path: str) -> None:
    blocks = re.split(r"\n(?=\S)", (PROJECT / path).read_text())
    assert [block for block in blocks if "==" in block and "--hash=sha256:" not in block] == []


def test_the_locks_agree() -> None:
    assert pins("run") < pins("test")


def test_the_locks_cover_what_is_asked_for() -> None:
    run = {name for name, _ in pins("run")}
    test = {name for name, _ in pins("test")}
    assert named(REQUIREMENTS / "run.in") <= run
    assert named(REQUIREMENTS / "test.in") | named(PROJECT / "requirements.txt") <= test


def test_the_image_gets_airflow_from_its_base() -> None:
    assert "apache-airflow" not in named(PROJECT / "requirements.txt")


def bootstrap(tmp_path: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """The bootstrap of a copy of the project, so that this one's .venv is not touched."""
    shutil.copytree(PROJECT / "services" / "local", tmp_path / "services" / "local")
    shutil.copytree(REQUIREMENTS, tmp_path / "requirements")
    script = str(tmp_path / "services" / "local" / "bootstrap.sh")
    sh = shutil.which("sh")
    assert sh
    return subprocess.run(
        [sh, script, "run"], env={**os.environ, **environment}, capture_output=True, text=True, timeout=60
    )


def test_a_python_that_is_too_old_or_missing_is_explained(tmp_path: Path) -> None:
    done = bootstrap(tmp_path, PYTHON="/nonexistent/python3")
    assert done.returncode == 1
    assert "No Python 3.11 or newer" in done.stderr
    assert "make PYTHON=" in done.stderr


def test_a_python_without_pip_and_venv_is_explained(tmp_path: Path) -> None:
    fakes = tmp_path / "fakes"
    fakes.mkdir()
    for module in ("pip", "venv"):
        (fakes / f"{module}.py").write_text(f"raise SystemExit('No module named {module}')")
    done = bootstrap(tmp_path, PYTHON=sys.executable, PYTHONPATH=str(fakes), PATH="/usr/bin:/bin")
    assert done.returncode == 1
    assert "Install pip" in done.stderr
    assert "No module named venv" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
@pytest.mark.parametrize(
    ("given", "nearest"),
    [("FORMAT=parquet", "CONF"), ("dag=x", "DAG"), ("ROW=5", "ROWS"), ("airflow-port=1", "AIRFLOW_PORT")],
)
def test_an_unknown_variable_is_refused_before_anything_starts(given: str, nearest: str) -> None:
    done = subprocess.run(["make", "run", given], cwd=PROJECT, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"{given.partition('=')[0]} (did you mean {nearest}?)" in done.stderr


@pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
def test_known_variables_are_taken_and_others_of_the_environment_ignored() -> None:
    given = ["ROWS=5", 'CONF={"format": "parquet"}', "AIRFLOW_PORT=1", "ARGS=-k 'a b'"]
    done = subprocess.run(
        ["make", "--dry-run", "run", *given],
        cwd=PROJECT,
        env=os.environ | {"dag": "x", "FORMAT": "csv"},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_every_variable_of_a_recipe_is_known() -> None:
    makefile = (PROJECT / "Makefile").read_text()
    used = set(re.findall(r"\$\$\{?([A-Z][A-Z0-9_]+)|\b([A-Z][A-Z0-9_]+)=…", makefile))
    names = {name for pair in used for name in pair if name}
    declared = set(re.search(r"^VARIABLES := ((?:.*\\\n)*.*)", makefile, re.MULTILINE)[1].split())
    assert {"DAG", "ROWS", "CONF"} <= names <= declared


def test_the_sdks_interpreter_needs_a_python_of_its_own_range(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from services.local import bootstrap

    shim = tmp_path / "python3.12"  # as a version manager leaves one for a version that is not there
    shim.write_text("#!/bin/sh\nexit 127\n")
    shim.chmod(0o755)

    monkeypatch.setattr(bootstrap.sys, "version_info", (3, 12, 1, "final", 0))
    assert bootstrap.interpreter_python() == sys.executable

    monkeypatch.setattr(bootstrap.sys, "version_info", (3, 13, 0, "final", 0))
    there = {"python3.12": str(shim), "python3.11": sys.executable}
    monkeypatch.setattr(bootstrap.shutil, "which", there.get)
    assert bootstrap.interpreter_python() == sys.executable

    monkeypatch.setattr(bootstrap.shutil, "which", lambda name: None)
    with pytest.raises(bootstrap.BootstrapError, match=r"3\.11 or 3\.12.*3\.13.*PYTHON="):
        bootstrap.interpreter_python()
