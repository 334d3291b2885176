"""What Airflow itself takes: as many mapped tasks, which do nothing."""

from datetime import datetime

from airflow.sdk import dag, get_current_context, task

from benchmarks.ways.measured import peak_mb


@task
def plan() -> list[int]:
    return list(range(get_current_context()["params"]["maps"]))


@task(pool="copies_large")
def nothing(number: int) -> dict:
    return {"number": number, "peak_rss_mb": peak_mb()}


@dag(schedule=None, start_date=datetime(2026, 1, 1), params={"maps": 39})
def no_op() -> None:
    nothing.expand(number=plan())


no_op()
