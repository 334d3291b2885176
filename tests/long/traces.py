"""What runs leave behind, piece by piece, and the search for secrets in it."""

import binascii
import json
import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from services.local.airflow_api import Run
from services.local.stack import Stack

PAUSE = 0.03


@dataclass(frozen=True)
class Trace:
    """One piece of what was left: where, and its bytes."""

    place: str
    content: bytes


def forms(secret: str) -> set[bytes]:
    """The secret as it stands, in a URL, and as PostgreSQL prints bytes."""
    return {secret.encode(), quote(secret, safe="").encode(), binascii.hexlify(secret.encode())}


def finds(secrets: Mapping[str, str], traces: Iterable[Trace]) -> set[tuple[str, str]]:
    """(name of the secret, place) wherever one shows."""
    wanted = {name: forms(value) for name, value in secrets.items()}
    return {
        (name, trace.place)
        for trace in traces
        for name, written in wanted.items()
        if any(form in trace.content for form in written)
    }


def generated(stack: Stack) -> dict[str, str]:
    """What the stack made up for itself: keys of the store, passwords, keys of Airflow's."""
    from services.local.home import Credentials

    made = asdict(Credentials.load(stack.home))
    del made["s3_access_key"]  # a name: the store logs who asked
    return made


def database(stack: Stack, password: str | None = None) -> str:
    """Where the database is, with the stack's own password or another one."""
    from services.local.home import Credentials
    from services.local.postgres import Postgres

    known = Credentials.load(stack.home).postgres_password
    server = Postgres(stack.home.postgres, stack.ports.postgres, known if password is None else password)
    return server.uri().replace("+psycopg", "")


def in_files(folder: Path) -> Iterator[Trace]:
    """Every regular file below the folder: logs, settings, the servers' own data."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            try:
                yield Trace(f"file {path.relative_to(folder)}", path.read_bytes())
            except FileNotFoundError:  # servers replace their files
                continue


def in_database(uri: str) -> Iterator[Trace]:
    """Every table of the database, whole rows as text."""
    import psycopg
    from psycopg import sql

    with psycopg.connect(uri) as connection:
        tables = connection.execute(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' ORDER BY 1"
        ).fetchall()
        for (table,) in tables:
            rows = connection.execute(sql.SQL("SELECT t::text FROM {} t").format(sql.Identifier(table)))
            yield Trace(f"table {table}", "\n".join(text for (text,) in rows).encode())


def in_store(s3: Any) -> Iterator[Trace]:
    """Every object of every bucket, its name and its bytes."""
    for bucket in s3.list_buckets():
        for listed in s3.list_objects(bucket.name, recursive=True):
            response = s3.get_object(bucket.name, listed.object_name)
            try:
                yield Trace(
                    f"object {listed.object_name}", listed.object_name.encode() + b"\n" + response.read()
                )
            finally:
                response.close()
                response.release_conn()


def in_rest_answers(stack: Stack, runs: Iterable[Run]) -> Iterator[Trace]:
    """What Airflow's REST API says of the runs to a user who may see everything."""

    def answer(path: str, **params: Any) -> Trace:
        said = stack.api.request("GET", path, params=params, allowed=(404,))
        return Trace(f"GET {path}", json.dumps(said, ensure_ascii=False).encode())

    for path in ("/connections", "/variables", "/eventLogs", "/assets/events", "/dags", "/importErrors"):
        yield answer(path, limit=100)
    for run in runs:
        yield answer(run.path)
        for ti in stack.task_instances(run):
            yield Trace(f"task instance {ti['task_id']}", json.dumps(ti, ensure_ascii=False).encode())
            path = f"{run.path}/taskInstances/{ti['task_id']}"
            yield answer(f"{path}/xcomEntries/return_value", map_index=ti["map_index"])
            for attempt in range(1, ti["try_number"] + 1):
                yield answer(f"{path}/logs/{attempt}", map_index=ti["map_index"], full_content=True)


class ProcessWatch:
    """Collects the command line of every process of the machine while it is open, from a thread.

    The kernel tells no one of a process's start: what lives shorter than a look takes can be missed.
    """

    def __init__(self) -> None:
        self.seen: set[bytes] = set()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "ProcessWatch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._end.wait(PAUSE):
            for path in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    self.seen.add(path.read_bytes().replace(b"\0", b" "))
                except OSError:
                    continue

    def traces(self) -> Iterator[Trace]:
        """One for each different command line."""
        yield from (Trace("process list", line) for line in sorted(self.seen))
