"""What is imported before tasks are forked: where, what copies find of it, and what a deploy changes."""

import json
import logging
import os
import subprocess
import sys
from types import ModuleType

import pytest

from include.tasks import preload
from include.tasks.preload import Preloaded
from tests.airflow_home import PROJECT

COPY_IN_A_FORK = """
import json, os, sys, threading
sys.argv = ["airflow", "scheduler"]
import airflow.settings
early = [name for name in ("minio", "aiohttp", "include.lake") if name in sys.modules]
threads = threading.active_count()
read, write = os.pipe()
if os.fork() == 0:
    there = set(sys.modules)
    from include.tasks import connections
    from include.transfer.dataset import Dataset
    from include.transfer import run
    dataset = Dataset(name="rows", conn_id="wildfires_api", rows_path="/api/get", batch_size=2)
    batch = {"start": 0, "limit": 2, "total": 2, "version": None, "label": "rows"}
    receipt = run.copy(*connections.open_both(dataset), batch, "a-run")
    more = sorted(set(sys.modules) - there)
    os.write(write, json.dumps([receipt["rows"], more, sorted(sys.modules), early, threads]).encode())
    os._exit(0)
os.close(write)
print(open(read).read())
print(json.dumps(threading.active_count()))
"""


@pytest.fixture
def at_fork(monkeypatch):
    """What would run when this process forks, by its time."""
    hooks = {}
    monkeypatch.setattr(os, "register_at_fork", lambda **named: hooks.update(named))
    return hooks


@pytest.mark.parametrize(
    "argv",
    [
        ["airflow", "dag-processor"],
        ["airflow", "api-server"],
        ["airflow", "triggerer"],
        ["airflow", "tasks", "test", "a_dag", "scheduler"],
        ["airflow", "celery", "flower"],
        ["/…/airflow/sdk/execution_time/execute_workload.py", "--json-path", "/tmp/a"],
    ],
)
def test_nothing_is_preloaded_where_no_task_is_forked(at_fork, argv):
    assert not preload.register(argv)
    assert at_fork == {}


@pytest.mark.parametrize(
    ("argv", "executor", "loads"),
    [
        (["airflow", "scheduler", "--skip-serve-logs"], "LocalExecutor", True),
        (["/…/airflow/__main__.py", "scheduler"], "KubernetesExecutor,LocalExecutor", True),
        (["airflow", "scheduler"], "KubernetesExecutor", False),
        (["airflow", "scheduler"], "CeleryExecutor", False),
        (["airflow", "celery", "worker"], "CeleryExecutor", True),
    ],
)
def test_what_forks_tasks_preloads_before_its_first_fork(
    at_fork, executors, monkeypatch, argv, executor, loads
):
    executors(executor)
    monkeypatch.setattr(preload, "MODULES", ["colorsys"])
    monkeypatch.delitem(sys.modules, "colorsys", raising=False)
    assert preload.register(argv)
    assert "colorsys" not in sys.modules
    at_fork["before"]()
    assert ("colorsys" in sys.modules) is loads
    monkeypatch.delitem(sys.modules, "colorsys", raising=False)
    at_fork["before"]()
    assert "colorsys" not in sys.modules, "it is imported once"


def test_a_mac_starts_an_interpreter_a_task(at_fork, monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    assert not preload.register(["airflow", "scheduler"])


def test_what_cannot_be_imported_is_left_to_the_tasks(caplog, monkeypatch):
    monkeypatch.delitem(sys.modules, "colorsys", raising=False)
    Preloaded(["no_such_module", "colorsys"]).load()
    assert "colorsys" in sys.modules
    assert [(each.levelno, each.args) for each in caplog.records] == [(logging.WARNING, ("no_such_module",))]


def test_a_question_without_an_answer_is_no_reason_to_die(caplog):
    def broken():
        raise RuntimeError

    Preloaded(["colorsys"], broken).load()
    assert [each.levelno for each in caplog.records] == [logging.WARNING]


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package of two modules that is on the path."""
    folder = tmp_path / "lake_code"
    folder.mkdir()
    for name in ("__init__", "first", "second"):
        (folder / f"{name}.py").write_text("VALUE = 'old'\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield folder
    for name in [name for name in sys.modules if name.startswith("lake_code")]:
        del sys.modules[name]


@pytest.mark.parametrize("change", ["write", "remove"])
def test_a_forked_task_imports_what_a_deploy_changed(package, change):
    preloaded = Preloaded(["lake_code.first", "lake_code.second"], package=package)
    preloaded.load()
    first = sys.modules["lake_code.first"]
    preloaded.forget_changed()
    assert sys.modules["lake_code.first"] is first
    if change == "write":
        (package / "second.py").write_text("VALUE = 'newer'\n")
    else:
        (package / "second.py").unlink()
    preloaded.forget_changed()
    assert not [name for name in sys.modules if name.startswith("lake_code")]


def test_a_file_that_is_replaced_during_the_import_counts_as_changed(package, monkeypatch):
    def replaced(name):
        sys.modules[name] = module = ModuleType(name)
        module.__file__ = str(package / "first.py")
        (package / "first.py").write_text("VALUE = 'newer'\n")

    monkeypatch.setattr(preload, "_import", replaced)
    preloaded = Preloaded(["lake_code.first"], package=package)
    preloaded.load()
    preloaded.forget_changed()
    assert "lake_code.first" not in sys.modules


def test_a_copy_in_a_forked_task_finds_all_it_imports(lake, source):
    with source([{"a": 1}, {"a": 2}]) as rows:
        lake.connect_source(rows)
        done = subprocess.run(
            [sys.executable, "-c", COPY_IN_A_FORK],
            env=os.environ | {"AIRFLOW__CORE__EXECUTOR": "LocalExecutor", "PYTHONPATH": str(PROJECT)},
            cwd=PROJECT,
            capture_output=True,
            text=True,
        )
    assert done.returncode == 0, done.stderr
    *_, told, threads_after = done.stdout.splitlines()
    copied, more, loaded, early, threads = json.loads(told)
    assert (copied, early) == (2, [])
    assert threads == json.loads(threads_after) == 1, "a fork with threads may hang"
    assert [
        name for name in more if name.partition(".")[0] not in {*sys.stdlib_module_names, "__mp_main__"}
    ] == []
    unneeded = {
        "pyarrow",
        "pyiceberg",
        "pandas",
        "boto3",
        "cosmos.operators",
        "dbt",
        "include.transfer.diagnose",
    }
    assert unneeded & set(loaded) == set()
    assert lake.objects()
