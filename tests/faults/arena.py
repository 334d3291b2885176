"""One real stack for many rounds: each slot has a source, two proxies and two connections of its own."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from services.local.airflow_api import AirflowApi
from services.local.airflow_env import USER
from services.local.home import Credentials
from services.local.stack import Stack
from tests.faults.proxy import Proxy
from tests.faults.source import Source, sample_lines
from tests.stack import QUICK_CLOCKS, QUICK_RETRIES

SETTINGS = {**QUICK_CLOCKS, **QUICK_RETRIES, "AIRFLOW__CORE__PARALLELISM": "12"}


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
    with Stack(folder / "stack", env_overrides=SETTINGS, report=report) as stack:
        # A pool is for all runs: its slots would let two rounds copy at a time.
        pool = {"name": "copies_large", "slots": 4 * slots, "include_deferred": False, "description": ""}
        stack.api.request("PATCH", "/pools/copies_large", json=pool)
        with opened(stack, folder, slots) as found:
            yield found
    shutil.rmtree(folder / "stack", ignore_errors=True)


@contextmanager
def opened(stack: Stack, folder: Path, slots: int) -> Iterator[Arena]:
    """Slots on a stack that runs."""
    with ExitStack() as held:
        lines = sample_lines(folder / "sample")
        found = [_slot(held, stack, folder / f"source{number}", number, lines) for number in range(slots)]
        stack.api.wait_for_dag("api_to_s3")
        stack.api.unpause("api_to_s3")
        yield Arena(stack, found)


def _slot(held: ExitStack, stack: Stack, folder: Path, number: int, lines: list[bytes]) -> Slot:
    shutil.rmtree(folder, ignore_errors=True)
    source = Source(folder, lines, stack.environment())
    held.callback(source.close)
    to_source = held.enter_context(Proxy(source.port))
    to_store = held.enter_context(Proxy(stack.ports.s3))
    keys = Credentials.load(stack.home)
    api = AirflowApi(stack.api.url, USER, keys.airflow_password)
    held.callback(api.close)
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
