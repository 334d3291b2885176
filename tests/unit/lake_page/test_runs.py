"""Which DAGs copy, and how a run's folder is found, read from what Airflow stores."""

import re
from datetime import UTC, datetime, timedelta, timezone
from math import inf, nan

import pytest

from include.lake_page.runs import Copied, CopyDag, find_copies, read_plan, run_name
from include.transfer.batches import Batch
from include.transfer.errors import BadSettings
from include.transfer.store.keys import Prefix

DATASET = {"name": "fires", "batch_size": 10, "query": {"a": 1}}


def encoded(value):
    """A value as Airflow serializes it where types matter."""
    return {"__type": "dict", "__var": value}


def stored(*tasks, params=()):
    encoded_tasks = [{"__type": "operator", "__var": task} for task in tasks]
    return {"__version": 3, "dag": {"tasks": encoded_tasks, "params": [[name, {}] for name in params]}}


def mapped_copy(dataset=DATASET, task_id="copy"):
    kwargs = encoded({"run": "{{ … }}", "dataset": encoded({**dataset, "query": encoded({"a": 1})})})
    return {"task_id": task_id, "python_callable_name": "copy", "partial_kwargs": {"op_kwargs": kwargs}}


def test_a_mapped_copy_is_found_with_its_dataset_and_the_tasks_around_it():
    tasks = [
        {"task_id": "plan", "python_callable_name": "plan"},
        mapped_copy(),
        {"task_id": "verify", "python_callable_name": "verify"},
    ]
    found = find_copies("a", stored(*tasks, params=["format", "force"]))
    assert found == [CopyDag("a", DATASET, "copy", "plan", "verify", frozenset({"format", "force"}))]


def test_each_copy_of_a_dag_is_found_with_the_tasks_of_its_own_group():
    other = DATASET | {"name": "others"}
    tasks = [
        mapped_copy(task_id="fires.copy"),
        {"task_id": "fires.plan", "python_callable_name": "plan"},
        mapped_copy(other, task_id="others.each.copy"),
        {"task_id": "others.plan", "python_callable_name": "plan"},
        {"task_id": "verify", "python_callable_name": "verify"},
    ]
    assert find_copies("a", stored(*tasks)) == [
        CopyDag("a", DATASET, "fires.copy", "fires.plan", "verify"),
        CopyDag("a", other, "others.each.copy", "others.plan", "verify"),
    ]


def test_a_copy_inside_a_mapped_group_is_found():
    task = {
        "task_id": "g.copy",
        "python_callable_name": "copy",
        "op_kwargs": {"run": "r", "dataset": DATASET},
    }
    assert find_copies("a", stored(task)) == [CopyDag("a", DATASET, "g.copy", None, None)]


@pytest.mark.parametrize(
    "serialized",
    [
        {},
        {"dag": {}},
        {"dag": {"tasks": [None, 1, {"__type": "operator", "__var": "x"}]}},
        stored({"task_id": "copy", "python_callable_name": "copy", "op_kwargs": "too long, so cut off"}),
        stored({"task_id": "copy", "python_callable_name": "copy", "op_kwargs": {"file": "a"}}),
        stored({"task_id": "plan", "python_callable_name": "plan"}),
    ],
)
def test_other_dags_do_not_copy(serialized):
    assert find_copies("a", serialized) == []


def test_a_runs_form_changes_its_dataset_and_a_wrong_one_has_none():
    dag = CopyDag("a", DATASET, "copy", None, None, frozenset({"name"}))
    assert dag.dataset_of({"name": "other", "batch_size": 1}).to_dict() == {
        **dag.dataset_of({}).to_dict(),
        "name": "other",
    }
    assert dag.dataset_of("not a form").name == "fires"
    assert dag.dataset_of({"name": None}).name == "fires"  # left empty
    for wrong in ("<script>", 7, ["fires"]):
        with pytest.raises(BadSettings):
            dag.dataset_of({"name": wrong})


def test_a_runs_folder_is_what_the_template_renders():
    from jinja2 import Environment

    from include.tasks.context import RUN

    moment = datetime(2026, 11, 25, 16, 0, 5, 999, timezone(timedelta(hours=2)))
    environment = Environment()
    environment.filters["ts_nodash"] = lambda value: value.astimezone(UTC).strftime("%Y%m%dT%H%M%S")
    import uuid

    values = {
        "dag": {"dag_id": "a_dag"},
        "run_id": "manual__1",
        "dag_run": {"run_after": moment},
        "macros": {"uuid": uuid},
    }
    name = environment.from_string(RUN).render(values)
    assert run_name("a_dag", "manual__1", moment) == name
    # 128 bits are met by nobody; the first 8 digits are those of the first releases.
    assert re.fullmatch(r"20261125T140005-2c51ee4d[0-9a-f]{32}", name)
    Prefix("fires", name)


def test_what_is_no_receipt_or_no_plan_is_not_known():
    receipt = {
        "start": 0,
        "rows": 5,
        "bytes": 7,
        "seconds": 0.5,
        "peak_rss_mb": 100,
        "reused": False,
        "key": "k",
    }
    assert Copied.from_receipt(receipt) == Copied(0, 5, 7, 0.5, 100.0, False, "k")
    wrong_values = (
        {"rows": None},
        {"bytes": "many"},
        {"rows": 10**400},
        {"seconds": nan},
        {"key": "k" * 2_000},
    )
    for wrong in (None, [], "x", {"start": 0}, *({**receipt, **value} for value in wrong_values)):
        assert Copied.from_receipt(wrong) is None
    assert read_plan([{"start": 0, "limit": 5}]) == (Batch(0, 5),)
    assert read_plan([]) == ()
    for wrong in (None, "text", 5, [1], [{"start": "x", "limit": 1}], [{"start": inf, "limit": 1}]):
        assert read_plan(wrong) is None
