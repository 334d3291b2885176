"""The pools of pools.json: `python -m include.pools` creates those that Airflow lacks, and changes no other.

`airflow pools import` alone would reset the slots of a pool that somebody has changed while Airflow runs.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TypedDict

FILE = Path(__file__).parents[1] / "pools.json"


class Pool(TypedDict):
    slots: int
    description: str
    include_deferred: bool


def wanted() -> dict[str, Pool]:
    """Name → pool, in the form of `airflow pools import` and `export`."""
    pools: dict[str, Pool] = json.loads(FILE.read_text())
    return pools


def create_missing() -> list[str]:
    """Create the pools that Airflow's database lacks; returns their names.

    Raises CalledProcessError when the database cannot be reached.
    """
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "pools.json")
        _airflow_pools("export", file)
        existing = json.loads(file.read_text())
        missing = {name: pool for name, pool in wanted().items() if name not in existing}
        if missing:
            file.write_text(json.dumps(missing))
            _airflow_pools("import", file)
    return list(missing)


def _airflow_pools(command: str, file: Path) -> None:
    subprocess.run([sys.executable, "-m", "airflow", "pools", command, str(file)], check=True)  # noqa: S603


if __name__ == "__main__":
    sys.stdout.write(f"pools created: {', '.join(create_missing()) or 'none, all exist'}\n")
