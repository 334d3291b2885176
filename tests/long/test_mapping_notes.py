"""What docs/learn/ says of mapping, seen on this Airflow: one run of mapping_notes.py."""

from pathlib import Path
from typing import Any

import pytest

from tests import airflow_home
from tests.dags.conftest import Lake, Ran

FILE = Path(__file__).with_name("mapping_notes.py")


@pytest.fixture(scope="module")
def ran() -> Ran:
    airflow_home.migrate()
    return Lake.run_file(None, FILE)  # type: ignore[arg-type] # it writes to no lake


def shown(ran: Ran, task_id: str) -> list[Any]:
    """What each mapped instance was given: `value` and `run`."""
    return [ran.xcom(task_id, index) for index in range(len(ran.states[task_id]))]


def test_map_is_called_once_for_each_element(ran):
    assert [value for value, _ in shown(ran, "once")] == [[1, 1], [2, 1], [3, 1]]
    assert ran.xcom("all_calls") == {"1": 1, "2": 1, "3": 1}


def test_two_lists_give_an_instance_for_each_pair(ran):
    assert sorted(shown(ran, "pairs")) == [[1, "a"], [1, "b"], [2, "a"], [2, "b"]]


def test_an_element_can_be_skipped(ran):
    assert ran.states["skipping"] == ["success", "skipped", "success"]


def test_none_from_a_mapped_task_is_left_out_and_none_from_map_is_a_value(ran):
    assert ran.states["odd_or_none"] == ["success"] * 3
    assert shown(ran, "left_out") == [[1, ""], [3, ""]]
    assert shown(ran, "kept_none") == [[None, ""]] * 3


def test_a_template_is_rendered_in_partial_and_in_a_literal_and_not_in_map(ran):
    run_id = ran.run.run_id
    assert shown(ran, "templates") == [[f"{number} of {{{{ run_id }}}}", run_id] for number in (1, 2, 3)]
    assert shown(ran, "literal") == [[run_id, ""]]


def test_a_map_of_nothing_is_skipped_and_the_trigger_rule_decides_what_follows(ran):
    assert {task: ran.states[task] for task in ("nothing", "after_nothing", "after_all")} == {
        "nothing": ["skipped"],
        "after_nothing": ["skipped"],
        "after_all": ["success"],
    }
