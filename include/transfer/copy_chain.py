"""Copy a chain: one task walks from answer to answer; every batch_size rows it seals an object and a receipt.

A receipt names where the next one begins, so that a retry, a clear or a crash goes on from the store.
"""

import logging
import time
from collections.abc import Iterator, Mapping
from itertools import chain

from include.transfer.batches import Batch
from include.transfer.commit.plan_document import contracted, follows
from include.transfer.commit.receipt import Receipt
from include.transfer.commit.reread import answers_again
from include.transfer.commit.sealed import HIDDEN, sealed
from include.transfer.commit.standing import Standing, read_standing, refuse_removed
from include.transfer.commit.vouch import discard, holds, vouch
from include.transfer.copy import new_hashes, seal
from include.transfer.errors import Overtaken, about
from include.transfer.redact import redact
from include.transfer.source.api import Api
from include.transfer.source.blocks import Block
from include.transfer.source.walk import Walk
from include.transfer.store.bucket import Bucket
from include.transfer.store.keys import Prefix

log = logging.getLogger(__name__)

_SECONDS_BETWEEN_LINES = 5.0


def copy_chain(api: Api, bucket: Bucket, prefix: Prefix, total: int | None = None) -> Receipt:
    """Copy all rows from the first answer on, or those that are not there yet; returns the last receipt.

    `total`: what the source counts, for the log. A source without rows gives a receipt of none, which is
    not stored. Safe beside other attempts as `copy_batch` is. Errors name the rows.
    """
    with api.secrets_hidden():
        standing, last = read_standing(bucket, prefix), None
        types = contracted(bucket, prefix, api.dataset)
        for last in _reusable(api, bucket, standing, types):
            log.info("%s: already in %s; nothing to copy", last.name, bucket.uri(last.key))
        if last and last.chain["next"] is None:
            return last
        refuse_removed(bucket, prefix)
        walk = Walk(api, last.chain["next"], last.start + last.rows) if last else Walk(api)
        progress = _Progress(walk.at, total)
        try:
            while not walk.ended:
                with about(f"rows from {walk.at:,} on"):
                    last = _segment(api, bucket, standing, walk, progress, types) or last
        finally:
            walk.close()
    return last or Receipt(key="", start=0, rows=0, bytes=0, sha256="", etag="", url=api.url)


def _segment(
    api: Api,
    bucket: Bucket,
    standing: Standing,
    walk: Walk,
    progress: "_Progress",
    types: Mapping[str, str],
) -> Receipt | None:
    """Walk over one object's rows and vouch for them; None where there are none."""
    prefix, begins, start = standing.prefix, walk.mark, walk.at
    hashes = new_hashes(api)
    blocks = walk.segment(api.dataset.batch_size, hashes)
    first = next(blocks, None)
    if first is None:
        return None

    def leads() -> dict[str, str | None]:
        return {"begins": _kept(begins), "next": _kept(walk.mark)}

    _, replaced = bucket.get_document(prefix.receipt(Batch(start, 1)))
    key = prefix.new_data(Batch(start, 1), api.dataset.suffix, standing.etag)
    try:
        watched = progress.watched(chain([first], blocks))
        own = seal(api, bucket, prefix, start, key, watched, hashes, types, leads)
        receipt = vouch(bucket, standing, api.dataset, Batch(start, own.rows), own, replaced)
        if receipt.chain != own.chain:
            raise Overtaken("another attempt walks on from another token", where=bucket.uri(receipt.key))
    except Overtaken:
        discard(bucket, prefix, key)
        raise
    return receipt


def _kept(mark: str | None) -> str | None:
    """A mark as a receipt has it: a link may carry a secret, and then no copy can go on from it."""
    hidden = redact(mark) if mark else ""
    return hidden if HIDDEN in hidden else mark


def _reusable(api: Api, bucket: Bucket, standing: Standing, types: Mapping[str, str]) -> Iterator[Receipt]:
    """The receipts of earlier attempts that still hold what the source has."""
    for receipt in sealed(bucket, standing.prefix):
        if HIDDEN in (receipt.chain["next"] or "") or receipt.url != api.url:
            return
        if not holds(bucket, standing, api.dataset, Batch(receipt.start, receipt.rows), receipt):
            return
        if not follows(receipt, api.dataset, types):
            return
        if not _still_so(api, bucket, standing.prefix, receipt):
            return
        yield receipt


def _still_so(api: Api, bucket: Bucket, prefix: Prefix, receipt: Receipt) -> bool:
    """Whether the source says by its version that nothing has changed, or gives the first answer again."""
    if api.dataset.version_header or receipt.source_version is not None:
        now = api.named_version() if api.dataset.total == "none" else api.count().version
        if now is not None or receipt.source_version is not None:
            return now == receipt.source_version
    return answers_again(api, bucket, prefix, receipt)


class _Progress:
    """Logs a line every few seconds: rows so far, and the total where one is known."""

    def __init__(self, rows: int, total: int | None) -> None:
        self._rows, self._total = rows, f" of {total:,}" if total is not None else ""
        self._last = time.monotonic()

    def watched(self, blocks: Iterator[Block]) -> Iterator[Block]:
        for block in blocks:
            yield block
            self._rows += len(block.rows)
            now = time.monotonic()
            if now - self._last >= _SECONDS_BETWEEN_LINES:
                self._last = now
                log.info("%s%s rows", f"{self._rows:,}", self._total)
