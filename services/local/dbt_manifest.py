"""`make dbt-manifest`: what Airflow must know of the dbt project to draw its tasks, in one small file.

dbt's own manifest has times, random ids and paths of the machine in it, and every macro of every package. The
file kept here is what Cosmos reads of it: the same everywhere, and a DAG can be parsed where dbt is missing.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from services.local.errors import StackError
from services.local.home import PROJECT

DBT = PROJECT / ".venv-dbt" / "bin" / "dbt"
FOLDER = PROJECT / "include" / "dbt" / "wildfires"
MANIFEST = PROJECT / "include" / "dbt" / "manifest.json"
KEPT = ("unique_id", "package_name", "resource_type", "original_file_path", "tags", "fqn")


def dbt_manifest() -> int:
    """Write the manifest of the dbt project anew."""
    MANIFEST.write_text(make())
    print(f"{MANIFEST.relative_to(PROJECT)} is of this project now.")
    return 0


def make() -> str:
    """The manifest's text. Raises StackError with dbt's words where the project cannot be parsed."""
    if not DBT.exists():
        raise StackError(f"There is no {DBT}. Run the command through `make`.")
    with tempfile.TemporaryDirectory() as folder:
        paths = ["--project-dir", str(FOLDER), "--profiles-dir", str(FOLDER)]
        paths += ["--target-path", folder, "--log-path", folder]
        done = subprocess.run(
            [str(DBT), "--no-use-colors", "--warn-error", "parse", "--no-partial-parse", *paths],
            env={name: value for name, value in os.environ.items() if not name.startswith("DBT_")},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise StackError(f"dbt cannot parse {FOLDER}:\n{done.stdout[-3000:]}{done.stderr[-1000:]}")
        whole = json.loads(Path(folder, "manifest.json").read_text())
    nodes = {"nodes": whole["nodes"], "sources": whole["sources"]}
    kept: dict[str, Any] = {"metadata": {"project_name": whole["metadata"]["project_name"]}}
    for kind, found in nodes.items():
        kept[kind] = {key: _reduced(node) for key, node in sorted(found.items())}
    return json.dumps(kept, indent=1, sort_keys=True) + "\n"


def _reduced(node: dict[str, Any]) -> dict[str, Any]:
    reduced = {name: node[name] for name in KEPT if name in node}
    if "depends_on" in node:
        reduced["depends_on"] = {"nodes": sorted(node["depends_on"].get("nodes", []))}
    return reduced | {"config": {"materialized": node.get("config", {}).get("materialized")}}
