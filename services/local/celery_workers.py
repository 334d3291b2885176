"""CeleryExecutor: what changes in Airflow's settings, and the workers that run its tasks.

A worker that dies loses nothing, by three clocks that end what it left (docs/celery.md has them measured):

- a task that it ran sends no more heartbeats: after HEARTBEAT_TIMEOUT the scheduler retries it;
- a task that it had fetched and not begun is delivered to another worker after VISIBILITY_TIMEOUT;
- a task whose message is nowhere, since it died with the broker, is queued anew after QUEUED_TIMEOUT.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from services.local.postgres import Postgres
from services.local.valkey import Valkey
from services.local.worker_name import VARIABLE, worker_name

if TYPE_CHECKING:
    from services.local.home import Credentials, Home
    from services.local.ports import Ports

WORKERS = ("worker-1", "worker-2", "worker-3")
# 3 × 3 places for the 8 tasks that [core] parallelism allows: what is queued never waits for a place, so one
# that waits for QUEUED_TIMEOUT is lost.
CONCURRENCY = 3
HEARTBEAT_TIMEOUT = 60
VISIBILITY_TIMEOUT = 120
QUEUED_TIMEOUT = 120


def broker(home: Home, credentials: Credentials) -> Valkey:
    return Valkey(home.broker_socket, home.root / "valkey", credentials.valkey_password)


def sections(home: Home, ports: Ports, credentials: Credentials) -> dict[str, dict[str, Any]]:
    """Airflow's settings by section, for every process: scheduler, API server and workers."""
    postgres = Postgres(home.postgres, ports.postgres, credentials.postgres_password)
    return {
        "celery": {
            "broker_url": broker(home, credentials).url,
            "result_backend": f"db+{postgres.uri()}",
            "worker_concurrency": CONCURRENCY,
            "worker_prefetch_multiplier": 1,
            "task_acks_late": True,
        },
        "celery_broker_transport_options": {
            # A task that runs longer is delivered again, found running, and left alone.
            "visibility_timeout": VISIBILITY_TIMEOUT,
            "unacked_restore_interval": 5,
            "unacked_restore_throttle": 1,
        },
        "scheduler": {
            "task_instance_heartbeat_timeout": HEARTBEAT_TIMEOUT,
            "task_queued_timeout": QUEUED_TIMEOUT,
            "task_queued_timeout_check_interval": 10,
        },
    }


def command(name: str) -> list[str]:
    # Its log server would listen on every interface; the API server reads the same files from the disk.
    options = ["--celery-hostname", name, "--skip-serve-logs", "--without-gossip"]
    return [sys.executable, "-m", "airflow", "celery", "worker", *options]


def environment(name: str) -> dict[str, str]:
    """What one worker has beside the stack's environment."""
    function = f"{worker_name.__module__}.{worker_name.__qualname__}"
    return {VARIABLE: name, "AIRFLOW__CORE__HOSTNAME_CALLABLE": function}


def answers(valkey: Valkey, name: str) -> bool:
    """Whether the worker answers a ping through the broker within a second."""
    import celery

    with celery.Celery(broker=valkey.url, set_as_current=False) as app, app.connection_for_write() as link:
        return bool(app.control.ping(destination=[f"celery@{name}"], timeout=1, connection=link))
