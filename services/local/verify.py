"""What a run committed, read back by the project's own audit (`python -m include.transfer verify`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from include.transfer.commit.audit import audit
from include.transfer.errors import TransferError
from include.transfer.store.bucket import Bucket
from include.transfer.store.keys import Prefix
from services.local.errors import StackError

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    import minio

BUCKET = "task-mapping-api-data"
MANIFEST = "_manifest.json"


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
    dataset, run, _ = key.split("/")
    try:
        found = audit(Bucket(client, bucket), Prefix(dataset, run), tick)
    except TransferError as error:
        raise StackError(f"s3://{bucket}/{key} could not be verified: {error}") from error
    if found.stored is None:
        raise StackError("; ".join(found.findings))
    return Verified(f"s3://{bucket}/{key}", found.stored, found.findings)
