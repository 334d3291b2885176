"""Which files go into the image: what .dockerignore leaves of the project; and that its tests load there."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.project_files import PROJECT, needs_the_repository, repository_files

pytestmark = needs_the_repository


def excludes(dockerignore, path):
    """Whether a path stays out: patterns begin at the root, match parents too, and the last one wins."""
    out = False
    for line in dockerignore.splitlines():
        pattern = line.strip()
        if not pattern or pattern.startswith("#"):
            continue
        keeps = pattern.startswith("!")
        pattern = (
            re.escape(pattern.lstrip("!").strip("/")).replace(r"\*\*/", "(?:.*/)?").replace(r"\*", "[^/]*")
        )
        if any(re.fullmatch(pattern, candidate.as_posix()) for candidate in (path, *path.parents)):
            out = not keeps
    return out


STAYS_OUT = [
    ".env",
    ".env.production",
    "airflow_settings.yaml",
    ".git/config",
    ".venv/bin/python",
    ".venv-make/bin/python",
    ".venv-astro-sdk/bin/python",
    ".venv-dbt/bin/python",
    ".stack/store/1.dat",
    ".astro/standalone/airflow.db",
    "airflow.cfg",
    "logs/scheduler.log",
    "services/local/seaweedfs.py",
    "k8s/secrets.yaml",
    "benchmarks/run.py",
    "include/transfer/__pycache__/copy.pyc",
]
GOES_IN = [
    "dags/wildfires_to_s3.py",
    "include/transfer/copy.py",
    "include/astro_sdk/requirements.lock",
    "include/dbt/requirements.lock",
    "plugins/lake_plugin.py",
    "tests/conftest.py",
    "tests/unit/project/test_image.py",
    "pyproject.toml",
    "packages.txt",
    "requirements.txt",
    "airflow_local_settings.py",
    ".astro/test_dag_integrity_default.py",
]


@pytest.mark.parametrize("path", STAYS_OUT)
def test_stays_out_of_the_image(path):
    text = (PROJECT / ".dockerignore").read_text()
    assert excludes(text, Path(path))
    responsible = [line for line in text.splitlines() if excludes(line, Path(path))]
    assert not excludes("\n".join(line for line in text.splitlines() if line not in responsible), Path(path))


@pytest.mark.parametrize("path", GOES_IN)
def test_goes_into_the_image(path):
    text = (PROJECT / ".dockerignore").read_text()
    assert not excludes(text, Path(path))
    assert excludes(f"{text}\n{Path(path).parts[0]}", Path(path))


def test_what_the_image_holds():
    text = (PROJECT / ".dockerignore").read_text()
    held = {path.parts[0] for path in repository_files() if not excludes(text, path)}
    assert {"dags", "include", "plugins", "tests", "requirements.txt", "packages.txt"} <= held
    assert not held & {"services", "k8s", "docs", "benchmarks", "airflow_settings.yaml", ".env.example"}


def test_patterns_are_of_the_kind_that_these_tests_understand():
    patterns = [line for line in (PROJECT / ".dockerignore").read_text().splitlines() if line[:1] not in "#"]
    assert patterns
    assert [line for line in patterns if re.search(r"[\[\]?\\]|\*\*(?!/)", line)] == []


def test_nothing_in_the_repository_is_ignored():
    """`astro` in .gitignore, which the CLI wants there, would hide anything of that name, at any depth."""
    command = ["git", "ls-files", "--cached", "--ignored", "--exclude-standard"]
    repository_files()  # skips where there is no clone
    assert subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True).stdout == ""


def test_every_test_can_be_collected_inside_the_image(tmp_path):
    """`astro dev pytest` runs in the image: what it lacks must lead to a skip, not to an error."""
    patterns = (PROJECT / ".dockerignore").read_text()
    for file in repository_files():
        if not excludes(patterns, file):
            (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(PROJECT / file, tmp_path / file)
    assert not (tmp_path / "services").exists()
    collected = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", "tests"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert collected.returncode == 0, collected.stdout[-3000:]
