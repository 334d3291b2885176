"""A real warehouse for tests: the PostgreSQL of the local stack on 127.0.0.1, made as the stack makes it."""

import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from services.local.ports import free_port
from services.local.postgres import WAREHOUSE, Postgres

START_SECONDS = 60


@dataclass
class Warehouse:
    """A running server with the database and the role `warehouse`."""

    home: Path
    password: str = "test-warehouse-password"
    server: Postgres = field(init=False)
    process: subprocess.Popen[bytes] = field(init=False)

    def __post_init__(self) -> None:
        self.server = Postgres(self.home / "postgres", free_port(), "test-server-password")

    @property
    def connection(self) -> dict[str, Any]:
        """The fields of the Airflow connection."""
        return {
            "conn_type": "postgres",
            "host": "127.0.0.1",
            "port": self.server.port,
            "schema": WAREHOUSE,
            "login": WAREHOUSE,
            "password": self.password,
        }

    def query(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Rows of one statement, run as the warehouse's role; [] where it gives none."""
        import psycopg

        login = f"host=127.0.0.1 port={self.server.port} dbname={WAREHOUSE} user={WAREHOUSE}"
        with psycopg.connect(f"{login} password={self.password}", autocommit=True) as connection:
            cursor = connection.execute(statement, values or None)
            return cursor.fetchall() if cursor.description else []

    def administer(self, statements: str) -> None:
        """Run statements as the server's superuser."""
        import psycopg

        uri = self.server.uri().replace("+psycopg", "")
        with psycopg.connect(uri, autocommit=True) as connection:
            connection.execute(statements)

    def start(self) -> None:
        """Return when the server takes connections; RuntimeError with the end of its log if it does not."""
        self.server.initialise()
        log = self.home / "postgres.log"
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                self.server.command(), stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL
            )
        deadline = time.monotonic() + START_SECONDS
        while not self.server.ready():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                tail = "\n".join(log.read_text(errors="replace").splitlines()[-30:])
                raise RuntimeError(f"PostgreSQL did not start within {START_SECONDS} s:\n{tail}")
            time.sleep(0.1)
        self.server.provide_warehouse(self.password)

    def stop(self) -> None:
        """End the server as the stack does: PostgreSQL's fast shutdown takes its own processes with it."""
        self.process.send_signal(2)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def __enter__(self) -> "Warehouse":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
