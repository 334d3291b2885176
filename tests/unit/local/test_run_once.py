"""Which manifests `make run` reads back."""

from types import SimpleNamespace

import pytest

from services.local.airflow_api import Run
from services.local.run_once import manifests_of

RUN = Run("fires", "manual__1")
STANDS = {"run": "20260101T000000-a", "manifest": "s3://lake/fires/20260101T000000-a/_manifest.json"}


def stack_with(states, xcoms):
    """An Airflow whose tasks ended so, and left these XComs: (task, key) → value."""
    instances = [{"task_id": task, "map_index": -1, "state": state} for task, state in states.items()]
    api = SimpleNamespace(
        task_instances=lambda run: instances,
        xcom=lambda run, task, index=-1, key="return_value": xcoms.get((task, key)),
    )
    return SimpleNamespace(api=api)


@pytest.mark.parametrize("task", ["count_rows", "plan", "group.commit"])
def test_of_a_run_with_nothing_new_what_stands(task):
    states = dict.fromkeys(["count_rows", "plan", "group.commit"], "success") | {task: "skipped"}
    stack = stack_with(states, {(task, "unchanged"): STANDS})
    assert manifests_of(stack, RUN) == [STANDS["manifest"]]


def test_of_a_run_that_committed_its_own():
    stack = stack_with({"plan": "success", "commit": "success"}, {("commit", "return_value"): STANDS})
    assert manifests_of(stack, RUN) == [STANDS["manifest"]]


def test_of_a_run_that_committed_nothing_none():
    assert manifests_of(stack_with({"plan": "skipped", "commit": "skipped"}, {}), RUN) == []
