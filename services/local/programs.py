"""The processes of the stack: how each is started, when it is ready, and what to say when it is not."""

from __future__ import annotations

import json
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from services.local import celery_workers
from services.local.home import Credentials, Home, read_json, write_private
from services.local.ports import HOST, Ports, is_free
from services.local.postgres import Postgres
from services.local.seaweedfs import INNER, Seaweed, pick_ports

PYTHON = sys.executable


@dataclass(frozen=True)
class Program:
    name: str
    command: list[str]
    ready: Callable[[], bool]
    advice: str
    environment: dict[str, str] = field(default_factory=dict)
    stop_signal: str = "TERM"
    stop_seconds: int = 10


def answers(url: str) -> bool:
    """Whether the URL answers 200 within two seconds."""
    try:
        with urllib.request.urlopen(url, timeout=2) as response:  # noqa: S310
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def seaweed(home: Home, ports: Ports, credentials: Credentials, metrics_port: int | None = None) -> Seaweed:
    return Seaweed(
        home.s3,
        ports.s3,
        credentials.s3_access_key,
        credentials.s3_secret_key,
        inner_ports=_inner_ports(home),
        signing_key=credentials.s3_signing_key,
        metrics_port=metrics_port,
    )


def _inner_ports(home: Home, *, pick: bool = False) -> list[int]:
    """The ports picked for this home: their numbers name the sockets that the store leaves in /tmp."""
    kept: list[int] = read_json(home.root / "s3_ports.json").get("inner") or []
    if len(kept) == len(INNER) and not (
        pick and not all(is_free(port) for port in (*kept, kept[-1] + 10000))
    ):
        return kept
    picked = pick_ports()
    if pick:
        write_private(home.root / "s3_ports.json", json.dumps({"inner": picked}))
    return picked


def store(home: Home, ports: Ports, credentials: Credentials, metrics_port: int | None = None) -> Program:
    _inner_ports(home, pick=True)
    server = seaweed(home, ports, credentials, metrics_port)
    server.remove_sockets()
    return Program(
        "s3",
        server.command(),
        server.ready,
        "Look there for a taken port or a full disk; `make clean` starts with an empty store.",
        server.environment(),
    )


def store_page(home: Home, ports: Ports, credentials: Credentials) -> Program:
    """The store's admin page."""
    server = seaweed(home, ports, credentials)
    return Program(
        "s3-admin",
        server.admin_command(ports.s3_admin),
        lambda: answers(f"http://{HOST}:{ports.s3_admin}/health"),
        "",
        {"WEED_ADMIN_PASSWORD": credentials.s3_admin_password, **server.signing()},
    )


def api(home: Home, ports: Ports) -> Program:
    options = ["--host", HOST, "--port", str(ports.api), "--data", str(home.data)]
    return Program(
        "api",
        [PYTHON, "-m", "services.wildfires_api", "serve", *options],
        lambda: answers(f"http://{HOST}:{ports.api}/health"),
        "When its data is damaged, `make data ROWS=20000` makes it again.",
    )


def database(home: Home, ports: Ports, credentials: Credentials) -> Postgres:
    return Postgres(home.postgres, ports.postgres, credentials.postgres_password)


def postgres(home: Home, ports: Ports, credentials: Credentials) -> Program:
    server = database(home, ports, credentials)
    return Program(
        "postgres",
        server.command(),
        server.ready,
        "`make clean` starts with an empty database.",
        stop_signal="INT",  # PostgreSQL's fast shutdown: open connections are not waited for
    )


def servers(
    home: Home,
    ports: Ports,
    credentials: Credentials,
    executor: str,
    mode: str,
    metrics_port: int | None = None,
) -> list[Program]:
    """What Airflow's processes use; the workers' broker where there are workers, a page where one looks."""
    where = (home, ports, credentials)
    found = [store(*where, metrics_port), api(home, ports), postgres(*where)]
    if mode != "run":
        found.append(store_page(home, ports, credentials))
    if executor == "CeleryExecutor":
        broker = celery_workers.broker(home, credentials)
        advice = "`make clean` removes all of its state."
        found.append(Program("valkey", broker.command(), broker.ready, advice))
    return found


def airflow(home: Home, ports: Ports, credentials: Credentials, executor: str, mode: str) -> list[Program]:
    """Airflow's processes; for one run alone the triggerer, which serves deferrable tasks, is left out."""
    if mode == "services":
        return []
    health = f"http://{HOST}:{ports.airflow}/api/v2/monitor/health"
    # The log servers would listen on every interface; the API server reads the same files from the disk.
    commands = {
        "api-server": ["airflow", "api-server"],
        # Ends what a killed one has left, then becomes Airflow's.
        "scheduler": ["services.local.scheduler", "--skip-serve-logs"],
        "dag-processor": ["airflow", "dag-processor"],
        "triggerer": ["airflow", "triggerer", "--skip-serve-logs"],
    }
    if mode == "run":
        del commands["triggerer"]
    found = [
        Program(
            name,
            [PYTHON, "-m", *command],
            (lambda: answers(health)) if name == "api-server" else (lambda: True),
            "After an update of the project, `make clean` often helps.",
            stop_seconds=_stop_seconds(mode, 15 if name == "scheduler" else 5),
        )
        for name, command in commands.items()
    ]
    if executor == "CeleryExecutor":
        found += [_worker(home, credentials, name, mode) for name in celery_workers.WORKERS]
    return found


def _worker(home: Home, credentials: Credentials, name: str, mode: str) -> Program:
    """A Celery worker, which is ready when it answers through the broker."""
    return Program(
        name,
        celery_workers.command(name),
        partial(celery_workers.answers, celery_workers.broker(home, credentials), name),
        "",
        celery_workers.environment(name),
        stop_seconds=_stop_seconds(mode, 15),
    )


def _stop_seconds(mode: str, patience: int) -> int:
    """Running tasks may end first; after the one run there are none."""
    return 2 if mode == "run" else patience
