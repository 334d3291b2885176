"""A committed run, read from its manifest, of which nothing is believed before it is checked."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeGuard

from include.report.contract import DATASETS
from include.report.errors import RunDamaged
from include.transfer.batches import Batch
from include.transfer.dataset import BUCKET_PATTERN, COMPRESSIONS, FORMATS, Dataset
from include.transfer.errors import BadSettings
from include.transfer.store.keys import Prefix
from include.wildfires import WILDFIRE_TYPES

MANIFEST_VERSION = 1
_URI = re.compile(r"^s3://([^/]+)/([^/]+)/([^/]+)/_manifest\.json$")
_SHA256 = re.compile(r"^[0-9a-f]{64}$")


@dataclass(frozen=True)
class Address:
    """Where a run's manifest is: the bucket, and the prefix of a dataset that can be reported."""

    bucket: str
    prefix: Prefix

    @classmethod
    def parse(cls, uri: Any) -> "Address":
        """From `s3://{bucket}/{dataset}/{run}/_manifest.json`. Raises BadSettings for anything else."""
        match = _URI.fullmatch(uri) if isinstance(uri, str) else None
        if not match or not re.fullmatch(BUCKET_PATTERN, match[1]):
            raise BadSettings(
                f"the manifest is {str(uri)[:200]!r}; expected s3://bucket/dataset/run/_manifest.json"
            )
        if match[2] not in DATASETS:
            raise BadSettings(f"no report of dataset {match[2]!r} is known; expected {', '.join(DATASETS)}")
        return cls(match[1], Prefix(match[2], match[3]))

    @property
    def uri(self) -> str:
        return f"s3://{self.bucket}/{self.prefix.manifest}"


@dataclass(frozen=True)
class StoredObject:
    """One object of the run, as its receipt describes it; `bytes` and `sha256` are of the stored bytes."""

    key: str
    rows: int
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Committed:
    """A run whose manifest holds together; `digest` is the SHA-256 of the manifest's own bytes."""

    address: Address
    format: str
    compression: str
    rows: int
    created_at: str
    objects: tuple[StoredObject, ...]
    digest: str


def read(address: Address, content: bytes) -> Committed:
    """Check a manifest's bytes. Raises RunDamaged with everything that is wrong with it."""
    try:
        manifest = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise RunDamaged(f"{address.uri} is not JSON ({error}); expected a manifest") from None
    if not isinstance(manifest, dict):
        raise RunDamaged(f"{address.uri} holds {type(manifest).__name__}; expected a manifest, an object")
    wrong = _wrong_header(address, manifest)
    objects: list[StoredObject] = []
    if not wrong:
        dataset = Dataset.from_dict(
            {"name": address.prefix.dataset, **{k: manifest[k] for k in ("format", "compression")}}
        )
        wrong = _read_receipts(address.prefix, dataset.suffix, manifest, objects)
    if wrong:
        raise RunDamaged(
            f"{address.uri} is not what a commit of this project writes: {'; '.join(wrong[:5])}; "
            f"nothing is loaded; copy the dataset again"
        )
    return Committed(
        address=address,
        format=manifest["format"],
        compression=manifest["compression"],
        rows=manifest["rows"],
        created_at=str(manifest.get("created_at", ""))[:40],
        objects=tuple(objects),
        digest=hashlib.sha256(content).hexdigest(),
    )


def _wrong_header(address: Address, manifest: Mapping[str, Any]) -> list[str]:
    expected = {
        "version": MANIFEST_VERSION,
        "dataset": address.prefix.dataset,
        "run": address.prefix.run,
        "columns": list(WILDFIRE_TYPES),
    }
    wrong = [
        f"{name} is {str(manifest.get(name))[:200]}; expected {value}"
        for name, value in expected.items()
        if manifest.get(name) != value
    ]
    for name, allowed in (("format", FORMATS), ("compression", COMPRESSIONS)):
        if manifest.get(name) not in allowed:
            wrong.append(f"{name} is {str(manifest.get(name))[:40]!r}; expected one of {', '.join(allowed)}")
    if manifest.get("format") == "parquet" and manifest.get("compression") != "none":
        wrong.append("Parquet with another compression than none")
    if not _is_count(manifest.get("rows")):
        wrong.append(f"rows is {str(manifest.get('rows'))[:40]!r}; expected a number of 0 or more")
    if not isinstance(manifest.get("receipts"), list):
        wrong.append("receipts is no list")
    return wrong


def _read_receipts(
    prefix: Prefix, suffix: str, manifest: Mapping[str, Any], objects: list[StoredObject]
) -> list[str]:
    """Fill `objects`; gives what is wrong. Keys must be those that the copy makes: none leads elsewhere."""
    start = 0
    for number, receipt in enumerate(manifest["receipts"], 1):
        if not isinstance(receipt, dict):
            return [f"receipt {number} is no object"]
        rows, size, sha256 = receipt.get("rows"), receipt.get("bytes"), str(receipt.get("sha256"))
        if not (_is_count(rows) and rows and _is_count(size) and _SHA256.fullmatch(sha256)):
            return [f"receipt {number} lacks rows, bytes or sha256"]
        key = prefix.data(Batch(start, rows), suffix)
        if receipt.get("start") != start or receipt.get("key") != key:
            found = f"row {receipt.get('start')}, {str(receipt.get('key'))[:200]!r}"
            return [f"receipt {number} is of {found}; expected row {start}, {key!r}"]
        if receipt.get("columns") != manifest["columns"]:
            return [f"receipt {number} has other columns than the manifest"]
        objects.append(StoredObject(key, rows, size, sha256))
        start += rows
    return (
        [] if start == manifest["rows"] else [f"rows is {manifest['rows']}; its receipts add up to {start}"]
    )


def _is_count(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
