"""Airflow's `[core] hostname_callable` for workers on one machine: a task records its worker's name."""

import os

VARIABLE = "WILDFIRE_LAKE_WORKER"


def worker_name() -> str:
    """The name that the stack gave the worker whose process this is."""
    return os.environ[VARIABLE]
