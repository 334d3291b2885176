"""CeleryExecutor's settings: the broker's secrets, the workers' names, and clocks that fit each other."""

import stat
import subprocess
import sys

import pytest

from services.local import airflow_env, celery_workers, commands
from services.local.errors import StackError
from services.local.home import PROJECT, Credentials, Home
from services.local.ports import Ports
from services.local.stack import Stack
from services.local.summary import by_worker


def settings(home: Home, executor: str) -> dict[str, str]:
    credentials = Credentials.load(home)
    return airflow_env.airflow_environment(home, Ports(), credentials, schedules=False, executor=executor)


def test_the_local_executor_knows_nothing_of_celery(home: Home) -> None:
    local = settings(home, "LocalExecutor")
    assert local["AIRFLOW__CORE__EXECUTOR"] == "LocalExecutor"
    assert [name for name in local if "CELERY" in name] == []


def test_celery_changes_only_what_it_needs(home: Home) -> None:
    local, distributed = settings(home, "LocalExecutor"), settings(home, "CeleryExecutor")
    changed = {name for name in local if local[name] != distributed[name]}
    assert changed == {"AIRFLOW__CORE__EXECUTOR"}
    sections = {name.split("__")[1] for name in distributed.keys() - local.keys()}
    assert sections == {"CELERY", "CELERY_BROKER_TRANSPORT_OPTIONS", "SCHEDULER"}


def test_there_is_a_place_for_every_task_that_may_run() -> None:
    assert len(celery_workers.WORKERS) * celery_workers.CONCURRENCY >= airflow_env.PARALLELISM


def test_a_running_task_is_given_up_before_its_message_is_delivered_again() -> None:
    assert celery_workers.HEARTBEAT_TIMEOUT < celery_workers.VISIBILITY_TIMEOUT


def test_the_brokers_password_is_in_a_file_of_its_owner_alone(home: Home) -> None:
    credentials = Credentials.load(home)
    command = celery_workers.broker(home, credentials).command()
    assert credentials.valkey_password not in " ".join(command)
    assert stat.S_IMODE((home.root / "valkey" / "valkey.conf").stat().st_mode) == 0o600
    assert credentials.valkey_password in (home.root / "valkey" / "valkey.conf").read_text()


def test_airflow_gets_the_workers_name_from_the_worker() -> None:
    environment = celery_workers.environment("worker-2")
    module, _, function = environment.pop("AIRFLOW__CORE__HOSTNAME_CALLABLE").rpartition(".")
    code = f"from {module} import {function}; print({function}())"
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, cwd=PROJECT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "worker-2\n"


def test_the_summary_counts_copies_by_worker_and_shows_an_idle_one() -> None:
    copied = [("worker-1", 0), ("worker-3", 1), ("worker-3", 2), ("worker-2", -1)]
    instances = [{"hostname": name, "map_index": index, "state": "success"} for name, index in copied]
    assert by_worker(instances, celery_workers.WORKERS) == "worker-1 1, worker-2 0, worker-3 2"


def test_a_stack_that_is_up_with_another_executor_is_not_used(home: Home) -> None:
    stack = Stack(home, executor="LocalExecutor")
    stack.require("run", "LocalExecutor")
    with pytest.raises(StackError, match=r"LocalExecutor.*make down"):
        stack.require("run", "CeleryExecutor")


def test_airflows_command_line_says_when_nothing_is_up(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STACK_HOME", str(home.root))
    with pytest.raises(StackError, match="make up"):
        commands.airflow(["pools", "list"])
