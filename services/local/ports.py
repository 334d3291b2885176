"""TCP ports on 127.0.0.1: free ones for the inside of the stack, and who holds a wanted one."""

from __future__ import annotations

import contextlib
import socket
from contextlib import ExitStack
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING

import psutil

from services.local.errors import StackError

if TYPE_CHECKING:
    from collections.abc import Mapping

HOST = "127.0.0.1"


class PortTaken(StackError):
    """A port that the stack was told to use belongs to another process."""


@dataclass(frozen=True)
class Ports:
    """The ports a user meets; each can be changed by the variable of its name (`AIRFLOW_PORT`, …)."""

    airflow: int = 8080
    api: int = 8000
    s3: int = 8333
    s3_admin: int = 23646
    postgres: int = 5433

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Ports:
        """Read `AIRFLOW_PORT`, `API_PORT`, … ; StackError when one is not a port."""
        chosen = {}
        for field in fields(cls):
            name = variable_of(field.name)
            text = environment.get(name, "").strip()
            if text:
                if not text.isdecimal() or not 1 <= int(text) <= 65535:
                    raise StackError(f"{name}={text!r} is not a port; give a number from 1 to 65535.")
                chosen[field.name] = int(text)
        ports = cls(**chosen)
        if ports.s3_admin > 55535:
            raise StackError(
                f"S3_ADMIN_PORT={ports.s3_admin} is too high: SeaweedFS also uses the port 10000 above it; "
                "give a number up to 55535."
            )
        return ports

    @classmethod
    def free(cls) -> Ports:
        """Ports that nobody uses now, for tests and benchmarks."""
        airflow, api, s3, postgres = free_ports(4)
        return cls(airflow, api, s3, free_admin_port(), postgres)


def variable_of(service: str) -> str:
    return f"{service.upper()}_PORT"


def free_ports(count: int) -> list[int]:
    """`count` different ports, free at this moment (all are held until the last is known)."""
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind((HOST, 0))
        return [each.getsockname()[1] for each in sockets]


def free_port() -> int:
    return free_ports(1)[0]


def free_admin_port() -> int:
    """A free port whose neighbour 10000 above is free too: SeaweedFS's admin page uses both."""
    for port in range(20000 + free_port() % 10000, 55000):
        if is_free(port) and is_free(port + 10000):
            return port
    raise PortTaken("No two free ports 10000 apart for the S3 admin page; end some programs and try again.")


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As servers do: a port whose last connections are still in TIME_WAIT is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def holder_of(port: int) -> str:
    """The process that listens on the port, as `name (pid 123)`, or a hint when it may not be looked at."""
    with contextlib.suppress(psutil.Error):
        for each in psutil.net_connections(kind="tcp"):
            if each.laddr and each.laddr.port == port and each.status == psutil.CONN_LISTEN and each.pid:
                return f"{psutil.Process(each.pid).name()} (pid {each.pid})"
    return "another user's process"


def describe_taken(ports: Ports, *names: str) -> list[str]:
    """A line for each of these ports that is taken: its number, its holder, and its variable."""
    return [
        f"  port {port} ({name.replace('_', ' ')}) is used by {holder_of(port)}: "
        f"end it, or choose another with {variable_of(name)}=<port>"
        for name in names
        if not is_free(port := getattr(ports, name))
    ]


def require_free(ports: Ports) -> None:
    """Raise PortTaken naming every wanted port that is taken, its holder, and its variable."""
    taken = describe_taken(ports, *(field.name for field in fields(ports)))
    taken += describe_taken(replace(ports, s3_admin=ports.s3_admin + 10000), "s3_admin")
    if taken:
        raise PortTaken("The stack cannot start: ports are taken.\n" + "\n".join(taken))
