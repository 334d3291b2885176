"""A column that a row lacks is null; what the columns do not hold fails the copy, or is kept beside them."""

import csv
import io
import json

import pyarrow.parquet as pq
import pytest

from include.transfer.commit.audit import audit
from include.transfer.dataset import Dataset
from include.transfer.errors import BadSettings, ColumnsDiffer
from include.transfer.formats import encode
from include.transfer.schema.columns import Columns
from include.transfer.source.json_rows import decode

SPARSE = [{"a": 1, "b": "x"}, {"a": 2}, {"b": "y", "a": 3}]
ODD = [{"a": 1}, {"a": 2, "c": [0.10, {"d": None}]}, {"a": "three", "e": ""}, {"a": 4}]
TYPES = {"a": "int64", "b": "string"}


def written(rows, *, types, misfit="fail", format="csv"):
    columns = Columns(types, rescues=misfit == "rescue")
    text = rows if isinstance(rows, bytes) else json.dumps(rows).encode()
    return b"".join(encode(decode([text]), columns, format, "none")), columns


def read(data, format):
    if format == "parquet":
        return pq.read_table(io.BytesIO(data)).to_pylist()
    return list(csv.DictReader(io.StringIO(data.decode(), newline="")))


@pytest.mark.parametrize("types", [TYPES, {}], ids=["declared", "inferred"])
@pytest.mark.parametrize("format", ["csv", "parquet"])
def test_a_column_that_a_row_lacks_is_null(format, types):
    data, columns = written(SPARSE, types=types, format=format)
    null = None if format == "parquet" else ""
    assert [row["b"] for row in read(data, format)] == ["x", null, "y"]
    assert (columns.rows, columns.rescued) == (3, 0)


def test_a_column_that_no_row_has_is_null_where_it_is_declared():
    data, _ = written(SPARSE, types={"z": "string", **TYPES})
    assert data == b"z,a,b\n,1,x\n,2,\n,3,y\n"


@pytest.mark.parametrize("format", ["csv", "ndjson", "parquet"])
def test_an_unknown_column_is_named_with_its_row(format):
    with pytest.raises(ColumnsDiffer) as raised:
        written(ODD[:2], types={"a": "int64"}, format=format)
    assert "row 1 " in raised.value.where
    assert "'c'" in raised.value.got
    assert "misfit" in raised.value.fix


def test_csv_keeps_unknown_columns_beside_the_others():
    data, columns = written(ODD, types=TYPES, misfit="rescue")
    rows = read(data, "csv")
    assert [row["a"] for row in rows] == ["1", "2", "three", "4"]
    kept = [row["_rescued"] and json.loads(row["_rescued"]) for row in rows]
    assert kept == ["", {"c": [0.1, {"d": None}]}, {"e": ""}, ""]
    assert columns.rescued == 2
    assert columns.names == ("a", "b", "_rescued")


def test_parquet_keeps_values_of_other_types_too():
    data, columns = written(ODD, types=TYPES, misfit="rescue", format="parquet")
    rows = read(data, "parquet")
    assert [row["a"] for row in rows] == [1, 2, None, 4]
    kept = [row["_rescued"] and json.loads(row["_rescued"]) for row in rows]
    assert kept == [None, {"c": [0.1, {"d": None}]}, {"e": "", "a": "three"}, None]
    assert columns.rescued == 2


def test_rescued_numbers_keep_their_digits():
    digits = b"12345678901234567890.123456789"
    data, _ = written(b'[{"a": 1}, {"a": %b}]' % digits, types=TYPES, misfit="rescue", format="parquet")
    assert read(data, "parquet")[1]["_rescued"] == f'{{"a":{digits.decode()}}}'


def test_a_source_that_has_a_column_of_that_name_loses_nothing():
    rows = [{"a": 1, "_rescued": "x"}, {"a": 2}]
    data, _ = written(rows, types={}, misfit="rescue")
    assert [row["_rescued"] for row in read(data, "csv")] == ['{"_rescued":"x"}', ""]
    with pytest.raises(BadSettings):
        Dataset(name="x", misfit="rescue", types={"_rescued": "string"})


@pytest.mark.parametrize("types", [{"a": "string"}, {}])
def test_ndjson_keeps_rows_as_they_came(types):
    data, columns = written(ODD, types=types, misfit="rescue", format="ndjson")
    assert [json.loads(line) for line in data.splitlines()] == ODD
    assert columns.names == ("a", "c", "e")
    assert columns.rescued == 0


@pytest.mark.parametrize("format", ["csv", "ndjson", "parquet"])
def test_a_run_says_how_many_rows_hold_what_does_not_fit(source, make_run, format):
    rows = [{"id": n, **({"more": n} if n % 10 == 9 else {})} for n in range(40)]
    run = make_run(source(rows), format=format, types={"id": "int64"}, misfit="rescue")
    run.whole()
    manifest = run.bucket.get_json(run.prefix.manifest)
    assert manifest["rescued"] == (0 if format == "ndjson" else 4)
    assert manifest["columns"] == ["id", "more" if format == "ndjson" else "_rescued"]
    assert audit(run.bucket, run.prefix).findings == []


def test_the_default_changes_no_fingerprint():
    assert Dataset(name="x").fingerprint == Dataset(name="x", misfit="fail", rows="objects").fingerprint
    assert Dataset(name="x").fingerprint != Dataset(name="x", misfit="rescue").fingerprint
