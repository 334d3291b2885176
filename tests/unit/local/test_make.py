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
        [sh, script, "run"], env={**os.environ, **environment}, capture_output=True, text=True, timeout=600
    )


def test_a_python_that_is_too_old_or_missing_is_explained(tmp_path: Path) -> None:
    old = tmp_path / "python3"
    old.write_text("#!/bin/sh\nexit 0\n")  # as one that runs but says no version that will do
    old.chmod(0o755)
    done = bootstrap(tmp_path, PYTHON=str(old))
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


def shim(path: Path) -> Path:
    """A program as a version manager leaves one for a version that is not there."""
    path.write_text("#!/bin/sh\necho 'version not installed' >&2\nexit 127\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH with nothing on it that runs, and no network to fetch a Python from."""
    folder = tmp_path / "programs"
    folder.mkdir()
    for name in ("python3.11", "python3.12"):
        shim(folder / name)
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("UV_PYTHON_INSTALL_DIR", str(tmp_path / "fetched"))
    monkeypatch.setenv("UV_PYTHON_INSTALL_MIRROR", (tmp_path / "no-network").as_uri())
    return folder


@pytest.fixture
def newer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The bootstrap under a Python that the SDK does not run on; the list is where it was to install."""
    from services.local import bootstrap

    installed: list[Path] = []
    uv = bootstrap.find_uv()
    monkeypatch.setattr(bootstrap, "find_uv", lambda: uv)
    monkeypatch.setattr(bootstrap.sys, "version_info", (3, 13, 0, "final", 0))
    monkeypatch.setattr(bootstrap, "installed_in", lambda folder: None)
    monkeypatch.setattr(bootstrap, "SDK", tmp_path / "sdk")
    monkeypatch.setattr(bootstrap, "install", lambda folder, lock, python: installed.append(folder))
    return installed


@pytest.mark.skipif(sys.version_info >= (3, 13), reason="this Python is newer than any of the SDK")
def test_the_sdks_interpreter_is_made_of_the_first_python_of_its_range_that_runs(
    programs: Path, newer: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from services.local import bootstrap

    real = tmp_path / "real"
    real.mkdir()
    (real / "python3.11").symlink_to(sys.executable)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{real}")
    bootstrap.install_sdk()
    assert newer == [tmp_path / "sdk"]
    python = tmp_path / "sdk/bin/python"
    ran = subprocess.run([python, "-c", "import sys; print(sys.version_info[:2])"], capture_output=True)
    assert ran.stdout in (b"(3, 11)\n", b"(3, 12)\n")


@pytest.mark.usefixtures("programs")
def test_where_there_is_none_the_sdk_is_left_out_and_that_is_said(
    newer: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    from services.local import bootstrap

    bootstrap.install_sdk()
    assert newer == []
    assert "3.11 or 3.12" in capsys.readouterr().out


def test_a_named_python_that_does_not_run_is_said_to_be_one(tmp_path: Path) -> None:
    python = shim(tmp_path / "python3.12")
    done = bootstrap(tmp_path, PYTHON=str(python))
    assert done.returncode == 1
    assert f"PYTHON={python}" in done.stderr
    assert "version not installed" in done.stderr


@pytest.mark.parametrize(
    ("command", "variable", "value"),
    [
        ("services.local run", "ROWS", "abc"),
        ("services.local data", "ROWS", "0"),
        ("tests.faults.chaos", "ROUNDS", "x"),
    ],
)
def test_a_wrong_value_is_told_by_the_variables_name(command: str, variable: str, value: str) -> None:
    arguments = [sys.executable, "-m", *command.split(), f"--{variable.lower()}", value]
    done = subprocess.run(arguments, cwd=PROJECT, capture_output=True, text=True)
    assert done.returncode == 2
    assert f"{variable}: " in done.stderr
    assert "--" not in done.stderr
