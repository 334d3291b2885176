"""What the report's tasks call in this interpreter; a home is made before Airflow 2 or the SDK are loaded."""

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryDirectory
from typing import Any


def load(manifest: str, warehouse: str, force: bool, partition: str = "") -> dict[str, Any]:
    """Load a committed run: see include/astro_sdk/load_run.py."""
    with _own_airflow_home():
        from include.astro_sdk.load_run import load as load_run

        return load_run(manifest, warehouse, force, partition)


def export(manifest: str, warehouse: str) -> dict[str, Any]:
    """Write the marts into the lake: see include/astro_sdk/export_marts.py."""
    with _own_airflow_home():
        from include.astro_sdk.export_marts import export as export_marts

        return export_marts(manifest, warehouse)


@contextmanager
def _own_airflow_home() -> Iterator[None]:
    """Airflow 2, which the SDK reads connections with, writes its configuration where it is loaded."""
    logging.basicConfig(stream=sys.stdout, level=logging.INFO, format="%(message)s", force=True)
    os.environ.setdefault("MIMALLOC_PURGE_DELAY", "0")  # read when pyarrow is loaded: give freed memory back
    with TemporaryDirectory(prefix="wildfire-lake-astro-sdk-") as home:
        os.environ["AIRFLOW_HOME"] = home
        yield
