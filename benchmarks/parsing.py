"""What a DAG file costs each time it is parsed, above `import airflow.sdk`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from services.local.home import PROJECT

# What takes 0.1 s or 10 MB to import, and belongs into the bodies of tasks.
HEAVY = (
    *("pandas", "pyarrow", "numpy", "altair", "duckdb", "boto3", "botocore", "minio"),
    *("requests", "aiohttp", "ijson", "cosmos"),
)

SCRIPT = """
import importlib.util, json, sys, time
import airflow.sdk
before, loaded = time.process_time(), set(sys.modules)
spec = importlib.util.spec_from_file_location("dag_file", sys.argv[1])
spec.loader.exec_module(importlib.util.module_from_spec(spec))
cpu = time.process_time() - before
packages = sorted({name.partition(".")[0] for name in set(sys.modules) - loaded})
print(json.dumps({"cpu_seconds": cpu, "modules": packages}))
"""


def measure(home: Path, repeat: int) -> dict[str, dict[str, Any]]:
    """DAG file → its CPU seconds, one a repetition, and the heavy modules that it loads."""
    found: dict[str, dict[str, Any]] = {}
    for _ in range(repeat):
        for file in sorted((PROJECT / "dags").glob("*.py")):
            each = found.setdefault(file.name, {"cpu_seconds": [], "heavy": []})
            once = _parse(file, home)
            each["cpu_seconds"].append(once["cpu_seconds"])
            each["heavy"] = [name for name in HEAVY if name in once["modules"]]
    return found


def _parse(file: Path, home: Path) -> dict[str, Any]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "PYTHON"))}
    environment = {"AIRFLOW_HOME": str(home / "parse"), "PYTHONPATH": str(PROJECT)}
    environment["AIRFLOW__CORE__DAGS_FOLDER"] = str(PROJECT / "dags")
    environment["AIRFLOW__COSMOS__ENABLE_TELEMETRY"] = "False"
    environment["AIRFLOW__COSMOS__CACHE_DIR"] = str(home / "parse" / "cosmos")
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(file)],
        env=kept | environment,
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout.splitlines()[-1])
