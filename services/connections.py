"""Airflow's connections in every form that they are read from or written to.

Read: airflow_settings.yaml (the Astro CLI's file) and lines AIRFLOW_CONN_<ID>=<JSON> of an environment.
Written: Airflow's REST API, the environment, `airflow connections import`, Kubernetes and the Astro CLI.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from services.local.errors import SettingsError
from services.local.home import PROJECT

PREFIX = "AIRFLOW_CONN_"
SECRET = "airflow-connections"  # noqa: S105 - the name that k8s/values.yaml reads
TEXTS = ("conn_type", "description", "host", "schema", "login", "password")
SETTINGS = PROJECT / "airflow_settings.yaml"
FIELDS = (*TEXTS, "port", "extra")
# Readers of .env files disagree about these (comments, variables, quotes); JSON can escape them.
ESCAPED = {ord(character): f"\\u{ord(character):04x}" for character in "$#'`"}


@dataclass(frozen=True)
class Connection:
    """`fields` as in Airflow's JSON form; `extra` is an object."""

    conn_id: str
    fields: dict[str, Any]

    @classmethod
    def checked(cls, conn_id: str, fields: Mapping[str, Any]) -> Connection:
        """Leave empty fields out; SettingsError, without any value in it, for a field of a wrong type."""
        kept = {name: fields[name] for name in FIELDS if fields.get(name) not in (None, "", {})}
        if unknown := sorted(set(fields) - set(FIELDS)):
            raise SettingsError(
                f"unknown fields: {', '.join(unknown)}. Known: {', '.join(FIELDS)}; the rest belongs in extra"
            )
        if "conn_type" not in kept:
            raise SettingsError("conn_type is missing")
        if wrong := [name for name in TEXTS if not isinstance(kept.get(name, ""), str)]:
            raise SettingsError(f"{', '.join(wrong)} must be a string")
        try:
            if "port" in kept:
                kept["port"] = int(kept["port"])
            if isinstance(kept.get("extra"), str):
                kept["extra"] = json.loads(kept["extra"])
        except (ValueError, TypeError):
            raise SettingsError("port must be a number, and extra a JSON object") from None
        if not isinstance(kept.get("extra", {}), dict):
            raise SettingsError("extra must be a JSON object")
        return cls(conn_id, kept)

    @property
    def variable(self) -> str:
        return PREFIX + self.conn_id.upper()

    @property
    def json(self) -> str:
        """One line that every reader of .env files, YAML and shells takes for the same text."""
        return json.dumps(self.fields).translate(ESCAPED)

    @property
    def row(self) -> dict[str, Any]:
        """The fields as Airflow's REST API and `connections import` take them: `extra` is a string."""
        extra = {"extra": json.dumps(self.fields["extra"])} if "extra" in self.fields else {}
        return self.fields | extra

    def at(self, **fields: Any) -> Connection:
        """The same with other fields; `endpoint_url` replaces each one in the extra."""
        endpoint = fields.pop("endpoint_url", None)
        changed = self.fields | fields
        if endpoint:
            changed["extra"] = _pointed(changed.get("extra", {}), endpoint) | {"endpoint_url": endpoint}
        return Connection(self.conn_id, changed)


def _pointed(value: Any, endpoint: str) -> Any:
    if not isinstance(value, dict):
        return value
    return {k: endpoint if k == "endpoint_url" else _pointed(v, endpoint) for k, v in value.items()}


# Reading ------------------------------------------------------------------------------------------------


def from_settings(path: Path = SETTINGS) -> list[Connection]:
    """The file's connections, with the descriptions of .env.example: the Astro CLI has no key for those."""
    described = {each.conn_id: each.fields for each in from_environment(read_lines(PROJECT / ".env.example"))}
    found = []
    for number, entry in enumerate(_section(path, "connections"), 1):
        conn_id = entry.get("conn_id")
        if not conn_id:
            raise SettingsError(f"{path}: entry {number} of airflow.connections has no conn_id.")
        names = {name: name if name == "conn_type" else name.removeprefix("conn_") for name in entry}
        fields = {names[name]: value for name, value in entry.items() if name != "conn_id"}
        try:
            connection = Connection.checked(conn_id, fields)
        except SettingsError as error:
            raise SettingsError(f"{path}: connection {conn_id}: {error}.") from error
        text = described.get(conn_id, {}).get("description")
        found.append(connection.at(description=text) if text else connection)
    return found


def variables(path: Path = SETTINGS) -> dict[str, str]:
    """Name → value of the file's variables."""
    return {each["variable_name"]: str(each["variable_value"]) for each in _section(path, "variables")}


def _section(path: Path, name: str) -> list[dict[str, Any]]:
    """The entries of a list below `airflow:`, without the empty ones of the CLI's own template."""
    try:
        entries = yaml.safe_load(path.read_text())["airflow"].get(name) or []
        return [entry for entry in entries if any(entry.values())]
    except OSError as error:
        raise SettingsError(f"Cannot read {path}: {error.strerror}.") from error
    except yaml.YAMLError as error:
        raise SettingsError(f"{path} is not valid YAML: {error}") from error
    except (AttributeError, KeyError, TypeError) as error:
        raise SettingsError(f"{path} needs the key `airflow:` with a list `{name}:` below it.") from error


def read_lines(path: Path) -> dict[str, str]:
    """The lines NAME=VALUE of a file, the value being all that follows; comments and empty lines aside."""
    try:
        lines = path.read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not a text file"
        raise SettingsError(
            f"Cannot read {path}: {reason}. Start from a copy: cp .env.example .env.production"
        ) from error
    found = {}
    for number, line in enumerate(lines, 1):
        name, equals, value = line.strip().partition("=")
        if not name or name.startswith("#"):
            continue
        if not equals:
            raise SettingsError(f"{path}, line {number}: expected NAME=VALUE.")
        found[name] = value
    return found


def from_environment(environment: Mapping[str, str]) -> list[Connection]:
    """Its connections. Errors never repeat a value: it may hold a password."""
    found = []
    for name, value in sorted(environment.items()):
        if not name.startswith(PREFIX) or not value.strip():
            continue
        try:
            fields = json.loads(value)
            if not isinstance(fields, dict):
                raise SettingsError("not a JSON object")
            found.append(Connection.checked(name.removeprefix(PREFIX).lower(), fields))
        except (ValueError, SettingsError) as error:
            why = str(error) if isinstance(error, SettingsError) else "not JSON"
            raise SettingsError(
                f"{name}: {why}. Write JSON without quotes around it, as in "
                f'{name}={{"conn_type": "http", "host": "https://api.example.com"}}'
            ) from None
    return found


# Writing ------------------------------------------------------------------------------------------------


def environment(connections: Iterable[Connection]) -> dict[str, str]:
    """Variables by which Airflow finds them without its database; also the values of a Kubernetes Secret."""
    return {each.variable: each.json for each in connections}


def env_file(connections: Iterable[Connection]) -> str:
    """Lines for `docker --env-file`, compose, `.env`, systemd."""
    return "".join(f"{name}={value}\n" for name, value in environment(connections).items())


def import_file(connections: Iterable[Connection]) -> str:
    """For `airflow connections import`."""
    return json.dumps({each.conn_id: each.row for each in connections}, indent=2) + "\n"


def secret_manifest(connections: Iterable[Connection]) -> str:
    """A Kubernetes Secret, whose namespace `kubectl apply -n` chooses."""
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": SECRET, "labels": {"app.kubernetes.io/part-of": "wildfire-lake"}},
        "type": "Opaque",
        "stringData": environment(connections),
    }
    return yaml.safe_dump(secret, sort_keys=False, width=10_000)


def astro_options(connection: Connection) -> list[str]:
    """The password, and the options of `astro env connection create`, which knows no description."""
    fields = dict(connection.fields)
    options = [fields.pop("password", "")]
    for name in ("conn_type", "host", "port", "schema", "login"):
        options += [f"--{name.removeprefix('conn_')}", str(fields[name])] if name in fields else []
    return options + (["--extra", json.dumps(fields["extra"])] if "extra" in fields else [])
