"""What a DAG file costs each time it is parsed, above `import airflow.sdk`."""

import os
import subprocess
import sys
from pathlib import Path

from benchmarks.samples import Case, Samples
from services.local.home import PROJECT

SCRIPT = """
import runpy, sys, time, airflow.sdk
before = time.process_time()
runpy.run_path(sys.argv[1])
print(time.process_time() - before)
"""


def measure(rounds: int, home: Path, samples: Samples) -> None:
    """Add the CPU seconds of every file in dags/."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "PYTHON"))}
    own = {"AIRFLOW_HOME": str(home), "PYTHONPATH": str(PROJECT)}
    cosmos = {"ENABLE_TELEMETRY": "False", "CACHE_DIR": str(home / "cosmos")}
    environment = kept | own | {f"AIRFLOW__COSMOS__{name}": value for name, value in cosmos.items()}
    for file in sorted((PROJECT / "dags").glob("*.py")) * rounds:
        command = [sys.executable, "-c", SCRIPT, str(file)]
        printed = subprocess.check_output(command, env=environment, cwd=PROJECT, text=True)
        samples.add(Case("parse", file.name), cpu_seconds=float(printed.splitlines()[-1]))
