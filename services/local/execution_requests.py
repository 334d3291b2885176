"""Requests that task instances make to Airflow's execution API, counted in the API server's log."""

import fileinput
import re
from collections import Counter, defaultdict
from pathlib import Path

_REQUEST = re.compile(r"client_addr=(\S+) .*method=(\S+) path='?/execution/(\S+)")
_TASK_INSTANCE = re.compile(r"task-instances/([0-9a-f-]{36})/?(\S*)")


def by_task_instance(logs: Path) -> dict[str, Counter[str]]:
    """Task instance id → its requests, such as "PATCH run" or "POST xcoms", from a stack's folder of logs.

    Every task has a connection of its own, so requests that do not name a task instance are of the one that
    its connection named before. Heartbeats are left out: how many there are depends on the time.
    """
    found: dict[str, Counter[str]] = defaultdict(Counter)
    on_connection: dict[str, str] = {}
    # supervisord begins a new file at 10 MB; the oldest has the highest number.
    with fileinput.input(sorted(logs.glob("api-server.log*"), reverse=True), errors="replace") as lines:
        for client, method, path in (match.groups() for match in map(_REQUEST.search, lines) if match):
            named = _TASK_INSTANCE.match(path)
            if named:
                on_connection[client] = named[1]
            what = named[2] if named else path.partition("/")[0]
            if what != "heartbeat":
                found[on_connection.get(client, "")][f"{method} {what}"] += 1
    return dict(found)
