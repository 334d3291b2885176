"""What a run committed, read back by the project's own audit (`python -m include.transfer verify`)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import minio

from include.transfer.commit.audit import audit
from include.transfer.errors import TransferError
from include.transfer.store.bucket import Bucket
from include.transfer.store.keys import Prefix
from services.local.errors import StackError

BUCKET = "task-mapping-api-data"


@dataclass(frozen=True)
class ReadBack:
    """A manifest and all that is wrong with what it promises; nothing wrong: `findings` is empty."""

    uri: str
    manifest: dict[str, Any]
    findings: list[str]


def read_back(client: minio.Minio, uri: str, tick: Callable[[str], None] = lambda text: None) -> ReadBack:
    """Read the manifest s3://bucket/dataset/run/_manifest.json and every object that it names.

    Raises StackError when the manifest itself cannot be used.
    """
    bucket, dataset, run, _ = uri.removeprefix("s3://").split("/")
    try:
        found = audit(Bucket(client, bucket), Prefix(dataset, run), tick)
    except TransferError as error:
        raise StackError(f"Cannot verify {uri}: {error}") from error
    if found.stored is None:
        raise StackError("; ".join(found.findings))
    return ReadBack(uri, found.stored, found.findings)
