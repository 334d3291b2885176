"""CeleryExecutor for real: three workers, Valkey, PostgreSQL; workers and broker are killed in the middle."""

import signal
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from tests.servers.faults import Fault
from tests.servers.scripted_http import ScriptedSource
from tests.stack import QUICK_RETRIES, copies, findings, manifest_of
from tests.system.test_doors import listening
from tests.waiting import until

if TYPE_CHECKING:
    import psutil

    from services.local.airflow_api import Run
    from services.local.stack import Stack


WORKERS = ("worker-1", "worker-2", "worker-3")
# The clocks that end what a dead worker left, shorter than in `make run-celery`; all else is as there.
CLOCKS = {
    **QUICK_RETRIES,
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "30",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "3",
    "AIRFLOW__CELERY_BROKER_TRANSPORT_OPTIONS__VISIBILITY_TIMEOUT": "10",
    "AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT": "60",
    "AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT_CHECK_INTERVAL": "3",
}
LOST = "stuck in queued"
REDELIVERED = "already running elsewhere"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[Stack]":
    from services.local.stack import Stack

    home = tmp_path_factory.mktemp("celery") / "home"
    with Stack(home, env_overrides=CLOCKS, executor="CeleryExecutor") as running:
        yield running


def tree(stack: "Stack", program: str) -> "list[psutil.Process]":
    """The program's process and all that it started, tasks too; the program itself first."""
    import psutil

    top = psutil.Process(stack.supervisor.states()[program]["pid"])
    return [top, *top.children(recursive=True)]


def send(stack: "Stack", number: int, *names: str, without_top: bool = False) -> None:
    import psutil

    for name in names:
        for process in tree(stack, name)[without_top:]:
            try:
                process.send_signal(number)
            except psutil.NoSuchProcess:
                continue


def broker(stack: "Stack") -> Any:
    from services.local.celery_workers import broker as valkey
    from services.local.home import Credentials

    return valkey(stack.home, Credentials.load(stack.home))


def test_copies_run_on_all_three_workers_and_every_row_arrives(stack):
    run = stack.trigger("wildfires_to_s3", {"batch_size": 1_250})
    assert stack.wait(run, 300) == "success"
    ran = copies(stack, run)
    assert {ti["hostname"] for ti in ran} == set(WORKERS)
    assert {ti["executor"] for ti in ran} <= {None, "CeleryExecutor"}
    assert len(ran) == 16
    assert manifest_of(stack, run)["rows"] == 20_000
    assert findings(stack, run) == []
    assert "rows" in stack.log(run, "copy", map_index=3)


def test_nothing_listens_beyond_this_machine_and_the_broker_not_even_there(stack):
    import redis

    valkey = broker(stack)
    assert {address for address, _ in listening(stack)} == {"127.0.0.1"}
    pid = stack.supervisor.states()["valkey"]["pid"]
    assert [
        each for each in tree(stack, "valkey")[0].net_connections("inet") if each.pid in (None, pid)
    ] == []
    assert valkey.socket.stat().st_mode & 0o077 == 0
    for password in (None, "", "wrong"):
        with pytest.raises(redis.exceptions.RedisError):
            redis.Redis(unix_socket_path=str(valkey.socket), password=password).ping()


@pytest.fixture
def slow(stack: "Stack") -> Iterator[ScriptedSource]:
    """A source of 400 rows whose first four answers take about half a minute each."""
    rows = [{"id": index, "name": f"fire {index}"} for index in range(400)]
    with ScriptedSource(rows) as source:
        source.fault(Fault.drip(piece=1, pause=0.015), times=4)
        body = {"connection_id": "slow", "conn_type": "http", "host": source.url}
        stack.api.request("POST", "/connections", json=body)
        yield source


def test_a_worker_that_is_killed_in_the_middle_loses_nothing(stack, slow):
    # Columns that have types need no sample: each of the first four answers is a copy's.
    types = {"id": "int64", "name": "string"}
    run = stack.trigger("api_to_s3", {"name": "slow", "conn_id": "slow", "batch_size": 100, "types": types})
    until(lambda: len(slow.row_requests) == 4)
    running = until(lambda: [ti for ti in copies(stack, run) if ti["state"] == "running" and ti["hostname"]])
    victim, killed = Counter(ti["hostname"] for ti in running).most_common(1)[0]
    send(stack, signal.SIGKILL, victim)

    assert stack.wait(run, 300) == "success"
    attempts = {ti["map_index"]: ti["try_number"] for ti in copies(stack, run)}
    lost = {ti["map_index"] for ti in running if ti["hostname"] == victim}
    assert len(lost) == killed
    assert attempts == {index: 2 if index in lost else 1 for index in range(4)}
    assert manifest_of(stack, run)["rows"] == 400
    assert findings(stack, run) == []
    # Those that survived ran for longer than the visibility timeout: delivered again, and left alone.
    assert any(REDELIVERED in (stack.home.logs / f"{name}.log").read_text() for name in WORKERS)


def hold_back(stack: "Stack") -> "tuple[Run, str]":
    """A run whose first task a worker has fetched and cannot begin, and that worker; all stand still."""
    import celery

    valkey = broker(stack)
    with valkey.client() as client, celery.Celery(broker=valkey.url, set_as_current=False) as app:
        until(lambda: not client.hlen("unacked"))  # nothing of an earlier run
        send(stack, signal.SIGSTOP, *WORKERS, without_top=True)
        run = stack.trigger("wildfires_small_to_s3", {"force": True})
        until(lambda: client.hlen("unacked"))
        fetched = until(lambda: app.control.inspect(timeout=2).reserved())
    (holder,) = [name.removeprefix("celery@") for name, tasks in fetched.items() if tasks]
    (first,) = [ti for ti in stack.task_instances(run) if ti["task_id"] == "count_rows"]
    assert first["state"] == "queued"
    return run, holder


def go_on_without(stack: "Stack", holder: str, *others: str) -> None:
    """The programs are killed; the workers that are left go on."""
    send(stack, signal.SIGKILL, holder, *others)
    send(stack, signal.SIGCONT, *(name for name in WORKERS if name != holder), without_top=True)


def lost_tasks(stack: "Stack") -> int:
    return (stack.home.logs / "scheduler.log").read_text().count(LOST)


def test_a_task_that_died_with_its_worker_before_it_began_is_delivered_again(stack):
    before = lost_tasks(stack)
    run, holder = hold_back(stack)
    go_on_without(stack, holder)
    assert stack.wait(run, 300) == "success"
    assert lost_tasks(stack) == before
    assert {ti["try_number"] for ti in stack.task_instances(run)} == {1}
    assert findings(stack, run) == []


def test_what_died_with_the_broker_is_queued_again(stack):
    before = lost_tasks(stack)
    run, holder = hold_back(stack)
    go_on_without(stack, holder, "valkey")
    assert stack.wait(run, 300) == "success"
    assert lost_tasks(stack) > before
    assert findings(stack, run) == []
