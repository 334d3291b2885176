"""Real wildfires: `tests/data/fpa_fod_sample.csv`, as the FPA-FOD's JSON would have them."""

import csv
from typing import Any

from include.wildfires import WILDFIRE_TYPES
from tests.project_files import PROJECT

SAMPLE = PROJECT / "tests" / "data" / "fpa_fod_sample.csv"


def value(column: str, text: str) -> Any:
    """A field of the CSV in the column's type; empty is null, and whole numbers may be written as 33.0."""
    if text == "":
        return None
    kind = WILDFIRE_TYPES[column]
    return text if kind == "string" else float(text) if kind == "double" else int(float(text))


def real_fires() -> list[dict[str, Any]]:
    """500 rows with all columns."""
    with SAMPLE.open(encoding="utf-8", newline="") as file:
        return [{name: value(name, text) for name, text in row.items()} for row in csv.DictReader(file)]
