"""Every limit bites under the real scheduler: copies are held at the source, and the running ones counted.

docs/limits.md explains them; each number here is read from the one place where it is set.
"""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from include.pools import wanted
from services.local.airflow_api import Run
from services.local.stack import Stack
from tests.servers.gate import Gate
from tests.stack import MAPS, copies, manifest_of
from tests.waiting import until

ROWS = 20_000
FULL, SMALL, YEARS = "/api/get", "/api/get_small", "/api/get_for_columns"


@pytest.fixture
def gate(stack: Stack) -> Iterator[Gate]:
    """In front of the API: rows are held until the test lets them through."""
    path = "/connections/wildfires_api"
    address = {"connection_id": "wildfires_api", "conn_type": "http", "host": "127.0.0.1"}
    with Gate(stack.ports.api, FULL, SMALL, YEARS) as held:
        stack.api.request("PATCH", path, json=address | {"port": held.port})
        yield held
    stack.api.request("PATCH", path, json=address | {"port": stack.ports.api})


def running(stack: Stack, *runs: Run, task: str = "copy") -> list[int]:
    """How many copies of each run are running now."""
    return [
        sum(ti["state"] == "running" for ti in stack.task_instances(run) if ti["task_id"] == task)
        for run in runs
    ]


def rises_to(expected: Any, count: Callable[[], Any]) -> None:
    """The count becomes what is expected, however long that takes a busy machine, and stays so."""
    until(lambda: count() == expected)
    for _ in range(10):  # rounds of the scheduler
        time.sleep(0.5)
        assert count() == expected


def slots(pool: str) -> int:
    """As pools.json has it."""
    return wanted()[pool]["slots"]


def test_pool_parallelism_and_the_cap_on_a_run(stack, gate):
    from services.local.airflow_env import PARALLELISM

    large = stack.trigger("wildfires_to_s3", {"batch_size": ROWS // MAPS, "force": True})
    # 16 copies, no other limit near: the pool.
    rises_to([slots("copies_large")], lambda: running(stack, large))
    # A copy says what it copies while it does.
    labels = [ti["rendered_map_index"] for ti in copies(stack, large) if ti["state"] == "running"]
    assert len(labels) == slots("copies_large")
    assert all(label.startswith("rows ") for label in labels)

    small = stack.trigger("wildfires_small_to_s3", {"batch_size": ROWS // MAPS, "force": True})
    # Another pool, with more slots than the executor has places left.
    left = PARALLELISM - slots("copies_large")
    assert left < 6 < slots("copies_small")
    rises_to([slots("copies_large"), left], lambda: running(stack, large, small))

    gate.let(FULL)
    assert stack.wait(large, 300) == "success"
    # Slots are free in the pool, and places in the executor: the cap on one run.
    assert PARALLELISM > 6
    rises_to([6], lambda: running(stack, small))

    gate.let(SMALL)
    assert stack.wait(small, 300) == "success"
    assert [manifest_of(stack, run)["rows"] for run in (large, small)] == [ROWS, ROWS]


def test_the_cap_on_a_dag_counts_all_of_its_runs(stack, gate):
    gate.let(FULL, SMALL)
    runs = [stack.trigger("wildfires_per_year", {"force": True}) for _ in range(3)]
    rises_to(2, lambda: sum(running(stack, *runs, task="years_of.copy")))
    assert slots("copies_large") > 2
    gate.let(YEARS)
    assert [stack.wait(run, 300) for run in runs] == ["success"] * 3


def test_a_plan_of_too_many_batches_grows_them_instead(stack):
    run = stack.trigger("wildfires_to_s3", {"batch_size": 1_000, "force": True})  # 20 batches
    assert stack.wait(run, 300) == "success"
    assert len(copies(stack, run)) == MAPS
    assert "batches have 1250 rows instead of 1000" in stack.log(run, "plan")
    assert manifest_of(stack, run)["rows"] == ROWS


def test_airflow_itself_refuses_a_longer_list_than_it_may_map(stack):
    run = stack.trigger("unplanned")
    assert stack.wait(run, 300) == "failed"
    states = {ti["task_id"]: ti["state"] for ti in stack.task_instances(run)}
    assert states == {"numbers": "failed", "one": "upstream_failed"}
    assert "unmappable_return_value_length" in stack.log(run, "numbers")
