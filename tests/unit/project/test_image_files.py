"""Which files go into the image and into the repository, and the interpreters that the image makes."""

import shutil
import subprocess

import pytest

from tests.project_files import PROJECT, image_files

SECRETS = [
    ".env",
    ".env.production",
    ".stack/secrets.json",
    ".deploy/airflow.env",
    ".k8s/secrets.yaml",
    "airflow.cfg",
    "airflow.db",
    ".astro/standalone/airflow.db",
    # Of the Astro CLI: its export leaves connections behind; its lock would have every build copy all anew.
    ".astro/config.yaml.lock",
    ".astro/worktrees/a/dags/x.py",
    "tmp.connections",
    "tmp.var",
    ".astro/tmp.connections",
]


@pytest.mark.parametrize("path", SECRETS)
def test_secrets_and_state_stay_out(path: str) -> None:
    assert image_files([path]) == []
    assert subprocess.run(["git", "check-ignore", "--quiet", path], cwd=PROJECT).returncode == 0


def test_dummy_credentials_stay_out_of_the_image() -> None:
    assert image_files(["airflow_settings.yaml"]) == []


def test_nothing_in_the_repository_is_ignored() -> None:
    """`astro` in .gitignore, which the CLI wants there, would hide anything of that name, at any depth."""
    command = ["git", "ls-files", "--cached", "--ignored", "--exclude-standard"]
    assert subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True).stdout == ""


def test_the_image_makes_the_interpreters_that_the_report_looks_for() -> None:
    """The loop of the Dockerfile, run by a shell with stand-ins for python and pip."""
    text = (PROJECT / "Dockerfile").read_text().replace("\\\n", "")
    (command,) = (line.removeprefix("RUN ") for line in text.splitlines() if line.startswith("RUN "))
    fakes = 'python() { echo "venv $3"; }; env() { echo "install ${3%/bin/pip} ${*: -1}"; }; '
    shell = shutil.which("bash") or pytest.skip("needs bash")
    made = subprocess.run([shell, "-c", fakes + command], capture_output=True, text=True, check=True)
    assert made.stdout.splitlines() == [
        "venv .venv-astro-sdk",
        "install .venv-astro-sdk include/astro_sdk/requirements.lock",
        "venv .venv-dbt",
        "install .venv-dbt include/dbt/requirements.lock",
    ]
