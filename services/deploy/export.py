"""`make export-config`: writes every form into one private folder, and says what is still to be filled in."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from services.deploy import forms
from services.deploy.connections import PLACEHOLDER, PREFIX, Connection, gather, read_environment
from services.local import settings
from services.local.errors import StackError
from services.local.home import PROJECT, write_private

if TYPE_CHECKING:
    from pathlib import Path

FOLDER = PROJECT / ".deploy"


def export_config(file: Path | None, folder: Path) -> int:
    local = settings.load(PROJECT / "airflow_settings.yaml")
    given = {name: value for name, value in os.environ.items() if name.startswith(PREFIX)}
    connections = gather(local.connections, given | (read_environment(file) if file else {}))
    texts = {
        "connections.env": forms.environment(connections),
        "connections.json": forms.airflow_connections(connections),
        "pools.json": forms.airflow_pools(local.pools),
        "secret.yaml": forms.kubernetes_secret(connections),
        "astro.sh": forms.astro_commands(connections, local.pools),
    }
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_private(folder / ".gitignore", "*\n")  # wherever it lies, nothing in it is ever committed
        for name, text in texts.items():
            write_private(folder / name, text)
    except OSError as error:
        raise StackError(f"Cannot write {folder}: {error.strerror}.") from error
    _report(folder, list(texts), connections, [variable["key"] for variable in local.variables])
    return 0


def _report(folder: Path, names: list[str], connections: list[Connection], left_out: list[str]) -> None:
    print(f"Written to {folder} (for your eyes only): {', '.join(names)}")
    for each in connections:
        open_fields = each.open_fields
        state = f"to fill in: {', '.join(open_fields)}" if open_fields else "complete"
        print(f"  {each.conn_id:14} {each.fields['conn_type']:10} {state}")
    if left_out:
        print(f"Not exported, set them by hand: variables {', '.join(left_out)}")
    if to_fill := [each.variable for each in connections if each.open_fields]:
        print(
            f"{PLACEHOLDER} stands where only a local dummy is known. Give {', '.join(to_fill)}\n"
            "as JSON in the environment, or in a file: cp .env.example .env.production, edit it, and then\n"
            "make export-config FILE=.env.production"
        )
    print("How to apply them: docs/deploy.md")
