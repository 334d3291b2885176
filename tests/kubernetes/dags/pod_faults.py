"""Tasks in pods, one for each thing that may happen to a pod. One to be killed waits in its first attempt."""

import signal
import time
from datetime import datetime, timedelta

from airflow.sdk import dag, get_current_context, task

IN_A_POD = {"queue": "kubernetes", "retries": 1, "retry_delay": timedelta(seconds=1)}


@task(**IN_A_POD)
def ends() -> int:
    return get_current_context()["ti"].try_number


@task(**IN_A_POD)
def waits_at_first() -> int:
    ti = get_current_context()["ti"]
    if ti.try_number == 1:
        if ti.task_id == "drained_early":
            # As before Airflow has handed a task over; from then on it lets SIGTERM pass.
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
        # Whoever takes this passes signals on: Airflow says that a task runs a moment before it does.
        ti.xcom_push("waits", True)
        time.sleep(300)
    return ti.try_number


@dag(schedule=None, start_date=datetime(2026, 1, 1))
def pod_faults() -> None:
    for name in ("drained", "drained_early", "oom_killed"):
        waits_at_first.override(task_id=name)()
    for name in ("never_starts", "dies_before_it_starts", "refused", "over_quota"):
        ends.override(task_id=name)()


pod_faults()
