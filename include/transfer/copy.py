"""Copy one batch: rows of the source into one object of the store, and a receipt beside it."""

import logging
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, get_origin

from include.transfer.allocator import return_large_buffers
from include.transfer.api import Api
from include.transfer.batches import Batch
from include.transfer.bucket import Bucket
from include.transfer.columns import Columns
from include.transfer.decode import Block
from include.transfer.encode import encode
from include.transfer.errors import WrongRowCount
from include.transfer.memory import peak_rss_mb
from include.transfer.prefix import Prefix

log = logging.getLogger(__name__)

_SECONDS_BETWEEN_LINES = 5.0


@dataclass(frozen=True)
class Receipt:
    """What one copy did: which rows are in which object, and how to tell that the object is still it."""

    key: str
    start: int
    rows: int
    bytes: int
    sha256: str
    etag: str
    columns: list[str]
    source_version: str | None
    reused: bool
    seconds: float
    peak_rss_mb: float
    types: dict[str, str]  # of a Parquet object's columns; empty for text formats
    fingerprint: str  # of the dataset's settings that decide what an object holds

    @classmethod
    def from_dict(cls, receipt: Any) -> "Receipt | None":
        """The receipt, or None if `receipt` is not one: a torn write, or of another version."""
        if not isinstance(receipt, Mapping) or set(receipt) != {f.name for f in fields(cls)}:
            return None
        kinds = {f.name: get_origin(f.type) or f.type for f in fields(cls)}
        right = {"seconds": int | float, "peak_rss_mb": int | float, "source_version": str | None}
        if not all(isinstance(value, right.get(name, kinds[name])) for name, value in receipt.items()):  # type: ignore[arg-type]
            return None
        return cls(**receipt)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def copy(api: Api, bucket: Bucket, prefix: Prefix, batch: Batch) -> Receipt:
    """Copy `batch`, or find that it is there already.

    Safe to run again, at any moment and any number of times: an object appears whole or not at all, its
    receipt is written after it, and what a receipt vouches for is not copied again (0 bytes moved). What is
    about to be replaced is un-committed first, so no manifest ever names an object that is not there.
    """
    if done := _reusable(api, bucket, prefix, batch):
        log.info("%s: already in %s, %d bytes; nothing to copy", batch, bucket.uri(done.key), done.bytes)
        return done
    return_large_buffers()
    bucket.delete(prefix.manifest)
    key = prefix.data(batch, api.dataset.suffix)
    started = time.monotonic()
    columns = Columns(api.dataset.types)
    stored = bucket.put_stream(key, encode(_watched(api.rows(batch), batch), columns, api.dataset))
    if columns.rows != batch.limit:
        raise WrongRowCount(f"{batch}: {columns.rows:,} rows were written; expected {batch.limit:,}")
    receipt = Receipt(
        key=key,
        start=batch.start,
        rows=columns.rows,
        bytes=stored.bytes,
        sha256=stored.sha256,
        etag=stored.etag,
        columns=list(columns.names),
        source_version=api.version,
        reused=False,
        seconds=round(time.monotonic() - started, 3),
        peak_rss_mb=peak_rss_mb(),
        types=columns.types if api.dataset.format == "parquet" else {},
        fingerprint=api.dataset.fingerprint,
    )
    bucket.put_json(prefix.receipt(batch), receipt.to_dict())
    log.info("%s: %d bytes in %s, %.1f s", batch, receipt.bytes, bucket.uri(key), receipt.seconds)
    return receipt


def _reusable(api: Api, bucket: Bucket, prefix: Prefix, batch: Batch) -> Receipt | None:
    """The receipt of an earlier attempt, if the batch, the source's version and the object all match it."""
    receipt = Receipt.from_dict(bucket.get_json(prefix.receipt(batch)))
    if receipt is None or (receipt.start, receipt.rows) != (batch.start, batch.limit):
        return None
    if (
        receipt.key != prefix.data(batch, api.dataset.suffix)
        or receipt.fingerprint != api.dataset.fingerprint
    ):
        return None
    stored = bucket.head(receipt.key)
    if stored is None or (stored.bytes, stored.etag) != (receipt.bytes, receipt.etag):
        return None
    if api.dataset.version_header and api.count().version != receipt.source_version:
        return None
    return Receipt(**{**receipt.to_dict(), "reused": True, "seconds": 0.0, "peak_rss_mb": peak_rss_mb()})


def _watched(blocks: Iterator[Block], batch: Batch) -> Iterator[Block]:
    """Log a line of progress every few seconds."""
    started = last = time.monotonic()
    done = 0
    for block in blocks:
        yield block
        done += len(block.rows)
        now = time.monotonic()
        if now - last >= _SECONDS_BETWEEN_LINES:
            last = now
            share, speed = done / batch.limit, done / (now - started)
            log.info("%s: %s rows (%.0f %%), %s rows/s", batch, f"{done:,}", share * 100, f"{speed:,.0f}")
