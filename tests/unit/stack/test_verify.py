"""What `make run` believes: only what it can read back from the store."""

import gzip
import hashlib
import io
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import minio
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from services.stack.errors import StackError
from services.stack.verify import manifests, verify
from tests.servers.seaweedfs import Store

FOLDER = "wildfires/20261101T000000"
KEY = f"{FOLDER}/_manifest.json"
CSV = b'id,name\r\n1,"two\r\nlines"\r\n2,b\r\n'


def parquet(rows: int) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(pa.table({"id": range(rows)}), buffer)
    return buffer.getvalue()


class Lake:
    """A run's objects in a bucket, and a manifest that agrees with them until a test changes one."""

    def __init__(self, client: minio.Minio, bucket: str) -> None:
        self.client, self.bucket = client, bucket

    def put(self, key: str, body: bytes) -> None:
        self.client.put_object(self.bucket, key, io.BytesIO(body), len(body))

    def commit(
        self, *objects: tuple[str, bytes, int], change: Callable[[dict[str, Any]], None] = len
    ) -> None:
        start, receipts = 0, []
        for suffix, body, rows in objects:
            key = f"{FOLDER}/data_from_{start}.{suffix}"
            self.put(key, body)
            digest = hashlib.sha256(body).hexdigest()
            receipts.append({"key": key, "start": start, "rows": rows, "bytes": len(body), "sha256": digest})
            start += rows
        total = sum(len(body) for _, body, _ in objects)
        manifest = {"rows": start, "bytes": total, "source": {"count": start}, "receipts": receipts}
        change(manifest)
        self.put(KEY, json.dumps(manifest).encode())

    def findings(self) -> list[str]:
        return verify(self.client, KEY, self.bucket).findings


@pytest.fixture
def lake(store: Store, bucket_name: str) -> Lake:
    client = store.client()
    if not client.bucket_exists(bucket_name):
        client.make_bucket(bucket_name)
    return Lake(client, bucket_name)


@pytest.mark.parametrize(
    ("suffix", "body", "rows"),
    [
        ("csv", CSV, 2),
        ("csv.gz", gzip.compress(CSV), 2),
        ("csv.zst", zstandard.compress(CSV), 2),
        ("ndjson", b'{"a":1}\n{"a":2}\n{"a":3}\n', 3),
        ("ndjson.gz", gzip.compress(b'{"a":1}\n'), 1),
        ("parquet", parquet(7), 7),
    ],
)
def test_what_agrees_is_verified(lake: Lake, suffix: str, body: bytes, rows: int) -> None:
    lake.commit((suffix, body, rows))
    assert lake.findings() == []


def test_an_empty_run_is_verified(lake: Lake) -> None:
    lake.commit()
    assert lake.findings() == []


def test_a_changed_byte_is_found(lake: Lake) -> None:
    lake.commit(("csv", CSV, 2))
    lake.put(f"{FOLDER}/data_from_0.csv", CSV.replace(b"b", b"c"))
    (finding,) = lake.findings()
    assert "sha256" in finding


def test_a_missing_object_and_a_stray_one_are_found(lake: Lake) -> None:
    lake.commit(("csv", CSV, 2), ("csv", CSV, 2))
    lake.client.remove_object(lake.bucket, f"{FOLDER}/data_from_2.csv")
    lake.put(f"{FOLDER}/data_from_9.csv", CSV)
    missing, stray = lake.findings()
    assert "data_from_2.csv" in missing
    assert "data_from_9.csv" in stray


def test_a_cut_archive_is_found(lake: Lake) -> None:
    lake.commit(("csv.gz", gzip.compress(CSV)[:-4], 2))
    (finding,) = lake.findings()
    assert "cannot be read" in finding


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda m: m.update(rows=5), "receipts add up to 4"),
        (lambda m: m.update(bytes=1), "bytes"),
        (lambda m: m["source"].update(count=5), "the source had 5 rows"),
        (lambda m: m["receipts"][0].update(rows=3), "rows is 2, the receipt says 3"),
        (lambda m: m["receipts"][1].update(start=3), "2 was expected"),
    ],
)
def test_a_manifest_that_does_not_add_up_is_found(
    lake: Lake, change: Callable[[dict[str, Any]], None], said: str
) -> None:
    lake.commit(("csv", CSV, 2), ("csv", CSV, 2), change=change)
    assert any(said in finding for finding in lake.findings())


@pytest.mark.parametrize("body", [b"{}", b"not json", b"[]"])
def test_what_is_no_manifest_is_named(lake: Lake, body: bytes) -> None:
    lake.put(KEY, body)
    with pytest.raises(StackError, match="is not a manifest"):
        lake.findings()


def test_only_manifests_since_a_moment_are_listed(lake: Lake) -> None:
    lake.commit(("csv", CSV, 2))
    now = datetime.now(UTC)
    assert manifests(lake.client, now - timedelta(hours=1), lake.bucket) == [KEY]
    assert manifests(lake.client, now + timedelta(hours=1), lake.bucket) == []
