"""A way whose objects differ from the source in any value, or in the order of rows, ends the benchmarks."""

import json
from pathlib import Path

import pytest

pytest.importorskip("services.local.stack", reason="needs services/, which the Astro image does not carry")
pytest.importorskip("benchmarks", reason="needs benchmarks/, which the Astro image does not carry")

import pyarrow.csv
import pyarrow.parquet

from benchmarks.row_check import SCHEMA, WrongCopy, check_and_empty, read

ROW = dict.fromkeys(SCHEMA.names) | {"FIPS_CODE": "045", "STATE": "ME", "COUNTY": "Hancock", "LATITUDE": 44.5}
ROWS = [ROW | {"FOD_ID": number, "FIRE_NAME": f'fire {number}, "a"\nb'} for number in range(20)]


@pytest.fixture
def client(store):
    return store.client()


@pytest.fixture
def source(tmp_path: Path):
    return table(tmp_path / "source", ROWS)


def table(path: Path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return read(path, "ndjson")


def put(client, bucket, rows, name, tmp_path):
    file = tmp_path / "object"
    found = table(file, rows)
    if name.endswith("parquet"):
        pyarrow.parquet.write_table(found, file)
    elif name.endswith("csv"):
        pyarrow.csv.write_csv(found, file)
    elif name.endswith("json") and not name.endswith("ndjson"):
        file.write_text(json.dumps(rows))
    client.fput_object(bucket, name, str(file))


@pytest.mark.parametrize("format", ["csv", "ndjson", "parquet", "json"])
def test_the_same_rows_pass_in_every_format(client, bucket_name, source, tmp_path, format):
    put(client, bucket_name, ROWS[:7], f"way/1.{format}", tmp_path)
    put(client, bucket_name, ROWS[7:], f"way/2.{format}", tmp_path)
    client.fput_object(bucket_name, "way/receipt.txt", str(tmp_path / "object"))
    check_and_empty("a way", client, bucket_name, "way/", format, source, ordered=True)
    assert list(client.list_objects(bucket_name, recursive=True)) == []


@pytest.mark.parametrize("format", ["csv", "parquet"])
@pytest.mark.parametrize(
    "spoil",
    [
        lambda rows: rows.pop(),
        lambda rows: rows.append(rows[-1]),
        lambda rows: rows.reverse(),
        lambda rows: rows[7].update(FIRE_NAME="another"),
        lambda rows: rows[7].update(LATITUDE=rows[7]["LATITUDE"] + 1e-9),
        lambda rows: rows[7].update(STATE=rows[7]["COUNTY"], COUNTY=rows[7]["STATE"]),
        lambda rows: rows[7].update(FIPS_CODE=None),
    ],
)
def test_any_other_row_is_found(client, bucket_name, source, tmp_path, spoil, format):
    rows = [dict(row) for row in ROWS]
    spoil(rows)
    put(client, bucket_name, rows, f"way/1.{format}", tmp_path)
    with pytest.raises(WrongCopy):
        check_and_empty("a way", client, bucket_name, "way/", format, source, ordered=True)


def test_the_order_may_be_left_open(client, bucket_name, source, tmp_path):
    put(client, bucket_name, ROWS[::-1], "way/1.csv", tmp_path)
    check_and_empty("a way", client, bucket_name, "way/", "csv", source, ordered=False)


@pytest.mark.parametrize(("format", "told_apart"), [("csv", False), ("ndjson", True), ("parquet", True)])
def test_null_and_empty_count_as_one_in_csv_alone(client, bucket_name, tmp_path, format, told_apart):
    null, empty = ([ROW | {"FOD_ID": 1, "FIRE_NAME": name}] for name in (None, ""))
    put(client, bucket_name, null, f"way/1.{format}", tmp_path)
    expected = table(tmp_path / "empty", empty)
    if told_apart:
        with pytest.raises(WrongCopy):
            check_and_empty("a way", client, bucket_name, "way/", format, expected, ordered=True)
    else:
        check_and_empty("a way", client, bucket_name, "way/", format, expected, ordered=True)
