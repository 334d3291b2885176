"""`airflow_settings.yaml` for the local stack: the same connections and pools, with local hosts and keys.

The file's form is the Astro CLI's. What is applied here is what the CLI applies; only the addresses and the
credentials of the local services are put in.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from services.local.errors import SettingsError
from services.local.ports import HOST

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from services.local.home import Credentials
    from services.local.ports import Ports

# The names in the file, and those of Airflow's REST API.
CONNECTION_FIELDS = {
    "conn_id": "connection_id",
    "conn_type": "conn_type",
    "conn_host": "host",
    "conn_schema": "schema",
    "conn_login": "login",
    "conn_password": "password",
    "conn_port": "port",
    "conn_extra": "extra",
}


@dataclass(frozen=True)
class Settings:
    """Bodies for Airflow's REST API: POST /connections, /pools and /variables."""

    connections: list[dict[str, Any]]
    pools: list[dict[str, Any]]
    variables: list[dict[str, Any]]


def load(path: Path) -> Settings:
    """Read the file; SettingsError names the place when it has not the Astro CLI's form."""
    try:
        document = yaml.safe_load(path.read_text())
    except OSError as error:
        raise SettingsError(f"Cannot read {path}: {error.strerror}.") from error
    except yaml.YAMLError as error:
        raise SettingsError(f"{path} is not valid YAML: {error}") from error
    airflow = document.get("airflow") if isinstance(document, dict) else None
    if not isinstance(airflow, dict):
        raise SettingsError(
            f"{path} must begin with the key `airflow:`, holding connections, pools, variables."
        )
    return Settings(
        _entries(path, airflow, "connections", "conn_id", _connection),
        _entries(path, airflow, "pools", "pool_name", _pool),
        _entries(path, airflow, "variables", "variable_name", _variable),
    )


def _entries(
    path: Path, airflow: dict[str, Any], section: str, key: str, convert: Callable[[dict[str, Any]], Any]
) -> list[dict[str, Any]]:
    entries = airflow.get(section) or []
    if not isinstance(entries, list):
        raise SettingsError(f"{path}: airflow.{section} must be a list, and is {type(entries).__name__}.")
    converted = []
    for number, entry in enumerate(entries, 1):
        if not isinstance(entry, dict):
            raise SettingsError(
                f"{path}: entry {number} of airflow.{section} must have keys such as `{key}`."
            )
        if not entry.get(key):  # the CLI's own template has an empty entry
            if any(value not in (None, "") for value in entry.values()):
                raise SettingsError(f"{path}: entry {number} of airflow.{section} lacks `{key}`.")
            continue
        try:
            converted.append(convert(entry))
        except (ValueError, TypeError) as error:
            raise SettingsError(f"{path}: airflow.{section}, {key} {entry[key]!r}: {error}") from error
    return converted


def _connection(entry: dict[str, Any]) -> dict[str, Any]:
    if entry.get("conn_uri"):
        raise ValueError("use conn_type, conn_host, … instead of conn_uri")
    if not entry.get("conn_type"):
        raise ValueError("conn_type is missing")
    body = {new: entry[old] for old, new in CONNECTION_FIELDS.items() if entry.get(old) not in (None, "")}
    if "port" in body:
        body["port"] = int(body["port"])
    if isinstance(body.get("extra"), str):
        json.loads(body["extra"])
    elif "extra" in body:
        body["extra"] = json.dumps(body["extra"])
    return body


def _pool(entry: dict[str, Any]) -> dict[str, Any]:
    slots = int(entry.get("pool_slot") or 0)
    if slots < 1:
        raise ValueError(f"pool_slot is {slots}; give at least 1")
    description = entry.get("pool_description") or ""
    return {"name": entry["pool_name"], "slots": slots, "description": description, "include_deferred": False}


def _variable(entry: dict[str, Any]) -> dict[str, Any]:
    return {"key": entry["variable_name"], "value": str(entry.get("variable_value", ""))}


def local(settings: Settings, ports: Ports, credentials: Credentials) -> Settings:
    """The settings with the addresses and keys of this stack's services; all else as in the file."""
    changes: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
        "wildfires_api": lambda body: body | {"host": HOST, "port": ports.api},
        "locals3": lambda body: (
            body
            | {
                "login": credentials.s3_access_key,
                "password": credentials.s3_secret_key,
                "extra": _with_endpoint(body.get("extra"), f"http://{HOST}:{ports.s3}"),
            }
        ),
        "warehouse": lambda body: (
            body | {"host": HOST, "port": ports.postgres, "password": credentials.warehouse_password}
        ),
    }
    unchanged: Callable[[dict[str, Any]], dict[str, Any]] = lambda body: body  # noqa: E731
    return Settings(
        [changes.get(body["connection_id"], unchanged)(body) for body in settings.connections],
        settings.pools,
        settings.variables,
    )


def env_file(settings: Settings) -> str:
    """The connections as lines of a `.env` file; these win over the ones that the Astro CLI applies."""
    lines = []
    for body in settings.connections:
        values = {k: v for k, v in body.items() if k != "connection_id"}
        if "extra" in values:
            values["extra"] = json.loads(values["extra"])
        lines.append(f"AIRFLOW_CONN_{body['connection_id'].upper()}={json.dumps(values)}\n")
    return "".join(lines)


def _with_endpoint(extra: str | None, endpoint: str) -> str:
    """The extra with every `endpoint_url` in it pointed at the local store."""
    values = json.loads(extra) if extra else {}

    def pointed(value: Any) -> Any:
        if isinstance(value, dict):
            return {k: endpoint if k == "endpoint_url" else pointed(v) for k, v in value.items()}
        return value

    return json.dumps(pointed(values) | {"endpoint_url": endpoint})
