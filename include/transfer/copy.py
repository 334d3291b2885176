"""Copy one batch: rows of the source into one object of the store, and a receipt beside it."""

import logging
import time
from collections.abc import Iterator
from dataclasses import replace

from include.transfer.batches import Batch
from include.transfer.commit.receipt import RECEIPT_VERSION, Receipt
from include.transfer.commit.stored_hashes import Page, first_and_last
from include.transfer.errors import Overtaken, WrongRowCount, about
from include.transfer.formats import FORMATS, encode
from include.transfer.formats.unreadable import Unreadable
from include.transfer.memory import peak_rss_mb, return_large_buffers
from include.transfer.schema.columns import Columns
from include.transfer.source.api import Api
from include.transfer.source.json_rows import Block
from include.transfer.source.row_hashes import RowHashes
from include.transfer.source.row_keys import RowKeys
from include.transfer.store.bucket import Bucket
from include.transfer.store.keys import Prefix

log = logging.getLogger(__name__)

_SECONDS_BETWEEN_LINES = 5.0


def copy_batch(api: Api, bucket: Bucket, prefix: Prefix, batch: Batch) -> Receipt:
    """Copy `batch`, or find that it is there already.

    Safe to run again, at any moment and any number of times: an object appears whole or not at all, its
    receipt is written after it, and what a receipt vouches for is not copied again (0 bytes moved). What is
    about to be replaced is un-committed first, so no manifest ever names an object that is not there.
    Every error names the batch.
    """
    with about(batch), api.secrets_hidden():
        if done := _reusable(api, bucket, prefix, batch):
            log.info("%s: already in %s, %d bytes; nothing to copy", batch, bucket.uri(done.key), done.bytes)
            return done
        uncommit(bucket, prefix)
        return _copied(api, bucket, prefix, batch)


def uncommit(bucket: Bucket, prefix: Prefix) -> None:
    """Take the run's manifest away, before something that it names is replaced.

    Then look whether retention is removing the run: it does the two in the other order (retention.py), so
    that of a remover and a writer at least one sees the other.
    """
    if bucket.head(prefix.manifest):  # a first copy needs no right to delete
        bucket.delete(prefix.manifest)
    if bucket.head(prefix.tombstone):
        raise Overtaken(
            "this old run is being removed (keep_runs)",
            where=bucket.uri(prefix.tombstone),
            fix=f"trigger a new run, or clear this one after the next commit of {prefix.dataset}",
        )


def _copied(api: Api, bucket: Bucket, prefix: Prefix, batch: Batch) -> Receipt:
    return_large_buffers()
    key = prefix.data(batch, api.dataset.suffix)
    started = time.monotonic()
    columns = Columns(api.dataset.types)
    dataset = api.dataset
    hashes = RowHashes(api.url, RowKeys(dataset.key) if dataset.key else None)
    pieces = encode(_watched(api.rows(batch, hashes), batch), columns, dataset.format, dataset.compression)
    stored = bucket.put_stream(key, _unless_committed(pieces, bucket, prefix))
    if columns.rows != batch.limit:
        got = f"{columns.rows:,} rows were written instead of {batch.limit:,}"
        raise WrongRowCount(got, fix="clear this copy")
    noted = bucket.put_stream(prefix.hashes(batch), hashes.pieces())
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
        types=columns.types if FORMATS[dataset.format].TYPED else {},
        fingerprint=dataset.fingerprint,
        url=api.url,
        hashes=noted.sha256,
        version=RECEIPT_VERSION,
    )
    bucket.put_json(prefix.receipt(batch), receipt.to_dict())
    log.info("%s: %d bytes in %s, %.1f s", batch, receipt.bytes, bucket.uri(key), receipt.seconds)
    return receipt


def _unless_committed(pieces: Iterator[bytes], bucket: Bucket, prefix: Prefix) -> Iterator[bytes]:
    """End with an error where the run was committed meanwhile, before the object appears.

    So ends a copy that Airflow took for dead, while another attempt did its work.
    """
    yield from pieces
    if bucket.head(prefix.manifest):
        raise Overtaken(
            "it was committed while this copy ran: another attempt has done this one's work",
            where=bucket.uri(prefix.manifest),
        )


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
    if not _still_so(api, bucket, prefix, batch, receipt):
        return None
    return replace(receipt, reused=True, seconds=0.0, peak_rss_mb=peak_rss_mb())


def _still_so(api: Api, bucket: Bucket, prefix: Prefix, batch: Batch, receipt: Receipt) -> bool:
    """Whether the source would give the same rows again.

    It says so itself by its version. Without one, the batch's first and last requests are made again: rows
    that were inserted or removed in front of the batch, or in it, move at least one of the two.
    """
    if receipt.url not in ("", api.url):  # a connection that was corrected since
        return False
    try:
        ends = first_and_last(bucket, prefix, receipt)
    except Unreadable:
        return False
    if receipt.hashes and not ends:  # an earlier release's, which nothing can be compared with
        return False
    now = api.count().version if api.dataset.version_header else None
    if now is not None or receipt.source_version is not None:
        return now == receipt.source_version
    return bool(ends) and all(_comes_again(api, batch, page) for page in ends)


def _comes_again(api: Api, batch: Batch, page: Page) -> bool:
    seen = RowHashes(api.url)
    try:
        for _ in api.rows(Batch(batch.start + page.at, page.rows, batch.total), seen):
            pass
    except WrongRowCount:
        return False
    return seen.digest == page.digest


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
