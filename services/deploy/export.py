"""`make export-config`: writes the connections in every form that a deployment takes.

The addresses and keys in airflow_settings.yaml are those of local services. None leaves this machine as if it
were real: where nothing else is given, a placeholder stands that no service accepts.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from include.pools import wanted
from services import connections as forms
from services.connections import PREFIX, Connection
from services.local.errors import StackError
from services.local.home import PROJECT, write_private

FOLDER = PROJECT / ".deploy"
ASTRO = Path(__file__).with_name("astro.sh")
PLACEHOLDER = "CHANGE-ME"
# What local services are recognised by: their dummy keys and their addresses.
LOCAL = re.compile(
    r"local-dummy|(?<![\w.-])(localhost|127\.0\.0\.1|wildfires-api|seaweedfs|warehouse-db)(?![\w.-])"
)


def export_config(file: Path | None = None, folder: Path = FOLDER) -> int:
    """Write the connections in every form; lines of the file win over the environment."""
    given = {name: value for name, value in os.environ.items() if name.startswith(PREFIX)}
    given |= forms.read_lines(file) if file else {}
    connections = deployable(forms.from_settings(), forms.from_environment(given))
    texts = {
        "connections.env": forms.env_file(connections),
        "connections.json": forms.import_file(connections),
        "secret.yaml": forms.secret_manifest(connections),
        "astro.sh": astro_script(connections),
    }
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_private(folder / ".gitignore", "*\n")  # wherever it lies, nothing in it is ever committed
        for name, text in texts.items():
            write_private(folder / name, text)
    except OSError as error:
        raise StackError(f"Cannot write {folder}: {error.strerror}.") from error
    print(f"Written to {folder} (readable by you alone): {', '.join(texts)}")
    _report(connections, list(forms.variables()))
    return 0


def deployable(local: Iterable[Connection], given: Iterable[Connection]) -> list[Connection]:
    """Those known locally, as given or with placeholders, then all others that are given."""
    known = {each.conn_id: each for each in local}
    real = {each.conn_id: each for each in given}
    listed = [real.get(name, connection) for name, connection in known.items()]
    listed += [connection for name, connection in real.items() if name not in known]
    return [_without_local_values(each, given=each.conn_id in real) for each in listed]


def _without_local_values(connection: Connection, *, given: bool) -> Connection:
    def real(name: str, value: Any) -> Any:
        if name in ("conn_type", "description", "schema", "port"):
            return value
        if given and not LOCAL.search(str(value)):
            return value
        return f"{PLACEHOLDER}-{connection.conn_id}-{name}"

    fields = {name: value for name, value in connection.fields.items() if given or name != "port"}
    extra = {name: real(name, value) for name, value in fields.pop("extra", {}).items()}
    changed = {name: real(name, value) for name, value in fields.items()}
    return Connection(connection.conn_id, changed | ({"extra": extra} if extra else {}))


def placeholders(connection: Connection) -> Iterator[str]:
    """Names of the fields that still have to be filled in; those of the extra as `extra.name`."""
    for name, value in connection.fields.items():
        if name == "extra":
            yield from (f"extra.{key}" for key, inner in value.items() if PLACEHOLDER in str(inner))
        elif PLACEHOLDER in str(value):
            yield name


def astro_script(connections: Iterable[Connection]) -> str:
    """Commands of the Astro CLI: they create or update connections, and create the missing pools."""
    lines = [shlex.join(["connection", each.conn_id, *forms.astro_options(each)]) for each in connections]
    for name, pool in wanted().items():
        deferred = "enable" if pool["include_deferred"] else "disable"
        options = ["--slots", str(pool["slots"]), "--description", pool["description"]]
        lines.append(shlex.join(["pool", name, *options, "--include-deferred", deferred]))
    return ASTRO.read_text() + "\n".join(lines) + "\n"


def _report(connections: list[Connection], variables: list[str]) -> None:
    missing = [(each, list(placeholders(each))) for each in connections]
    for each, names in missing:
        state = f"to fill in: {', '.join(names)}" if names else "complete"
        print(f"  {each.conn_id:14} {each.fields['conn_type']:10} {state}")
    if variables:
        print(f"Not exported, set them by hand: variables {', '.join(variables)}")
    if to_fill := [each.variable for each, names in missing if names]:
        print(
            f"{PLACEHOLDER} stands where only a local dummy is known. Give {', '.join(to_fill)}\n"
            "as JSON in the environment, or in a file: cp .env.example .env.production, edit it, and then\n"
            "make export-config FILE=.env.production"
        )
    print("How to apply them: docs/deploy.md")
