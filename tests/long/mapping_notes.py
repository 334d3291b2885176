"""What mapping does at its edges, a map for each: test_mapping_notes.py runs it, docs/learn/ includes it."""

from datetime import datetime
from typing import Any

from airflow.sdk import dag, task
from airflow.sdk.exceptions import AirflowSkipException

CALLS: dict[int, int] = {}


@task
def numbers() -> list[int]:
    return [1, 2, 3]


@task
def show(value: Any, run: str = "") -> list[Any]:
    return [value, run]


@task
def end() -> None:
    """Says by its state whether it ran."""


@task
def all_calls() -> dict[str, int]:
    return {str(number): calls for number, calls in CALLS.items()}


# --8<-- [start:skip]
def without_twos(number: int) -> int:
    if number == 2:
        raise AirflowSkipException("not this one")
    return number


# --8<-- [end:skip]
# --8<-- [start:none]
@task
def odd_or_none(number: int) -> int | None:
    return number if number % 2 else None


# --8<-- [end:none]
# --8<-- [start:template]
def with_a_template(number: int) -> str:
    return f"{number} of {{{{ run_id }}}}"


# --8<-- [end:template]
def counted(number: int) -> list[int]:
    """The element, and how often it was asked for so far, in all instances together."""
    CALLS[number] = CALLS.get(number, 0) + 1
    return [number, CALLS[number]]


@dag(schedule=None, start_date=datetime(2026, 1, 1))
def mapping_notes() -> None:
    found = numbers()
    calls = show.override(task_id="once").expand(value=found.map(counted))
    calls >> all_calls()
    show.override(task_id="pairs").expand(value=[1, 2], run=["a", "b"])
    # --8<-- [start:skip_flow]
    show.override(task_id="skipping").expand(value=found.map(without_twos))
    # --8<-- [end:skip_flow]
    # --8<-- [start:none_flow]
    show.override(task_id="left_out").expand(value=odd_or_none.expand(number=found))
    show.override(task_id="kept_none").expand(value=found.map(lambda number: None))
    # --8<-- [end:none_flow]
    # --8<-- [start:template_flow]
    templates = show.override(task_id="templates").partial(run="{{ run_id }}")
    templates.expand(value=found.map(with_a_template))
    show.override(task_id="literal").expand(value=["{{ run_id }}"])
    # --8<-- [end:template_flow]
    # --8<-- [start:zero_flow]
    nothing = show.override(task_id="nothing").expand(value=[])
    nothing >> end.override(task_id="after_nothing")()
    nothing >> end.override(task_id="after_all", trigger_rule="none_failed")()
    # --8<-- [end:zero_flow]


mapping_notes()
