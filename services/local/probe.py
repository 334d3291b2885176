"""`make probe`: the engine's probe, with the credentials of a connection in its environment."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile

from services import connections
from services.connections import Connection
from services.local import airflow_env
from services.local.errors import StackError
from services.local.home import PROJECT, Credentials, Home
from services.local.stack import Stack


def probe(url: str, conn: str = "", out: str = "") -> int:
    """Ask an API how it is copied. `conn`: a connection of airflow_settings.yaml, .env or the environment."""
    if not url:
        raise StackError("URL is missing. For example: make probe URL=https://api.example.com/v2/fires")
    environment = {name: value for name, value in os.environ.items() if name != "LAKE_SOURCE"}
    options = ["--out", out] if out else []
    if conn:
        environment["LAKE_SOURCE"] = _source(_connection(conn))
        options += ["--conn-id", conn]
    command = [sys.executable, "-m", "include.transfer", "probe", *options, "--", url]
    return subprocess.run(command, env=environment, cwd=PROJECT, check=False).returncode


def _connection(conn_id: str) -> Connection:
    home = Home.from_environment()
    stack = Stack.running(home)
    local = (
        airflow_env.local_connections(stack.ports, Credentials.load(home))
        if stack
        else connections.from_settings()
    )
    lines = PROJECT / ".env"
    given = connections.from_environment(
        (connections.read_lines(lines) if lines.exists() else {}) | dict(os.environ)
    )
    known = {each.conn_id: each for each in (*local, *given)}
    if conn_id.lower() not in known:
        raise StackError(
            f"There is no connection {conn_id}. Known: {', '.join(known)}. "
            "Add it to airflow_settings.yaml, or to .env as AIRFLOW_CONN_<ID>=<JSON>."
        )
    return known[conn_id.lower()]


def _source(connection: Connection) -> str:
    """As the probe reads it; what a connection means is Airflow's own hook to say."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"AIRFLOW_HOME": folder, connection.variable: connection.json}
        from include.tasks.connections import open_endpoint
        from include.transfer.errors import TransferError

        try:
            return open_endpoint(connection.conn_id).to_json()
        except TransferError as error:
            raise StackError(str(error)) from None
