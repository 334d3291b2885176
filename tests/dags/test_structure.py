"""The DAGs as they parse: their tasks, edges, defaults and forms, and what parsing must not do."""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.airflow_home import PROJECT
from tests.dags.conftest import dag_bag

COPY_DAGS = ("wildfires_small_to_s3", "wildfires_to_s3", "api_to_s3")
INTERVAL = {"since", "until"}  # of a run, where the dataset has a window
POLICY = {"force": False, "on_drift": "fail", "keep_runs": 0}
FILES = sorted((PROJECT / "dags").glob("*.py"))


def test_every_dag_file_gives_one_dag_of_its_own_name():
    bag = dag_bag()
    assert bag.import_errors == {}
    assert set(bag.dags) == {file.stem for file in FILES}
    assert {"wildfires_per_year", "lake_doctor", *COPY_DAGS} <= set(bag.dags)


@pytest.mark.parametrize("dag_id", COPY_DAGS)
def test_the_flow_is_count_plan_copy_verify_commit(dags, dag_id):
    edges = {task.task_id: task.downstream_task_ids for task in dags[dag_id].tasks}
    assert edges == {
        "count_rows": {"plan"},
        "plan": {"copy", "verify"},
        "copy": {"verify"},
        "verify": {"commit"},
        "commit": set(),
    }


def test_the_mapped_group_copies_then_counts_each_batch(dags):
    dag = dags["wildfires_per_year"]
    assert dag.get_task("years_of.copy").downstream_task_ids == {"years_of.fires_per_year"}
    assert dag.get_task("years_of.fires_per_year").downstream_task_ids == {"verify", "total_per_year"}
    assert dag.get_task("commit").downstream_task_ids == {"total_per_year"}


def test_the_classic_pipeline_is_count_batches_transfer(dags):
    edges = {task.task_id: task.downstream_task_ids for task in dags["wildfires_classic"].tasks}
    assert edges == {
        "get_rows_count": {"create_batches"},
        "create_batches": {"transfer_to_s3"},
        "transfer_to_s3": set(),
    }


def test_two_copies_in_one_dag_have_groups_of_their_own():
    from airflow.sdk import dag

    from include.lake import Dataset, copy_to_lake

    @dag(default_args={"retries": 7})
    def two() -> None:
        for name in ("fires", "others"):
            copy_to_lake(Dataset(name=name), pool="copies_large", group_id=name)

    tasks = two().task_dict
    assert len(tasks) == 10
    assert tasks["fires.copy"].downstream_task_ids == {"fires.verify"}
    assert {task.partial_kwargs["retries"] for task in (tasks["fires.copy"], tasks["others.copy"])} == {7}
    assert len(tasks["others.plan"].retry_policy.rules) == 3


@pytest.mark.parametrize(
    ("dag_id", "task_id", "pool", "per_run"),
    [
        ("wildfires_small_to_s3", "copy", "copies_small", 6),
        ("wildfires_to_s3", "copy", "copies_large", None),
        ("wildfires_per_year", "years_of.copy", "copies_large", None),
        ("api_to_s3", "copy", "copies_large", 4),
    ],
)
def test_copies_take_slots_of_their_pool(dags, dag_id, task_id, pool, per_run):
    task = dags[dag_id].get_task(task_id)
    assert (task.pool, task.max_active_tis_per_dagrun) == (pool, per_run)


def test_every_pool_of_a_task_is_made(dags):
    from include.pools import wanted

    used = {task.pool for dag in dags.values() for task in dag.tasks}
    assert {"copies_small", "copies_large"} <= used <= {*wanted(), "default_pool"}


@pytest.mark.parametrize("dag_id", [file.stem for file in FILES])
def test_defaults_that_every_dag_keeps(dags, dag_id):
    dag = dags[dag_id]
    assert dag.catchup is False
    assert dag.tags
    assert dag.description
    assert dag.dag_display_name != dag_id
    assert dag.doc_md
    assert dag.start_date is not None


@pytest.mark.parametrize("dag_id", COPY_DAGS)
def test_every_task_of_a_copy_knows_what_to_do_when_it_fails(dags, dag_id):
    for task in dags[dag_id].tasks:
        kwargs = task.partial_kwargs if hasattr(task, "partial_kwargs") else vars(task)
        assert kwargs["retries"] == 3, task.task_id
        assert len(kwargs["retry_policy"].rules) == 3, task.task_id


@pytest.mark.parametrize(
    ("dag_id", "good", "bad"),
    [
        ("wildfires_small_to_s3", {"batch_size": 1}, {"batch_size": 0}),
        ("wildfires_small_to_s3", {"batch_size": 10_000_000}, {"batch_size": "many"}),
        ("wildfires_to_s3", {"format": "parquet"}, {"format": "xlsx"}),
        ("wildfires_to_s3", {"compression": "zstd"}, {"compression": "rar"}),
        ("wildfires_to_s3", {"queue": "kubernetes"}, {"queue": "celery"}),
        ("api_to_s3", {"name": "my-api_2"}, {"name": "../other"}),
        ("api_to_s3", {"total": "header:X-Total-Count"}, {"total": "footer"}),
        ("api_to_s3", {"paging": {"style": "page", "size": 5}}, {"paging": "page"}),
        ("api_to_s3", {"paging": {"size": 5}}, {"paging": {"sise": 5}}),
        (
            "api_to_s3",
            {"paging": {"style": "cursor", "token": "body:next"}},
            {"paging": {"style": "cursors"}},
        ),
        ("api_to_s3", {"paging": {"style": "link"}}, {"paging": {"style": "link", "token": "body:next"}}),
        ("api_to_s3", {"paging": None, "batch_size": None, "format": None}, {"name": None}),
        ("api_to_s3", {"query": {"state": "CA"}}, {"query": "state=CA"}),
        ("wildfires_to_s3", {"force": True}, {"force": "yes"}),
        ("wildfires_per_year", {"on_drift": "append"}, {"on_drift": "ignore"}),
        ("api_to_s3", {"keep_runs": 3}, {"keep_runs": -1}),
    ],
)
def test_the_form_takes_what_works_and_refuses_what_cannot(dags, dag_id, good, bad):
    from airflow.sdk.exceptions import ParamValidationError

    def validated(values):
        params = dags[dag_id].params
        copied = type(params)({name: params.get_param(name) for name in params})
        copied.update(values)
        return copied.validate()

    assert good.items() <= validated(good).items()
    with pytest.raises((ParamValidationError, ValueError)):
        validated(bad)


def test_every_setting_of_a_dataset_is_a_field_of_the_form(dags):
    from include.transfer.dataset import Dataset

    fields = set(Dataset.__dataclass_fields__) - {"accept_encoding"}
    assert set(dags["api_to_s3"].params) == fields | INTERVAL | set(POLICY) | {"queue"}


@pytest.mark.parametrize("dag_id", [*COPY_DAGS, "wildfires_per_year"])
def test_every_copy_lets_its_form_decide_about_what_is_there(dags, dag_id):
    assert set(POLICY) <= set(dags[dag_id].params)


def test_a_dag_gives_the_form_defaults_of_its_own():
    from include.lake import Policy, form
    from include.wildfires import WILDFIRES

    assert {name: form(WILDFIRES)[name].value for name in POLICY} == POLICY
    fields = form(WILDFIRES, Policy(on_drift="append", keep_runs=30))
    assert {name: fields[name].value for name in POLICY} == {
        "force": False,
        "on_drift": "append",
        "keep_runs": 30,
    }


@pytest.mark.parametrize("dag_id", [file.stem for file in FILES])
def test_every_form_can_be_sent_as_it_stands(dags, dag_id):
    """The form of Airflow's UI refuses an empty text, unless the field may be null."""
    params = dags[dag_id].params
    assert [name for name in params if params.get_param(name).value == ""] == []
    params.validate()


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_dag_file_ends_with_its_dag(file: Path):
    last = ast.parse(file.read_text()).body[-1]
    assert isinstance(last, ast.Expr)
    assert isinstance(last.value, ast.Call)
    assert ast.unparse(last.value.func) == file.stem


# What a parse may cost and touch, seen in a process of its own: heavy modules would show in sys.modules,
# and any connection, variable, network or environment read that can fail would fail here.
_PARSE = """
import json, socket, sys, time
import airflow.sdk
from airflow.sdk import dag, task, Asset, Param, BaseHook, Variable  # what parsing any DAG loads

def forbidden(*args, **kwargs):
    raise RuntimeError("touched the outside while parsing")

socket.socket.connect = forbidden
BaseHook.get_connection = forbidden
Variable.get = forbidden
sys.path.insert(0, sys.argv[1])
before = set(sys.modules)
started = time.process_time()
with open(sys.argv[2]) as file:
    exec(compile(file.read(), sys.argv[2], "exec"), {"__name__": "parsed"})
print(json.dumps({"cpu": time.process_time() - started, "loaded": sorted(set(sys.modules) - before)}))
"""
_HEAVY = {
    "kubernetes",
    "requests",
    "minio",
    "boto3",
    "botocore",
    "pyarrow",
    "pyiceberg",
    "pandas",
    "orjson",
    "numpy",
    "dbt",
}


# Cosmos, which draws the dbt project as tasks, loads it wherever it is installed.
_BY_COSMOS = {"wildfires_report": {"orjson"}}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_parsing_touches_nothing_and_loads_nothing_heavy(file: Path, tmp_path: Path):
    env = {k: v for k, v in os.environ.items() if not k.startswith("AIRFLOW_CONN_")}
    result = subprocess.run(
        [sys.executable, "-c", _PARSE, str(PROJECT), str(file)],
        env=env | {"AIRFLOW_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert result.returncode == 0, result.stderr
    report = json.loads(result.stdout.splitlines()[-1])
    tops = {name.partition(".")[0] for name in report["loaded"]}
    assert not tops & (_HEAVY - _BY_COSMOS.get(file.stem, set()))
    assert not [name for name in report["loaded"] if name.startswith("airflow.providers.amazon")]


def test_the_form_has_sections_and_says_each_settings_name(dags):
    params = {name: dags["api_to_s3"].params.get_param(name) for name in dags["api_to_s3"].params}
    sections = {param.schema["section"] for param in params.values() if "section" in param.schema}
    assert sections == {"Source", "Paging and rows", "Columns", "Object", "Run"}
    assert [name for name, param in params.items() if f"`{name}`" not in (param.description or "")] == [
        "queue"
    ]
    needed = {name for name, param in params.items() if "null" not in param.schema["type"]}
    assert needed == {"name", "conn_id", "rows_path", "queue"}
