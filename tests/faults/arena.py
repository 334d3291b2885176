"""One real stack for many rounds: each slot has a source, two proxies and two connections of its own."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from services.local.airflow_api import AirflowApi
from services.local.airflow_env import USER
from services.local.home import PROJECT, Credentials
from services.local.stack import Stack
from tests.faults.proxy import Proxy
from tests.faults.source import Source, sample_lines

BUCKET = "task-mapping-api-data"
# Airflow notices what was killed after minutes; here after seconds. What it does then stays the same.
SETTINGS = {
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_SEC": "2",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "20",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "5",
    "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "10",
    "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_THRESHOLD": "10",
    "AIRFLOW__SCHEDULER__SCHEDULER_HEARTBEAT_SEC": "2",
    "AIRFLOW__SCHEDULER__JOB_HEARTBEAT_SEC": "2",
    # First, for the project has a policy of its own in a file of the same name.
    # The files do not change: to parse them again every few seconds would take half a core from the rounds.
    "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "300",
    "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "60",
    "AIRFLOW__CORE__PARALLELISM": "12",
    "PYTHONPATH": f"{PROJECT / 'tests/faults/quick_retries'}:{PROJECT}",
}


@dataclass
class Slot:
    """Where one round at a time takes place."""

    number: int
    source: Source
    to_source: Proxy
    to_store: Proxy
    api: AirflowApi
    used: int = 0

    @property
    def connections(self) -> dict[str, str]:
        return {"conn_id": f"faulty_source_{self.number}", "store_conn_id": f"faulty_store_{self.number}"}

    @property
    def wrong_keys(self) -> dict[str, str]:
        return {"store_conn_id": f"locked_store_{self.number}"}


@dataclass
class Arena:
    stack: Stack
    slots: list[Slot] = field(default_factory=list)


@contextmanager
def arena(folder: Path, slots: int, report: Callable[[str], None] = lambda text: None) -> Iterator[Arena]:
    """A stack and its slots; everything ends with the block."""
    with ExitStack() as opened:
        stack = opened.enter_context(Stack(folder / "stack", env_overrides=SETTINGS, report=report))
        lines = sample_lines(folder / "sample")
        found = Arena(stack)
        for number in range(slots):
            found.slots.append(_slot(opened, stack, folder / f"source{number}", number, lines))
        stack.api.wait_for_dag("api_to_s3")
        stack.api.unpause("api_to_s3")
        # A pool is for all runs: its slots would let two rounds copy at a time.
        pool = {"name": "copies_large", "slots": 4 * slots, "include_deferred": False, "description": ""}
        stack.api.request("PATCH", "/pools/copies_large", json=pool)
        yield found
    shutil.rmtree(folder / "stack", ignore_errors=True)


def _slot(opened: ExitStack, stack: Stack, folder: Path, number: int, lines: list[bytes]) -> Slot:
    shutil.rmtree(folder, ignore_errors=True)
    source = Source(folder, lines, stack.environment())
    opened.callback(source.close)
    to_source = opened.enter_context(Proxy(source.port))
    to_store = opened.enter_context(Proxy(stack.ports.s3))
    keys = Credentials.load(stack.home)
    api = AirflowApi(stack.api.url, USER, keys.airflow_password)
    opened.callback(api.close)
    slot = Slot(number, source, to_source, to_store, api)
    ids = slot.connections
    to_the_store = {
        "connection_id": ids["store_conn_id"],
        "conn_type": "aws",
        "login": keys.s3_access_key,
        "password": keys.s3_secret_key,
        "extra": f'{{"endpoint_url": "http://127.0.0.1:{to_store.port}", "region_name": "us-east-1"}}',
    }
    bodies = [
        {"connection_id": ids["conn_id"], "conn_type": "http", "host": "127.0.0.1", "port": to_source.port},
        to_the_store,
        {**to_the_store, "connection_id": slot.wrong_keys["store_conn_id"], "password": "not-the-key"},
    ]
    for body in bodies:
        api.request("POST", "/connections", json=body)
    return slot
