"""The exported marts as rows: plain dicts, in an order of their own."""

import io
from collections.abc import Mapping
from typing import Any

import pyarrow.parquet

from include.report.errors import RunDamaged
from include.transfer.store.bucket import Bucket

Rows = list[dict[str, Any]]

# What each is sorted by: a table of the warehouse has no order.
_ORDER = {
    "fires_by_year": ("fire_year",),
    "fires_by_cause_and_year": ("cause", "fire_year"),
    "fires_by_state": ("state",),
    "fires_by_size_class": ("size_class",),
    "fires_by_month_and_cause": ("discovery_month", "cause"),
    "largest_fires": ("rank",),
    "containment_by_size_class": ("size_class",),
    "report_run": ("manifest",),
}


def read(bucket: Bucket, keys: Mapping[str, str]) -> dict[str, Rows]:
    """Name → rows of every mart. Raises RunDamaged for one that is missing or no Parquet."""
    found = {}
    for name, order in _ORDER.items():
        content = b"".join(bucket.get(keys[name])) if name in keys else b""
        try:
            rows: Rows = pyarrow.parquet.read_table(io.BytesIO(content)).to_pylist()
        except (pyarrow.ArrowException, OSError) as error:
            got = f"it is not in the lake as Parquet ({error})"
            raise RunDamaged(got, where=f"the mart {name}", fix="run export again") from None
        found[name] = sorted(rows, key=lambda row: tuple(row[column] for column in order))
    return found
