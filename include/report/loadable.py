"""A committed run that can be loaded: its manifest, read and seen to be of a dataset that is reported."""

import hashlib
import json
import re
from dataclasses import dataclass
from typing import Any

from include.report.contract import DATASETS
from include.report.errors import RunDamaged
from include.report.partition import narrowed, window_of
from include.transfer.commit.contradictions import contradictions
from include.transfer.commit.manifest import Manifest, complaints
from include.transfer.dataset import BUCKET_PATTERN, Dataset
from include.transfer.errors import BadSettings
from include.transfer.store.keys import Prefix
from include.wildfires import WILDFIRE_TYPES

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
                f"{str(uri)[:200]!r} names no manifest", fix="name s3://bucket/dataset/run/_manifest.json"
            )
        return cls(match[1], Prefix(reported(match[2]).name, match[3]))

    @property
    def uri(self) -> str:
        return f"s3://{self.bucket}/{self.prefix.manifest}"

    @property
    def dataset(self) -> Dataset:
        return DATASETS[self.prefix.dataset]


def reported(name: str) -> Dataset:
    """The dataset of this name. Raises BadSettings for one that has no report."""
    if name not in DATASETS:
        raise BadSettings(
            f"there is no report of the dataset {name!r}", fix=f"choose one of {', '.join(DATASETS)}"
        )
    return DATASETS[name]


@dataclass(frozen=True)
class Loadable:
    """A run whose manifest holds together; `digest` is the SHA-256 of the manifest's own bytes.

    `partition`: the window that is meant, and the only one that `manifest` has; "": the whole run.
    """

    address: Address
    manifest: Manifest
    digest: str
    partition: str = ""

    @property
    def mark(self) -> str:
        """What the warehouse is told apart by."""
        return f"{self.digest} {self.partition}".strip()


def read(address: Address, content: bytes, partition: str = "") -> Loadable:
    """Check a manifest's bytes. Raises RunDamaged with everything that is wrong with it.

    `partition`: a window of a dataset that has them. Raises RunGone where the run has no such window.
    """
    window = window_of(address.dataset, partition)
    try:
        stored = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise RunDamaged(f"it is not JSON ({error})", where=address.uri) from None
    manifest = Manifest.from_dict(stored, address.prefix)
    if manifest is None:
        wrong = list(complaints(stored, address.prefix))
    else:
        wrong = [str(found) for found in contradictions(manifest, stored)] + _wrong_for_loading(manifest)
    if manifest is None or wrong:
        got = f"it is not what a commit of this project writes: {'; '.join(wrong[:5])}"
        raise RunDamaged(got, where=address.uri)
    wanted = narrowed(manifest, window, partition) if window else manifest
    return Loadable(address, wanted, hashlib.sha256(content).hexdigest(), partition)


def _wrong_for_loading(manifest: Manifest) -> list[str]:
    """The table has these columns, and a key or hash that is none must not be asked for."""
    columns = list(WILDFIRE_TYPES)
    wrong = [] if manifest.columns == columns else [f"its columns are {str(manifest.columns)[:200]}"]
    for receipt in manifest.receipts:
        ordered = receipt.columns if manifest.ordered else sorted(receipt.columns)
        if ordered != (columns if manifest.ordered else sorted(columns)):
            wrong.append(f"{receipt.key} has other columns")
        if not _SHA256.fullmatch(receipt.sha256):
            wrong.append(f"{receipt.key} has the SHA-256 {receipt.sha256[:80]!r}")
    return wrong
