"""Runs that show what the page has to show: committed, at work, failed, objected to, reused, slow."""

import io
import json
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.local.airflow_api import Run
from services.local.stack import Stack
from tests.servers.faults import Fault
from tests.servers.scripted_http import ScriptedSource

USERS = {
    "admin": "admin",
    "reader": "viewer",
    "some": "viewer",
    "newcomer": "viewer",
    "outsider": "viewer",
    "nobody": "",
}
BUCKET = "task-mapping-api-data"
HOSTILE = "<img/src=x/onerror=document.title='broken'>"
BATCH = 5
BATCHES = 12


def environment() -> dict[str, str]:
    """Settings of an Airflow with users of several rights."""
    return {
        "AIRFLOW__CORE__AUTH_MANAGER": "tests.browser.auth_manager.PerDagAuthManager",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": ",".join(
            f"{name}:{role}" for name, role in USERS.items()
        ),
    }


def password(stack: Stack, user: str) -> str:
    """The password that Airflow gave the user."""
    return json.loads((stack.home.airflow / "passwords.json").read_text())[user]


class Gate:
    """Rows of a source that come when their batch is let through."""

    def __init__(self) -> None:
        self.closed = threading.Event()
        self._open: set[int] = set()

    def row(self, index: int) -> dict[str, Any]:
        while index // BATCH not in self._open and not self.closed.is_set():
            time.sleep(0.02)
        return {"id": index, "name": f"fire {index}"}

    def open(self, *batches: int) -> None:
        self._open |= set(batches)


@dataclass
class Scenes:
    """The runs, and the gate of the one that is still at work."""

    small: Run
    changed: Run
    refused: Run
    slow: Run
    gated: Run
    gate: Gate


@contextmanager
def played(stack: Stack) -> Iterator[Scenes]:
    """Trigger all and wait for those that end; `gated` goes on when its gate lets it."""
    rows = [{"id": index, "name": f"fire {index}"} for index in range(BATCH * 4)]
    gate = Gate()
    with ExitStack() as opened:
        refused, slow = (opened.enter_context(ScriptedSource(rows)) for _ in range(2))
        changed = opened.enter_context(ScriptedSource(rows, version=HOSTILE))
        gated = opened.enter_context(ScriptedSource(gate.row, count=BATCH * BATCHES))
        opened.callback(gate.closed.set)
        changed.fault(
            Fault.status(200, str(len(rows) + 1), ETag=f'"{HOSTILE}2"'),
            times=None,
            when=lambda request: request.asks_for == "count" and bool(changed.row_requests),
        )
        refused.fault(Fault.status(403), times=None, when=lambda request: request.query.get("start") == "10")
        slow.fault(Fault.drip(40, 0.4), when=lambda request: request.query.get("start") == "10")
        small = stack.trigger("wildfires_small_to_s3")
        sources = {"changed": changed, "refused": refused, "slow": slow}
        runs = {name: _trigger(stack, name, source) for name, source in sources.items()}
        for name, run in {"small": small, **runs}.items():
            ended = stack.wait(run, 240)
            if ended != ("success" if name in ("small", "slow") else "failed"):
                raise RuntimeError(f"{name} ended as {ended}")
        again = stack.trigger("wildfires_small_to_s3")  # nothing has changed: nothing is copied
        if stack.wait(again, 240) != "success":
            raise RuntimeError("the run that had nothing to copy did not end well")
        # Last: while it waits it holds every slot of its pool.
        runs["gated"] = _trigger(stack, "gated", gated)
        yield Scenes(small=small, gate=gate, **runs)
        gate.closed.set()


def _trigger(stack: Stack, name: str, source: ScriptedSource) -> Run:
    connection = {"connection_id": name, "conn_type": "http", "host": source.url}
    if stack.api.request("POST", "/connections", json=connection, allowed=(409,)) is None:
        stack.api.request("PATCH", f"/connections/{name}", json=connection)
    conf = {"name": name, "conn_id": name, "batch_size": BATCH, "version_header": "ETag"}
    conf |= {"types": {"id": "int64", "name": "string"}, "misfit": "fail"}  # no sample at a closed gate
    return stack.trigger("api_to_s3", conf)


def clear_map(stack: Stack, run: Run, map_index: int) -> None:
    """Run one copy again, and what follows it."""
    body = {
        "dry_run": False,
        "dag_run_id": run.run_id,
        "task_ids": [["copy", map_index]],
        "include_downstream": True,
        "only_failed": False,
        "reset_dag_runs": True,
    }
    stack.api.request("POST", f"/dags/{run.dag_id}/clearTaskInstances", json=body)


def folder(stack: Stack, run: Run) -> str:
    """The run's prefix in the store, from what its tasks returned."""
    copies = [ti for ti in stack.task_instances(run) if ti["task_id"] == "copy" and ti["state"] == "success"]
    key = stack.api.xcom(run, "copy", copies[0]["map_index"])["key"]
    return str(Path(key).parent)


def put(stack: Stack, key: str, data: bytes) -> None:
    """Write an object into the lake."""
    stack.s3.put_object(BUCKET, key, io.BytesIO(data), len(data))


def read_json(stack: Stack, key: str) -> Any:
    """A document of the lake."""
    response = stack.s3.get_object(BUCKET, key)
    try:
        return json.loads(response.read())
    finally:
        response.close()
        response.release_conn()


def widen(stack: Stack, run: Run, batches: int) -> None:
    """Make a run one of very many batches, in Airflow's database alone: its first copy, again and again."""
    import psycopg
    from psycopg import sql

    from services.local.postgres import Postgres

    server = Postgres(stack.home.postgres, stack.ports.postgres, stack.credentials.postgres_password)
    key = {"dag": run.dag_id, "run": run.run_id, "first": 4, "last": batches - 1, "size": BATCH}
    where = sql.SQL(
        " FROM {table}, generate_series(%(first)s::int, %(last)s::int) n "
        "WHERE dag_id = %(dag)s AND run_id = %(run)s AND task_id = 'copy' AND map_index = 0"
    )
    with psycopg.connect(server.uri().replace("+psycopg", "")) as database:
        for table, own in (
            ("task_instance", {"id": "gen_random_uuid()", "map_index": "n"}),
            ("xcom", {"map_index": "n", "value": "jsonb_set(value, '{start}', to_jsonb(n * %(size)s::int))"}),
        ):
            found = database.execute(
                "SELECT column_name FROM information_schema.columns WHERE table_name = %s", [table]
            )
            columns = [name for (name,) in found]
            values = [sql.SQL(own[name]) if name in own else sql.Identifier(name) for name in columns]
            database.execute(
                sql.SQL("INSERT INTO {} ({}) SELECT {}").format(
                    sql.Identifier(table),
                    sql.SQL(", ").join(map(sql.Identifier, columns)),
                    sql.SQL(", ").join(values),
                )
                + where.format(table=sql.Identifier(table))
                + sql.SQL(" AND key = 'return_value'" if table == "xcom" else ""),
                key,
            )
        plan = json.dumps([{"start": n * BATCH, "limit": BATCH} for n in range(batches)])
        database.execute(
            "UPDATE xcom SET value = %(plan)s::jsonb "
            "WHERE dag_id = %(dag)s AND run_id = %(run)s AND task_id = 'plan' AND key = 'return_value'",
            {**key, "plan": plan},
        )
