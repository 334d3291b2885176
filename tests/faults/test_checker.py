"""The checker finds damage that is planted, and none where there is none."""

import gzip
import hashlib
import io
import json
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from tests.faults import checker

FOLDER = "rows/run/"
ROWS = checker.parse_rows(
    json.dumps(
        [{"id": n, "name": f'a "b", {n}' if n % 3 else None, "note": "", "size": n / 4} for n in range(6)]
    )
)


def csv_text(rows) -> str:
    def field(value) -> str:
        if value is None:
            return ""
        return str(value) if isinstance(value, Decimal) else '"' + value.replace('"', '""') + '"'

    return "".join(",".join(line) + "\n" for line in [list(rows[0]), *(map(field, r.values()) for r in rows)])


def ndjson_text(rows) -> str:
    return "".join(json.dumps(row, default=float) + "\n" for row in rows)


def parquet_bytes(rows) -> bytes:
    sink = io.BytesIO()
    columns = [{**row, "id": int(row["id"]), "size": float(row["size"])} for row in rows]
    pq.write_table(pa.Table.from_pylist(columns), sink)
    return sink.getvalue()


WRITERS = {"csv": lambda rows: csv_text(rows).encode(), "ndjson": lambda rows: ndjson_text(rows).encode()}
WRITERS["parquet"] = parquet_bytes
PACKERS = {
    "none": bytes,
    "gzip": gzip.compress,
    "zstd": lambda data: zstandard.ZstdCompressor().compress(data),
}


class Lake:
    """A committed run of two objects with three rows each, for a test to damage."""

    def __init__(self, client, bucket, form="csv", compression="none"):
        self.client, self.bucket = client, bucket
        self.manifest = {
            "source": {"version": "v1", "count": 6},
            "rows": 6,
            "format": form,
            "compression": compression,
            "receipts": [],
        }
        for start in (0, 3):
            self.manifest["receipts"].append(self.object(start, ROWS[start : start + 3]))
        self.commit()

    def put(self, key, data):
        self.client.put_object(self.bucket, key, io.BytesIO(data), len(data))

    def object(self, start, rows):
        """Write an object of these rows; returns a receipt that agrees with it, of three rows."""
        data = PACKERS[self.manifest["compression"]](WRITERS[self.manifest["format"]](rows))
        key = f"{FOLDER}data_from_{start}"
        self.put(key, data)
        digest = hashlib.sha256(data).hexdigest()
        return {"key": key, "start": start, "rows": 3, "bytes": len(data), "sha256": digest}

    def commit(self):
        self.put(f"{FOLDER}_manifest.json", json.dumps(self.manifest).encode())

    def damage(self, rows):
        """Replace the second object by other rows, with a receipt that agrees with them."""
        self.manifest["receipts"][1] = self.object(3, rows)
        self.commit()

    @property
    def problems(self) -> str:
        return "; ".join(checker.problems(self.client, self.bucket, FOLDER, {"v1": ROWS}))


@pytest.fixture
def lake(store, bucket_name):
    return Lake(store.client(), bucket_name)


@pytest.mark.parametrize(
    ("form", "compression"),
    [*((form, packed) for form in ("csv", "ndjson") for packed in PACKERS), ("parquet", "none")],
)
def test_a_whole_run_has_no_problems(store, bucket_name, form, compression):
    whole = Lake(store.client(), bucket_name, form, compression)
    assert whole.problems == ""
    assert checker.torn(whole.client, whole.bucket, FOLDER) == []


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_what_a_row_leaves_out_is_null_in_a_column(store, bucket_name, form):
    lake = Lake(store.client(), bucket_name, form)
    sparse = [{name: value for name, value in row.items() if value is not None} for row in ROWS]
    assert checker.problems(lake.client, lake.bucket, FOLDER, {"v1": sparse}) == []
    sparse[1].pop("note")
    assert "row 1, note" in "; ".join(checker.problems(lake.client, lake.bucket, FOLDER, {"v1": sparse}))


def test_a_nested_value_is_its_json_in_a_column():
    want = checker.parse_rows('{"a": [1.50, null, "}"]}')
    assert checker._same_text('{"a":[1.50,null,"}"]}', want)
    assert not checker._same_text('{"a":[1.51,null,"}"]}', want)
    assert not checker._same_text("[", want)


@pytest.mark.parametrize(("column", "value"), [("name", None), ("size", Decimal("0.76")), ("id", Decimal(9))])
def test_a_changed_value_in_parquet(store, bucket_name, column, value):
    lake = Lake(store.client(), bucket_name, "parquet")
    lake.damage([{**ROWS[4], "id": ROWS[3]["id"]}, {**ROWS[4], column: value}, ROWS[5]])
    assert "data_from_3, row 0, name:" in lake.problems
    lake.damage([ROWS[3], {**ROWS[4], column: value}, ROWS[5]])
    assert f"data_from_3, row 1, {column}:" in lake.problems


@pytest.mark.parametrize("compression", ["gzip", "zstd"])
def test_a_packed_object_that_was_cut(store, bucket_name, compression):
    lake = Lake(store.client(), bucket_name, "csv", compression)
    whole = lake.client.get_object(lake.bucket, f"{FOLDER}data_from_3").read()
    lake.put(f"{FOLDER}data_from_3", whole[:-8])
    assert "data_from_3" in lake.problems


def test_a_source_without_a_version_is_known_by_its_rows(lake):
    lake.manifest["source"]["version"] = None
    lake.commit()

    def found(versions):
        return "; ".join(checker.problems(lake.client, lake.bucket, FOLDER, versions))

    assert found({"v1": ROWS[:5], "v2": ROWS}) == ""
    assert "version None and 6 rows" in found({"v1": ROWS[:5]})
    assert "row 0, id:" in found({"v1": ROWS[::-1]})


def test_an_upload_that_nobody_finished(lake):
    key = f"{FOLDER}data_from_9"
    lake.client._create_multipart_upload(lake.bucket, key, {})
    assert f"an unfinished upload of {key}" in lake.problems


def test_a_missing_row(lake):
    lake.damage(ROWS[3:5])
    assert "has 2 rows; 3 expected" in lake.problems


def test_a_doubled_row(lake):
    lake.damage([*ROWS[3:], ROWS[5]])
    assert "has 4 rows; 3 expected" in lake.problems


def test_a_row_twice_and_another_missing(lake):
    lake.damage([ROWS[3], ROWS[3], ROWS[5]])
    assert "row 1, id: '3'; Decimal('4') expected" in lake.problems


@pytest.mark.parametrize(
    ("column", "value"), [("name", "another"), ("note", None), ("size", Decimal("0.76")), ("name", "")]
)
def test_a_changed_value(lake, column, value):
    lake.damage([{**ROWS[3], column: value}, *ROWS[4:]])
    assert f"row 0, {column}:" in lake.problems


def test_a_column_too_few(lake):
    lake.damage([{k: v for k, v in row.items() if k != "note"} for row in ROWS[3:]])
    assert "row 0, note:" in lake.problems


def test_a_wrong_hash(lake):
    lake.manifest["receipts"][0]["sha256"] = "0" * 64
    lake.commit()
    assert "another SHA-256" in lake.problems


def test_an_object_of_another_size(lake):
    lake.manifest["receipts"][0]["bytes"] += 1
    lake.commit()
    assert "its receipt says" in lake.problems
    assert checker.torn(lake.client, lake.bucket, FOLDER)


def test_a_manifest_without_an_object(lake):
    lake.client.remove_object(lake.bucket, f"{FOLDER}data_from_3")
    assert "data_from_3 is not in the store" in lake.problems
    assert checker.torn(lake.client, lake.bucket, FOLDER)


def test_a_manifest_without_a_receipt(lake):
    del lake.manifest["receipts"][0]
    lake.commit()
    assert "starts at row 3; 0 expected" in lake.problems


def test_a_manifest_of_fewer_rows_than_the_source(lake):
    del lake.manifest["receipts"][1]
    lake.commit()
    assert "its receipts end at row 3; the source has 6" in lake.problems


def test_an_object_that_no_receipt_names(lake):
    lake.object(6, ROWS[:1])
    assert "data_from_6 is there, and no receipt names it" in lake.problems


def test_a_version_that_the_source_never_had(lake):
    lake.manifest["source"]["version"] = "v0"
    lake.commit()
    assert "version v0" in lake.problems


def test_no_manifest(store, bucket_name):
    assert checker.manifest_of(store.client(), bucket_name, FOLDER) is None
    assert checker.problems(store.client(), bucket_name, FOLDER, {}) == [f"{FOLDER} has no manifest"]
