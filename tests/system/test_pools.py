"""Pools are created where they are missing, and never reset: against Airflow's own command line."""

import json
import os
import subprocess
import sys

from tests.project_files import PROJECT


def test_missing_pools_are_created_and_others_left_alone(tmp_path):
    environment = {k: v for k, v in os.environ.items() if not k.startswith("AIRFLOW")}
    environment |= {"AIRFLOW_HOME": str(tmp_path), "AIRFLOW__CORE__LOAD_EXAMPLES": "False"}

    def run(*command: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", *command],
            env=environment,
            cwd=PROJECT,
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
        return done.stdout

    run("airflow", "db", "migrate")
    run("airflow", "pools", "set", "copies_large", "2", "changed while it ran")
    run("airflow", "pools", "set", "of_somebody_else", "7", "")
    assert "pools created: copies_small\n" in run("include.pools")
    assert "pools created: none" in run("include.pools")
    run("airflow", "pools", "export", str(tmp_path / "pools.json"))
    small = json.loads((PROJECT / "pools.json").read_text())["copies_small"]
    found = json.loads((tmp_path / "pools.json").read_text())
    assert {name: (pool["slots"], pool["description"]) for name, pool in found.items()} == {
        "default_pool": (128, "Default pool"),
        "copies_small": (small["slots"], small["description"]),
        "copies_large": (2, "changed while it ran"),
        "of_somebody_else": (7, ""),
    }
