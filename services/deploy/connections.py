"""The connections of a deployment: ids from `airflow_settings.yaml`, values from the environment.

That file's own addresses and keys are those of local services. None of them leaves this machine as if it were
real: where the environment says nothing, or repeats them, a placeholder stands that no service accepts.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from services.local.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

PREFIX = "AIRFLOW_CONN_"
PLACEHOLDER = "CHANGE-ME"
TEXTS = ("conn_type", "description", "host", "schema", "login", "password")
FIELDS = (*TEXTS, "port", "extra")
# What a local service is known by, wherever it stands.
LOCAL = re.compile(r"local-dummy|(?<![\w.-])(localhost|127\.0\.0\.1)(?![\w.-])")


@dataclass(frozen=True)
class Connection:
    """One connection as Airflow's JSON has it; `extra` is an object."""

    conn_id: str
    fields: dict[str, Any]

    @property
    def variable(self) -> str:
        return PREFIX + self.conn_id.upper()

    @property
    def open_fields(self) -> list[str]:
        """Names of the fields that hold a placeholder."""
        return [name for name, value in leaves(self.fields) if PLACEHOLDER in str(value)]


def leaves(fields: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """(name, value) of every field; those of the extra as `extra.name`."""
    for name, value in fields.items():
        if name == "extra":
            yield from ((f"extra.{key}", inner) for key, inner in value.items())
        else:
            yield name, value


def read_environment(path: Path) -> dict[str, str]:
    """The lines NAME=VALUE of a file, the value being all that follows; comments and empty lines aside."""
    try:
        lines = path.read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
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


def gather(local: list[dict[str, Any]], environment: Mapping[str, str]) -> list[Connection]:
    """Every connection that the settings file or the environment names, in that order.

    `local` has the bodies of `services.local.settings.load`.
    """
    known = {body["connection_id"]: _fields(body) for body in local}
    given = {
        name.removeprefix(PREFIX).lower(): _parse(name, value)
        for name, value in environment.items()
        if name.startswith(PREFIX) and value.strip()
    }
    return [
        Connection(conn_id, _real(conn_id, given.get(conn_id), known.get(conn_id)))
        for conn_id in [*known, *sorted(set(given) - set(known))]
    ]


def _parse(name: str, value: str) -> dict[str, Any]:
    """The fields in one variable. Errors never repeat the value: it may hold a password."""
    example = f'{name}={{"conn_type": "http", "host": "https://api.example.com"}}'
    expected = f"expected JSON without quotes around it, as in {example}"
    if re.match(r"[\w+.-]+://", value.strip()):
        raise SettingsError(f"{name} is a URI; {expected}.")
    try:
        fields = json.loads(value)
    except ValueError as error:
        raise SettingsError(f"{name} is not JSON ({_place(error)}); {expected}.") from None
    if not isinstance(fields, dict):
        raise SettingsError(f"{name} is not a JSON object; {expected}.")
    if unknown := sorted(set(fields) - set(FIELDS)):
        raise SettingsError(
            f"{name} has unknown fields: {', '.join(unknown)}. Known: {', '.join(FIELDS)}. "
            "What is special to a type belongs into extra."
        )
    if not fields.get("conn_type"):
        raise SettingsError(f"{name} has no conn_type; {expected}.")
    try:
        return _fields(fields)
    except (ValueError, TypeError):
        raise SettingsError(
            f"{name}: the port must be a number, extra a JSON object, and all else a text."
        ) from None


def _place(error: Exception) -> str:
    """Where JSON ends to be JSON, without what stands there."""
    return re.sub(r".*: (line \d+ column \d+).*", r"\1", str(error), flags=re.DOTALL)


def _fields(body: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that are set, each of its type."""
    fields = {name: body[name] for name in FIELDS if body.get(name) not in (None, "", {})}
    if any(not isinstance(fields.get(name, ""), str) for name in TEXTS):
        raise TypeError("a field is not a text")
    if "port" in fields:
        fields["port"] = int(fields["port"])
    if isinstance(fields.get("extra"), str):
        fields["extra"] = json.loads(fields["extra"])
    if not isinstance(fields.get("extra", {}), dict):
        raise TypeError("extra is not an object")
    return fields


def _real(conn_id: str, given: dict[str, Any] | None, local: dict[str, Any] | None) -> dict[str, Any]:
    """The given fields, a placeholder for each local one; the file's, all placeholders, if none is given."""
    local = local or {}
    fields = given or {name: value for name, value in local.items() if name != "port"}
    dummies = dict(leaves(local))

    def real(name: str, value: Any) -> Any:
        if name in ("conn_type", "description", "schema", "port"):
            return value
        same = dummies.get(name) == value and (name in ("host", "password") or "://" in str(value))
        keep = given is not None and not same and not LOCAL.search(str(value))
        return value if keep else f"{PLACEHOLDER}-{conn_id}-{name.removeprefix('extra.')}"

    return {
        name: {key: real(f"extra.{key}", inner) for key, inner in value.items()}
        if name == "extra"
        else real(name, value)
        for name, value in fields.items()
    }
