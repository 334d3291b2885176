"""An independent reading of what a run committed: every object of a manifest, byte by byte."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

import minio
import urllib3

from services.stack.errors import StackError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

BUCKET = "task-mapping-api-data"
MANIFEST = "_manifest.json"
BLOCK = 1024 * 1024


class Hashed(io.RawIOBase):
    """A stream that counts and hashes what is read through it."""

    def __init__(self, source: Any) -> None:
        self.source = source
        self.size = 0
        self.digest = hashlib.sha256()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self.source.read(len(buffer))
        buffer[: len(data)] = data
        self.size += len(data)
        self.digest.update(data)
        return len(data)


@dataclass(frozen=True)
class Verified:
    """A manifest and all that is wrong with what it promises; nothing wrong: `findings` is empty."""

    uri: str
    manifest: dict[str, Any]
    findings: list[str]


def manifests(client: minio.Minio, since: datetime, bucket: str = BUCKET) -> list[str]:
    """Keys of the manifests written at or after the moment, the newest first."""
    found = [
        each
        for each in client.list_objects(bucket, recursive=True)
        if each.object_name.endswith(f"/{MANIFEST}") and each.last_modified >= since
    ]
    return [each.object_name for each in sorted(found, key=lambda each: each.last_modified, reverse=True)]


def verify(
    client: minio.Minio, key: str, bucket: str = BUCKET, tick: Callable[[str], None] = lambda text: None
) -> Verified:
    """Read the manifest and every object that it names; StackError when the manifest itself is unusable."""
    uri = f"s3://{bucket}/{key}"
    try:
        with client.get_object(bucket, key) as response:
            manifest = json.loads(response.read())
        receipts = manifest["receipts"]
        findings = list(_sums(manifest, receipts))
        for number, receipt in enumerate(receipts, 1):
            tick(f"reading back {number} of {len(receipts)} objects")
            findings += _object(client, bucket, manifest, receipt)
        findings += _strays(client, bucket, key, {receipt["key"] for receipt in receipts})
    except (minio.error.MinioException, urllib3.exceptions.HTTPError, OSError) as error:
        raise StackError(f"The store does not answer while {uri} is verified: {error}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise StackError(f"{uri} is not a manifest: {error!r}") from error
    return Verified(uri, manifest, findings)


def _sums(manifest: dict[str, Any], receipts: list[dict[str, Any]]) -> Iterator[str]:
    """Totals that disagree with the receipts, and batches that leave a gap or overlap."""
    for name in ("rows", "bytes"):
        total = sum(receipt[name] for receipt in receipts)
        if total != manifest[name]:
            yield f"the manifest says {manifest[name]:,} {name}, its receipts add up to {total:,}"
    if manifest["rows"] != manifest["source"]["count"]:
        yield f"the source had {manifest['source']['count']:,} rows, the manifest has {manifest['rows']:,}"
    expected = 0
    for receipt in sorted(receipts, key=lambda each: each["start"]):
        if receipt["start"] != expected:
            yield f"{receipt['key']} starts at row {receipt['start']:,}; {expected:,} was expected"
        expected = receipt["start"] + receipt["rows"]


def _object(
    client: minio.Minio, bucket: str, manifest: dict[str, Any], receipt: dict[str, Any]
) -> Iterator[str]:
    key = receipt["key"]
    try:
        response = client.get_object(bucket, key)
    except minio.error.S3Error as error:
        yield f"{key}: {error.code}"
        return
    with response:
        stream = Hashed(response)
        try:
            rows = count_rows(stream, key)
        except (OSError, EOFError, ValueError, csv.Error) as error:
            yield f"{key} cannot be read: {error}"
            return
    for name, found in (("rows", rows), ("bytes", stream.size), ("sha256", stream.digest.hexdigest())):
        if found != receipt[name]:
            yield f"{key}: {name} is {found}, the receipt says {receipt[name]}"


def _strays(client: minio.Minio, bucket: str, manifest_key: str, named: set[str]) -> Iterator[str]:
    """Data objects of the run that the manifest does not name."""
    folder = manifest_key.removesuffix(MANIFEST)
    for each in client.list_objects(bucket, prefix=folder + "data_from_"):
        if each.object_name not in named:
            yield f"{each.object_name} is in the store and not in the manifest"


def count_rows(stream: Hashed, key: str) -> int:
    """Rows of one object by the format in its name; the stream is read to its end."""
    if key.endswith(".parquet"):
        return _parquet_rows(stream)
    plain: BinaryIO = io.BufferedReader(stream, BLOCK)
    if key.endswith(".gz"):
        plain = gzip.GzipFile(fileobj=plain)
    elif key.endswith(".zst"):
        import zstandard

        plain = zstandard.ZstdDecompressor().stream_reader(plain, read_across_frames=True)
    name = key.removesuffix(".gz").removesuffix(".zst")
    if name.endswith(".csv"):
        text = io.TextIOWrapper(io.BufferedReader(plain, BLOCK), encoding="utf-8", newline="")
        rows = sum(1 for _ in csv.reader(text)) - 1
        return max(rows, 0)
    rows = sum(block.count(b"\n") for block in iter(lambda: plain.read(BLOCK), b""))
    while stream.read(BLOCK):
        pass
    return rows


def _parquet_rows(stream: Hashed) -> int:
    """Rows by the file's own footer; a Parquet file is read from its end, so it is kept on disk meanwhile."""
    import tempfile

    import pyarrow.parquet

    with tempfile.TemporaryFile() as file:
        while block := stream.read(BLOCK):
            file.write(block)
        reader = pyarrow.parquet.ParquetFile(file)
        return sum(batch.num_rows for batch in reader.iter_batches(columns=[]))
