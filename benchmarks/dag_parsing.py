"""What a DAG file costs each time it is parsed, above what Airflow has loaded when it forks for it."""

import subprocess
import sys

from benchmarks.samples import Case, Samples
from services.local.airflow_env import clean_environment
from services.local.home import PROJECT, Home

SCRIPT = """
import runpy, sys, time, airflow.dag_processing.processor
before = time.process_time()
runpy.run_path(sys.argv[1]); print(time.process_time() - before)
"""


def measure(rounds: int, home: Home, samples: Samples) -> None:
    """Add the CPU seconds of every file in dags/."""
    folder = str(home.root / "parse")
    cosmos = {"AIRFLOW__COSMOS__ENABLE_TELEMETRY": "False", "AIRFLOW__COSMOS__CACHE_DIR": folder}
    environment = clean_environment(home) | {"AIRFLOW_HOME": folder} | cosmos
    for file in sorted((PROJECT / "dags").glob("*.py")) * rounds:
        command = [sys.executable, "-c", SCRIPT, str(file)]
        printed = subprocess.check_output(command, env=environment, cwd=PROJECT, text=True)
        samples.add(Case("parse", file.name), cpu_seconds=float(printed.splitlines()[-1]))
