"""Tasks in pods, one for each thing that may happen to a pod. One to be killed waits in its first attempt."""

import time
from datetime import datetime, timedelta

from airflow.sdk import dag, get_current_context, task

IN_A_POD = {"queue": "kubernetes", "retries": 1, "retry_delay": timedelta(seconds=1)}


@task(**IN_A_POD)
def ends() -> int:
    return get_current_context()["ti"].try_number


@task(**IN_A_POD)
def waits_at_first() -> int:
    attempt = get_current_context()["ti"].try_number
    if attempt == 1:
        time.sleep(300)
    return attempt


@dag(schedule=None, start_date=datetime(2026, 1, 1))
def pod_faults() -> None:
    for name in ("drained", "oom_killed"):
        waits_at_first.override(task_id=name)()
    for name in ("never_starts", "dies_before_it_starts", "refused", "over_quota"):
        ends.override(task_id=name)()


pod_faults()
