"""`astro dev parse` and `astro dev pytest`, in the image and in standalone mode: requirements.txt alone."""

import os
import re
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from services.local import bootstrap
from tests.project_files import PROJECT, image_files, repository_files

LOCK = PROJECT / "requirements" / "test.lock"


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An interpreter with requirements.txt and Airflow, at the versions that are locked."""
    folder = tmp_path_factory.mktemp("requirements") / ".venv"
    uv, found = bootstrap.find_uv(), folder / "bin" / "python"
    bootstrap.run_uv(uv, ["venv", "--quiet", "--python", sys.executable, str(folder)])
    locked = re.findall(r"^[a-z0-9][^\s;]*==[^\s\\]+(?: ; [^\\\n]+)?", LOCK.read_text(), re.MULTILINE)
    constraints = folder / "constraints.txt"
    constraints.write_text("\n".join(locked))
    wanted = ["-r", str(PROJECT / "requirements.txt"), f"apache-airflow=={version('apache-airflow')}"]
    options = ["--quiet", "--python", str(found), "--constraints", str(constraints)]
    bootstrap.run_uv(uv, ["pip", "install", *options, *wanted])
    return found


@pytest.fixture(scope="module", params=["image", "standalone"])
def project(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """In a folder of their own: the files that go into the image, or all, as the standalone mode has them."""
    folder = tmp_path_factory.mktemp(request.param)
    names = [path.as_posix() for path in repository_files()]
    for name in image_files(names) if request.param == "image" else names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(PROJECT / name, folder / name)
    return folder


def pytest_in(folder: Path, python: Path, *arguments: str) -> str:
    """What pytest said; fails where it did."""
    own = {k: v for k, v in os.environ.items() if not k.startswith(("AIRFLOW", "PYTEST", "PYTHON"))}
    done = subprocess.run(
        [python.with_name("pytest"), "-p", "no:cacheprovider", *arguments],
        cwd=folder,
        env=own | {"AIRFLOW_HOME": str(folder / ".astro" / "standalone"), "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        timeout=1_200,
    )
    assert done.returncode == 0, done.stdout[-5000:]
    return done.stdout


def test_the_dags_parse(project: Path, python: Path) -> None:
    pytest_in(project, python, ".astro/test_dag_integrity_default.py")


def test_the_tests_pass(project: Path, python: Path) -> None:
    said = pytest_in(project, python, "tests/")
    assert int(re.search(r"(\d+) passed", said)[1]) > 500
    assert "left out, for want of" in said
