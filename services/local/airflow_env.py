"""The environment of every Airflow process of the stack, in one place."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from services.connections import Connection, from_settings
from services.local import celery_workers
from services.local.home import PROJECT, Credentials, Home, write_private
from services.local.ports import HOST, Ports
from services.local.postgres import Postgres

if TYPE_CHECKING:
    from collections.abc import Mapping

USER = "admin"
MARK = "WILDFIRE_LAKE_STACK"
# The widest pool has 8 slots; the default of 32 would drown a small machine.
PARALLELISM = 8


def clean_environment(home: Home, environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The caller's environment without what steers Airflow or an S3 client elsewhere, and with our mark."""
    kept = {
        name: value
        for name, value in environment.items()
        if not name.startswith(("AIRFLOW", "_AIRFLOW", "AWS_", "PYTHON", "WEED_", "PG", "MAKE", "MFLAGS"))
    }
    own = [str(Path(sys.executable).parent)]
    local = ",".join(filter(None, [HOST, "localhost", kept.get("NO_PROXY") or kept.get("no_proxy", "")]))
    return kept | {
        MARK: str(home.root),  # cleanup.py finds the stack's processes by it
        "SPT_NOENV": "1",  # setproctitle, which Airflow uses, would overwrite the mark
        "NO_PROXY": local,
        "no_proxy": local,
        "PATH": os.pathsep.join([*own, kept.get("PATH", os.defpath)]),
        "PYTHONPATH": str(PROJECT),
        "PYTHONUNBUFFERED": "1",
    }


def airflow_environment(
    home: Home, ports: Ports, credentials: Credentials, *, schedules: bool, executor: str = "LocalExecutor"
) -> dict[str, str]:
    """Airflow's own settings; `schedules=False` leaves only the runs that somebody triggers."""
    sections = _sections(home, ports, credentials, schedules=schedules, executor=executor)
    if executor == "CeleryExecutor":
        for name, settings in celery_workers.sections(home, ports, credentials).items():
            sections[name] = sections.get(name, {}) | settings
    return {"AIRFLOW_HOME": str(home.airflow)} | {
        f"AIRFLOW__{section.upper()}__{name.upper()}": str(value)
        for section, settings in sections.items()
        for name, value in settings.items()
    }


def _sections(
    home: Home, ports: Ports, credentials: Credentials, *, schedules: bool, executor: str
) -> dict[str, dict[str, object]]:
    postgres = Postgres(home.postgres, ports.postgres, credentials.postgres_password)
    url = f"http://{HOST}:{ports.airflow}"
    return {
        "core": {
            "dags_folder": PROJECT / "dags",
            "plugins_folder": PROJECT / "plugins",
            "executor": executor,
            "parallelism": PARALLELISM,
            "load_examples": False,
            "fernet_key": credentials.fernet_key,
            "execution_api_server_url": f"{url}/execution/",
            "auth_manager": "airflow.api_fastapi.auth.managers.simple.simple_auth_manager.SimpleAuthManager",
            "simple_auth_manager_users": f"{USER}:admin",
            "simple_auth_manager_passwords_file": home.airflow / "passwords.json",
        },
        "database": {
            "sql_alchemy_conn": postgres.uri(),
            "sql_alchemy_conn_async": postgres.uri("psycopg_async"),
        },
        "api": {
            "host": HOST,
            "port": ports.airflow,
            "base_url": url,
            "workers": 1,
            "secret_key": credentials.api_secret_key,
        },
        "api_auth": {"jwt_secret": credentials.jwt_secret},
        "logging": {"base_log_folder": home.logs / "tasks", "remote_logging": False},
        "scheduler": {"use_job_schedule": schedules, "scheduler_idle_sleep_time": 0.3},
        "workers": {
            # Seconds for one answer to a task. The default of 5 is too short for a busy machine.
            "execution_api_timeout": 30,
            # A supervisor that sees its task's sockets close before the process has ended looks again after
            # so many seconds. Until then its worker takes no other task, and short maps wait as queued.
            "min_heartbeat_interval": 1,
        },
        "dag_processor": {
            "refresh_interval": 5,  # a new DAG file is seen within about ten seconds
            "bundle_refresh_check_interval": 2,
            "min_file_process_interval": 10,
        },
        "cosmos": {"enable_telemetry": False, "cache_dir": home.airflow / "cosmos"},
    }


def local_connections(ports: Ports, credentials: Credentials) -> list[Connection]:
    """The connections of airflow_settings.yaml with the addresses and keys of this stack's services."""
    warehouse: dict[str, object] = {
        "host": HOST,
        "port": ports.postgres,
        "password": credentials.warehouse_password,
    }
    changes: dict[str, dict[str, object]] = {
        "wildfires_api": {"host": HOST, "port": ports.api},
        "locals3": {
            "login": credentials.s3_access_key,
            "password": credentials.s3_secret_key,
            "endpoint_url": f"http://{HOST}:{ports.s3}",
        },
        "warehouse": warehouse,
        "lake_catalog": warehouse,
    }
    return [each.at(**changes.get(each.conn_id, {})) for each in from_settings()]


def write_password(home: Home, credentials: Credentials) -> None:
    """Give SimpleAuthManager its one user's password; it would otherwise print a generated one."""
    write_private(home.airflow / "passwords.json", json.dumps({USER: credentials.airflow_password}))
