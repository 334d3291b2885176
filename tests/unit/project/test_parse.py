"""`astro dev parse`: the CLI runs pytest on .astro/test_dag_integrity_default.py in a fresh Airflow home."""

import json
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
        timeout=120,
    )
    return {
        case.get("name"): "".join(
            (case.find("failure").text or "") if case.find("failure") is not None else ""
        )
        for case in ElementTree.parse(report).iter("testcase")
    }


@pytest.fixture
def project(tmp_path):
    """A project of its own with this one's .astro folder and no DAG."""
    shutil.copytree(
        PROJECT / ".astro", tmp_path / "project" / ".astro", ignore=shutil.ignore_patterns("standalone")
    )
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


# The CLI's own version of that file, which `astro dev init` lays where none is, fakes what a parse may ask
# for. What a DAG reads at its top level is then something else than in production: none may change by it.
AS_THE_CLI_FAKES = """
import json, os, sys

from airflow.dag_processing.dagbag import DagBag
from airflow.sdk import BaseHook, Connection, Variable

def getenv(key, *args, **kwargs):
    default = args[0] if args else kwargs.get("default")
    unfaked = key in ("JENKINS_HOME", "PYTEST_THEME") and default is None
    return os.environ.get(key) or (None if unfaked else default or f"MOCKED_{key.upper()}_VALUE")

def variable(key, default_var=None, deserialize_json=False):
    return default_var or ({} if deserialize_json else "NON_DEFAULT_MOCKED_VARIABLE_VALUE")

if sys.argv[1] == "faked":
    os.getenv = getenv
    Variable.get = variable
    BaseHook.get_connection = lambda key, *args, **kwargs: Connection(conn_id=key)
bag = DagBag(dag_folder=sys.argv[2], bundle_path=sys.argv[2])
edges = {
    name: {task.task_id: sorted(task.downstream_task_ids) for task in dag.tasks}
    for name, dag in bag.dags.items()
}
params = {name: {key: dag.params[key] for key in dag.params} for name, dag in bag.dags.items()}
print(json.dumps([edges, params, bag.import_errors], default=str, sort_keys=True))
"""
FAKED_DAGS = {
    "number.py": GOOD.format(name="number") + "import os\nint(os.getenv('BATCH_SIZE') or 5000)\n",
    "default.py": GOOD.format(name="default")
    + "from airflow.sdk import Variable\nVariable.get('batch_size', default=5000)\n",
    "good.py": GOOD.format(name="good") + "import os\nos.getenv('BATCH_SIZE', '5000')\n",
}


def seen_by(how, dags, home):
    """[edges by DAG, params by DAG, import errors by path], as a parse in a new process sees them."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("AIRFLOW", "PYTEST"))}
    ran = subprocess.run(
        [sys.executable, "-c", AS_THE_CLI_FAKES, how, str(dags)],
        cwd=PROJECT,
        env=environment | {"AIRFLOW_HOME": str(home), "PYTHONPATH": str(PROJECT)},
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ran.returncode == 0, ran.stderr[-3000:]
    return json.loads(ran.stdout.splitlines()[-1])


def test_the_clis_fakes_change_no_dag(home):
    plain, faked = (seen_by(how, PROJECT / "dags", home) for how in ("plain", "faked"))
    assert plain[0]
    assert plain[2] == {}
    assert faked == plain


def test_a_dag_that_reads_settings_at_its_top_level_breaks_under_the_fakes(project, home):
    for name, text in FAKED_DAGS.items():
        (project / "dags" / name).write_text(text)
    dags, _, errors = seen_by("faked", project / "dags", home)
    by_file = {path.rpartition("/")[2]: error for path, error in errors.items()}
    assert "MOCKED_BATCH_SIZE_VALUE" in by_file["number.py"]
    assert "unexpected keyword argument 'default'" in by_file["default.py"]
    assert set(dags) == {"good"}
