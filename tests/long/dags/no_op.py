"""Maps that do nothing: what a mapped task costs Airflow without any work."""

import sys
from datetime import datetime

from airflow.sdk import dag, task


@task
def numbers() -> list[int]:
    return [0, 1, 2, 3]


@task
def nothing(number: int) -> None:
    pass


@task
def loaded() -> list[str]:
    """Modules that this task found imported when it began."""
    return sorted(sys.modules)


@dag(schedule=None, start_date=datetime(2026, 1, 1))
def no_op() -> None:
    nothing.expand(number=numbers())
    loaded()


no_op()
