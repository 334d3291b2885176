"""An Airflow of the tests' own: an empty home and database, whatever Airflow the machine is set up for."""

import atexit
import os
import shutil
import tempfile
from functools import cache
from pathlib import Path

PROJECT = Path(__file__).parents[1]


def isolate() -> Path:
    """Point Airflow at a new home. Must run before the first import of Airflow, which reads it once."""
    for name in list(os.environ):
        if name.startswith(("AIRFLOW__", "AIRFLOW_CONN_", "AIRFLOW_VAR_")):
            del os.environ[name]
    home = Path(tempfile.mkdtemp(prefix="airflow-home-"))
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    os.environ |= {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(PROJECT / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(PROJECT / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__COSMOS__CACHE_DIR": str(home / "cosmos"),
        "AIRFLOW__COSMOS__ENABLE_TELEMETRY": "False",
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING",
    }
    return home


@cache
def migrate() -> None:
    """Make the database's tables, once a process."""
    from airflow.utils.db import initdb

    initdb()
