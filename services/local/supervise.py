"""Start, watch and stop the stack's processes with supervisord, over its unix socket."""

from __future__ import annotations

import contextlib
import os
import shlex
import subprocess
import sys
import time
import xmlrpc.client
from typing import TYPE_CHECKING, Any

import psutil
from supervisor.xmlrpc import SupervisorTransport

from services.local.airflow_env import MARK
from services.local.errors import NotReady
from services.local.home import Home, write_private

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from services.local.programs import Program

# What Airflow's processes use, and so is stopped after them.
SERVERS = ("s3", "s3-admin", "api", "postgres", "valkey")

# All that a server needs to know of its surroundings.
COMMON = {MARK, "HOME", "LANG", "LD_LIBRARY_PATH", "NO_PROXY", "PATH", "PYTHONPATH", "PYTHONUNBUFFERED"}
COMMON |= {"SPT_NOENV", "TMPDIR", "TZ", "USER", "no_proxy"}
_OF_THE_API_SERVER = ("AIRFLOW__API__SECRET_KEY",)
# What runs tasks asks the API server for connections, with a token that came with the task.
_OF_NO_WORKER = ("AIRFLOW__API_AUTH__JWT_SECRET", "AIRFLOW__CORE__FERNET_KEY")

HEAD = """\
[unix_http_server]
file={socket}
chmod=0700

[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface

[supervisord]
nodaemon=true
silent=true
logfile={logs}/supervisord.log
pidfile={root}/supervisord.pid
childlogdir={logs}
"""

PROGRAM = """
[program:{name}]
command={command}
directory={directory}
environment={environment}
autostart=false
autorestart=true
startsecs=1
startretries=3
stopsignal={stop_signal}
stopwaitsecs={stop_seconds}
stopasgroup={as_group}
killasgroup=true
redirect_stderr=true
stdout_logfile={logs}/{name}.log
stdout_logfile_maxbytes=10MB
stdout_logfile_backups=2
"""


def withheld(name: str, environment: Iterable[str]) -> list[str]:
    """Variables of the stack's environment that the program does not get: keys and passwords of others."""
    if name in SERVERS:
        return [each for each in environment if each not in COMMON and not each.startswith("LC_")]
    secrets = _OF_THE_API_SERVER if name != "api-server" else ()
    return [*secrets, *(_OF_NO_WORKER if name.startswith("worker-") else ())]


def configuration(home: Home, programs: Sequence[Program], environment: Iterable[str], directory: str) -> str:
    """supervisord's configuration; it holds the store's keys, so its file is private.

    `environment`: the names of what supervisord itself runs with, and hands on.
    """

    def escaped(text: object) -> str:  # supervisord expands `%(name)s` in every value
        return str(text).replace("%", "%%")

    text = HEAD.format(socket=escaped(home.socket), logs=escaped(home.logs), root=escaped(home.root))
    for program in programs:
        text += PROGRAM.format(
            name=program.name,
            command=escaped(shlex.join(_without(withheld(program.name, environment), program.command))),
            directory=escaped(directory),
            environment=escaped(",".join(f'{k}="{v}"' for k, v in program.environment.items())),
            stop_signal=program.stop_signal,
            stop_seconds=program.stop_seconds,
            # PostgreSQL ends its own children; a signal to each of them would read as a crash.
            as_group="false" if program.name == "postgres" else "true",
            logs=escaped(home.logs),
        )
    for group in ("servers", "airflow"):
        names = [program.name for program in programs if group_of(program.name) == group]
        text += f"\n[group:{group}]\nprograms={','.join(names)}\n" if names else ""
    return text


def _without(names: Sequence[str], command: Sequence[str]) -> list[str]:
    return ["env", *(part for name in names for part in ("-u", name)), *command] if names else [*command]


def group_of(name: str) -> str:
    return "servers" if name in SERVERS else "airflow"


class Supervisor:
    """supervisord of one home, whether this process started it or an earlier command did."""

    def __init__(self, home: Home) -> None:
        self.home = home

    def _rpc(self) -> Any:
        transport = SupervisorTransport(None, None, serverurl=f"unix://{self.home.socket}")
        return xmlrpc.client.ServerProxy("http://127.0.0.1", transport=transport).supervisor

    def pid(self) -> int | None:
        """supervisord's process id while it answers on its socket, else None."""
        try:
            return int(self._rpc().getPID())
        except (OSError, xmlrpc.client.Error, ValueError):
            return None

    def start(self, programs: Sequence[Program], environment: Mapping[str, str], directory: str) -> None:
        """Start supervisord, and no program yet, in a session of its own: Ctrl-C does not reach it."""
        config = self.home.root / "supervisord.conf"
        write_private(config, configuration(self.home, programs, list(environment), directory))
        self.home.socket.unlink(missing_ok=True)
        with (self.home.logs / "supervisord.out").open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "supervisor.supervisord", "-c", str(config)],
                env=dict(environment),
                cwd=directory,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        deadline = time.monotonic() + 20
        while self.pid() is None:
            if process.poll() is not None or time.monotonic() > deadline:
                said = (self.home.logs / "supervisord.out").read_text(errors="replace")[-2000:]
                raise NotReady(f"supervisord did not start:\n{self.tail('supervisord')}{said}")
            time.sleep(0.05)

    def launch(self, programs: Sequence[Program], seconds: float, report: Callable[[str], None]) -> None:
        """Start the programs and return when all are ready.

        Raises NotReady with the log's tail when one fails or time is up.
        """
        for program in programs:
            with contextlib.suppress(xmlrpc.client.Fault):  # it runs already
                self._rpc().startProcess(f"{group_of(program.name)}:{program.name}", False)
        deadline = time.monotonic() + seconds
        waiting = list(programs)
        while waiting := [program for program in waiting if not program.ready()]:
            states = self.states()
            for program in waiting:
                state = states.get(program.name, {}).get("statename", "GONE")
                failed = {"FATAL": "failed to start", "GONE": "has ended"}.get(state)
                if failed is None and time.monotonic() > deadline:
                    failed = f"is not ready after {seconds:.0f} s"
                if failed:
                    raise NotReady(
                        f"{program.name} {failed}. The end of its log:\n{self.tail(program.name)}\n"
                        f"{program.advice} The whole log: make logs NAME={program.name}"
                    )
            report(f"… waiting for {', '.join(program.name for program in waiting)}")
            time.sleep(0.1)

    def restart(self, name: str) -> None:
        rpc, name = self._rpc(), f"{group_of(name)}:{name}"
        with contextlib.suppress(xmlrpc.client.Fault):
            rpc.stopProcess(name)
        rpc.startProcess(name)

    def states(self) -> dict[str, dict[str, Any]]:
        """supervisord's record of every program: `statename`, `pid`, …; {} when it is not up."""
        try:
            return {info["name"]: info for info in self._rpc().getAllProcessInfo()}
        except (OSError, xmlrpc.client.Error):
            return {}

    def stop(self, *, all_at_once: bool = False, seconds: float = 40) -> None:
        """Stop all programs and supervisord, and return when it is gone (or was not there).

        `all_at_once` is quicker, and only for when no task runs that could miss its servers.
        """
        pid = self.pid()
        if pid is None:
            return
        with contextlib.suppress(OSError, xmlrpc.client.ProtocolError):
            rpc = self._rpc()
            # A group stops all at once; supervisord's own shutdown takes one after the other.
            for group in () if all_at_once else ("airflow", "servers"):
                with contextlib.suppress(xmlrpc.client.Fault):  # `make services` has no Airflow
                    rpc.stopProcessGroup(group)
            rpc.stopAllProcesses()
            rpc.shutdown()
        with contextlib.suppress(psutil.NoSuchProcess, psutil.TimeoutExpired):
            psutil.Process(pid).wait(seconds)

    def tail(self, name: str, lines: int = 25) -> str:
        """The end of a program's log, indented."""
        try:
            with (self.home.logs / f"{name}.log").open("rb") as file:
                file.seek(max(0, os.fstat(file.fileno()).st_size - 20_000))
                text = file.read().decode(errors="replace")
        except OSError:
            return "  (no log)"
        return "\n".join(f"  {line}" for line in text.splitlines()[-lines:]) or "  (an empty log)"
