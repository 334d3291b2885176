"""Real wildfires, copied for real in each format, come back value by value."""

import csv
import io
import json

import pyarrow.parquet as pq
import pytest

from include.wildfires import WILDFIRE_TYPES, WILDFIRES
from tests.real_fires import real_fires, value


def read_csv(data):
    lines = csv.DictReader(io.StringIO(data.decode(), newline=""), strict=True)
    return [{name: value(name, text) for name, text in line.items()} for line in lines]


READERS = {
    "csv": read_csv,
    "ndjson": lambda data: [json.loads(line) for line in data.splitlines()],
    "parquet": lambda data: pq.read_table(io.BytesIO(data)).to_pylist(),
}


@pytest.mark.parametrize("format", READERS)
def test_every_value_comes_back(source, make_run, format):
    fires = real_fires()
    settings = {**WILDFIRES.to_dict(), "name": "fires", "format": format, "batch_size": 200}
    run = make_run(source(fires, version='"4"', offers_gzip=True), **settings)
    receipts = run.copy_all()
    read = [row for receipt in receipts for row in READERS[format](run.bytes_of(receipt.key))]
    assert read == fires
    assert {receipt.source_version for receipt in receipts} == {"4"}
    assert all(receipt.columns == list(WILDFIRE_TYPES) for receipt in receipts)
