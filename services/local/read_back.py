"""What a run committed, read back by the project's own audit (`python -m include.transfer verify`)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import minio

from include.transfer.commit.audit import audit
from include.transfer.commit.manifest import Manifest
from include.transfer.errors import Finding, TransferError
from include.transfer.store.bucket import Bucket
from include.transfer.store.keys import Prefix
from services.local.errors import StackError

BUCKET = "task-mapping-api-data"


@dataclass(frozen=True)
class ReadBack:
    """A manifest and all that is wrong with what it promises; nothing wrong: `findings` is empty."""

    uri: str
    manifest: Manifest
    findings: list[Finding]


def read_back(client: minio.Minio, uri: str, tick: Callable[[str], None] = lambda text: None) -> ReadBack:
    """Read the manifest s3://bucket/dataset/run/_manifest.json and every object that it names.

    Raises StackError when the manifest itself cannot be used.
    """
    bucket, dataset, run, _ = uri.removeprefix("s3://").split("/")
    try:
        found = audit(Bucket(client, bucket), Prefix(dataset, run), tick)
    except TransferError as error:
        raise StackError(f"Cannot verify {uri}: {error}") from error
    if found.manifest is None:
        raise StackError("\n".join(map(str, found.findings)))
    return ReadBack(uri, found.manifest, found.findings)
