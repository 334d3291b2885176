"""A copy's last step: its receipt is put in its place, where attempts at one batch meet (see standing.py)."""

import logging
from dataclasses import replace

from include.transfer.batches import Batch
from include.transfer.commit.receipt import Receipt
from include.transfer.commit.standing import Standing
from include.transfer.dataset import Dataset
from include.transfer.errors import Overtaken, TransferError
from include.transfer.store.bucket import Bucket
from include.transfer.store.keys import Prefix
from include.transfer.store.swap import swap_json

log = logging.getLogger(__name__)


def vouch(
    bucket: Bucket, standing: Standing, dataset: Dataset, batch: Batch, own: Receipt, replaced: str
) -> Receipt:
    """Put the receipt `own`; returns the one that stands: it, or that of a faster attempt at the same rows.

    `replaced`: the ETag of what stood there when the copy began; "": nothing. Raises Overtaken where the run
    was committed meanwhile, or another attempt vouches for other rows. Then nothing of this one counts.
    """
    prefix = standing.prefix
    manifest = bucket.head(prefix.manifest)
    if (manifest.etag if manifest else "") != standing.etag:
        raise Overtaken(
            "it was committed while this copy ran: another attempt has done this one's work",
            where=bucket.uri(prefix.manifest),
        )
    place = prefix.receipt(batch)
    if swap_json(bucket, place, own.to_dict(), replaced):
        log.info("%s: %d bytes in %s, %.1f s", batch, own.bytes, bucket.uri(own.key), own.seconds)
        return own
    other = Receipt.from_dict(bucket.get_json(place))
    if other is None or not (_same(own, other) and holds(bucket, standing, dataset, batch, other)):
        raise Overtaken("another attempt wrote other rows for this batch meanwhile", where=bucket.uri(place))
    log.info("%s: another attempt was faster, and its object is %s", batch, bucket.uri(other.key))
    discard(bucket, prefix, own.key)
    return replace(other, reused=True)


def holds(bucket: Bucket, standing: Standing, dataset: Dataset, batch: Batch, receipt: Receipt) -> bool:
    """Whether `receipt` is of these rows and settings, may be committed, and its object is in the store."""
    if (receipt.start, receipt.rows) != (batch.start, batch.limit):
        return False
    if receipt.fingerprint != dataset.fingerprint or not standing.counts(receipt):
        return False
    if not standing.prefix.is_data_of(receipt.key, batch, dataset.suffix):
        return False
    stored = bucket.head(receipt.key)
    return stored is not None and (stored.bytes, stored.etag) == (receipt.bytes, receipt.etag)


def discard(bucket: Bucket, prefix: Prefix, key: str) -> None:
    """Remove an attempt's own object, which no receipt names; what cannot be removed is left to the sweep."""
    try:
        for own in (key, prefix.hashes(key)):
            bucket.delete(own)
    except TransferError as error:
        log.warning("%s may be left until the run is committed: %s", bucket.uri(key), error)


def _same(own: Receipt, other: Receipt) -> bool:
    """Whether both vouch for the same rows; where the source names no version, only the same bytes say so."""
    if own.source_version is None and own.sha256 != other.sha256:
        return False
    return (own.source_version, own.url) == (other.source_version, other.url)
