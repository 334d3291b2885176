"""`astro dev parse`: the CLI runs pytest on .astro/test_dag_integrity_default.py in a fresh Airflow home."""

import os
import shutil
import subprocess
import sys
from xml.etree import ElementTree

import pytest

from tests.project_files import PROJECT

GOOD = """
from airflow.sdk import dag, task

@dag
def {name}():
    @task
    def hello(): ...
    hello()

{name}()
"""
DAGS = {
    "good.py": GOOD.format(name="good"),
    "broken.py": GOOD.format(name="broken") + "raise ValueError('broken on the way')\n",
    "excepted.py": "import a_module_that_is_not_there  # with airflow and dag in the text\n",
    "reads_variable.py": GOOD.format(name="reads")
    + "from airflow.sdk import Variable\nVariable.get('batch_size')\n",
    "reads_environment.py": GOOD.format(name="env") + "import os\nos.environ['BATCH_SIZE']\n",
}


def parse(project, home):
    """Outcome of each test, by its name: the text of its failure, "" where it passed."""
    report = home / "report.xml"
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", f"--junitxml={report}"]
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("AIRFLOW", "PYTEST"))}
    subprocess.run(
        [*command, ".astro/test_dag_integrity_default.py"],
        cwd=project,
        env=environment | {"AIRFLOW_HOME": str(home), "PYTHONPATH": str(project)},
        check=False,
        capture_output=True,
        timeout=600,
    )
    return {
        case.get("name"): "".join(
            (case.find("failure").text or "") if case.find("failure") is not None else ""
        )
        for case in ElementTree.parse(report).iter("testcase")
    }


@pytest.fixture
def project(tmp_path):
    """A project of its own with this one's integrity test and no DAG."""
    # Not the whole folder: the CLI keeps a lock and whole worktrees there, which are its own.
    (tmp_path / "project" / ".astro").mkdir(parents=True)
    for name in ("dag_integrity_exceptions.txt", "test_dag_integrity_default.py"):
        shutil.copy(PROJECT / ".astro" / name, tmp_path / "project" / ".astro" / name)
    (tmp_path / "project" / "dags").mkdir()
    return tmp_path / "project"


@pytest.fixture
def home(tmp_path):
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


def test_this_project_parses(home):
    outcomes = parse(PROJECT, home)
    files = {f"dags/{path.name}" for path in (PROJECT / "dags").glob("*.py")}
    assert outcomes == {"test_there_are_dags": ""} | {
        f"test_dag_file_can_be_parsed[{file}]": "" for file in files
    }


def test_each_broken_file_is_named_with_its_error(project, home):
    for name, text in DAGS.items():
        (project / "dags" / name).write_text(text)
    (project / ".astro" / "dag_integrity_exceptions.txt").write_text("# known\ndags/excepted.py\n")
    outcomes = parse(project, home)
    by_file = {
        name.partition("[dags/")[2].rstrip("]"): text for name, text in outcomes.items() if "[" in name
    }
    assert set(by_file) == set(DAGS)
    assert by_file.pop("good.py") == ""
    assert by_file.pop("excepted.py") == ""
    assert "broken on the way" in by_file.pop("broken.py")
    assert "batch_size" in by_file.pop("reads_variable.py")
    assert "BATCH_SIZE" in by_file.pop("reads_environment.py")


def test_a_project_without_dags_fails(project, home):
    assert "no DAG was found" in parse(project, home)["test_there_are_dags"]
