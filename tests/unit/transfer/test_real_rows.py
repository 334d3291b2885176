"""Real wildfires, copied for real in each format, come back value by value."""

import csv
import io
import json

import pyarrow.parquet as pq
import pytest

from include.wildfires import WILDFIRE_TYPES, WILDFIRES
from tests.project_files import PROJECT

SAMPLE = PROJECT.parent / "shared" / "data" / "fpa_fod_sample.csv"
pytestmark = pytest.mark.skipif(not SAMPLE.exists(), reason=f"needs the published sample {SAMPLE.name}")

KINDS = {"int64": int, "double": float, "string": str}


@pytest.fixture(scope="module")
def fires():
    with SAMPLE.open(newline="", encoding="utf-8") as file:
        return [
            {name: KINDS[WILDFIRE_TYPES[name]](text) if text else None for name, text in row.items()}
            for row in csv.DictReader(file)
        ]


def read_csv(data):
    lines = list(csv.reader(io.StringIO(data.decode(), newline=""), strict=True))
    return [
        {
            name: KINDS[WILDFIRE_TYPES[name]](text) if text else None
            for name, text in zip(lines[0], line, strict=True)
        }
        for line in lines[1:]
    ]


READERS = {
    "csv": read_csv,
    "ndjson": lambda data: [json.loads(line) for line in data.splitlines()],
    "parquet": lambda data: pq.read_table(io.BytesIO(data)).to_pylist(),
}


@pytest.mark.parametrize("format", READERS)
def test_every_value_comes_back(source, make_run, fires, format):
    assert len(fires) > 5_000
    settings = {**WILDFIRES.to_dict(), "name": "fires", "format": format, "batch_size": 4_000}
    run = make_run(source(fires, version='"4"', offers_gzip=True), **settings)
    receipts = run.copy_all()
    read = [row for receipt in receipts for row in READERS[format](run.bytes_of(receipt.key))]
    assert read == fires
    assert {receipt.source_version for receipt in receipts} == {"4"}
    assert all(receipt.columns == list(WILDFIRE_TYPES) for receipt in receipts)
