"""Copy one batch: rows of the source into one object of the store, and a receipt beside it."""

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from include.transfer.batches import Batch
from include.transfer.commit.plan_document import contracted, follows
from include.transfer.commit.receipt import RECEIPT_VERSION, Receipt
from include.transfer.commit.standing import Standing, read_standing, refuse_removed
from include.transfer.commit.stored_hashes import Page, first_and_last
from include.transfer.commit.vouch import discard, holds, vouch
from include.transfer.errors import Overtaken, WrongRowCount, about
from include.transfer.formats import FORMATS, encode
from include.transfer.formats.unreadable import Unreadable
from include.transfer.memory import peak_rss_mb, return_large_buffers
from include.transfer.schema.columns import RESCUED, Columns
from include.transfer.source.api import Api
from include.transfer.source.blocks import Block
from include.transfer.source.row_hashes import RowHashes
from include.transfer.source.row_keys import RowKeys
from include.transfer.store.bucket import Bucket
from include.transfer.store.keys import Prefix

log = logging.getLogger(__name__)

_SECONDS_BETWEEN_LINES = 5.0


def copy_batch(api: Api, bucket: Bucket, prefix: Prefix, batch: Batch) -> Receipt:
    """Copy `batch`, or find that it is there already.

    Safe to run again, at any moment, any number of times, and beside other attempts (commit/standing.py): an
    object appears whole or not at all, under a name of its own; its receipt is written after it, and what a
    receipt vouches for is not copied again (0 bytes moved). Every error names the batch.
    """
    with about(batch), api.secrets_hidden():
        standing = read_standing(bucket, prefix)
        types = contracted(bucket, prefix, api.dataset)
        beside, etag = bucket.get_document(prefix.receipt(batch))
        if done := _reusable(api, bucket, standing, batch, Receipt.from_dict(beside), types):
            log.info("%s: already in %s, %d bytes; nothing to copy", batch, bucket.uri(done.key), done.bytes)
            return done
        refuse_removed(bucket, prefix)
        key = prefix.new_data(batch, api.dataset.suffix, standing.etag)
        try:
            receipt = _copied(api, bucket, prefix, batch, key, types)
            return vouch(bucket, standing, api.dataset, batch, receipt, etag)
        except (Overtaken, WrongRowCount):
            discard(bucket, prefix, key)
            raise


def _copied(
    api: Api, bucket: Bucket, prefix: Prefix, batch: Batch, key: str, types: Mapping[str, str]
) -> Receipt:
    hashes = new_hashes(api)

    def checked(blocks: Iterator[Block]) -> Iterator[Block]:
        rows = 0
        for block in blocks:
            rows += len(block.rows)
            yield block
        if rows != batch.limit:
            got = f"{rows:,} rows were written instead of {batch.limit:,}"
            raise WrongRowCount(got, fix="clear this copy")

    blocks = checked(_watched(api.rows(batch, hashes), batch))
    return seal(api, bucket, prefix, batch.start, key, blocks, hashes, types)


def new_hashes(api: Api) -> RowHashes:
    """For the rows of one object."""
    return RowHashes(api.asked, RowKeys(api.dataset.key) if api.dataset.key else None)


def seal(
    api: Api,
    bucket: Bucket,
    prefix: Prefix,
    start: int,
    key: str,
    blocks: Iterator[Block],
    hashes: RowHashes,
    types: Mapping[str, str],
    leads: Callable[[], dict[str, str | None]] = dict,
) -> Receipt:
    """Write rows from `start` on into the object `key`, and their hashes; returns the receipt, not stored.

    `types`: the run's contract. `leads`: what the receipt says of a chain, once all rows have come
    (copy_chain.py).
    """
    return_large_buffers()
    started = time.monotonic()
    dataset = api.dataset
    columns = Columns(types, rescues=dataset.rescues)
    pieces = encode(blocks, columns, dataset.format, dataset.compression, dataset.csv_formulas)
    stored = bucket.put_stream(key, pieces)
    noted = bucket.put_stream(prefix.hashes(key), hashes.pieces())
    if columns.rescued:
        log.warning("%s: %d rows have values that no column holds: see %s", key, columns.rescued, RESCUED)
    return Receipt(
        key=key,
        start=start,
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
        chain=leads(),
        rescued=columns.rescued,
        nulls=columns.nulls,
        version=RECEIPT_VERSION,
    )


def _reusable(
    api: Api,
    bucket: Bucket,
    standing: Standing,
    batch: Batch,
    receipt: Receipt | None,
    types: Mapping[str, str],
) -> Receipt | None:
    """The receipt of an earlier attempt, if batch, columns, the source's version and the object match it."""
    if receipt is None or not holds(bucket, standing, api.dataset, batch, receipt):
        return None
    if not follows(receipt, api.dataset, types):
        return None
    if not _still_so(api, bucket, standing.prefix, batch, receipt):
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
    seen = RowHashes(api.asked)
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
