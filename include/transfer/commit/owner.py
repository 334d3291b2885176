"""Who writes a dataset's folder: the first that did, and nobody else until a person says so."""

import logging
from collections.abc import Mapping

from include.transfer.errors import BadSettings
from include.transfer.store.bucket import Bucket
from include.transfer.store.keys import Prefix
from include.transfer.store.swap import swap_json

log = logging.getLogger(__name__)


def claim(bucket: Bucket, dataset: str, owner: str) -> None:
    """Note `owner` as the writer of the dataset's folder, or raise BadSettings where another one is.

    Call it before anything is written there or removed. A folder of an earlier release has no note, and goes
    to the first that comes.
    """
    key = Prefix(dataset, "any").owner
    standing = owner_of(bucket, dataset)
    if standing is None and swap_json(bucket, key, {"version": 1, "owner": owner}, ""):
        log.info("%s writes the dataset %s from now on, and nobody else: %s", owner, dataset, bucket.uri(key))
        return
    if standing is None:
        standing = owner_of(bucket, dataset)
    if standing != owner:
        raise BadSettings(
            f"{owner} would write the dataset {dataset}, which {standing or 'somebody unknown'} writes",
            where=bucket.uri(key),
            fix=f"give the dataset of {owner} another name; or, after a rename for example, delete this "
            "object: whoever writes next is noted anew",
        )


def owner_of(bucket: Bucket, dataset: str) -> str | None:
    """The writer that is noted; None: there is no note, "": one that cannot be read."""
    stored, etag = bucket.get_document(Prefix(dataset, "any").owner)
    if not etag:
        return None
    owner = stored.get("owner") if isinstance(stored, Mapping) else None
    return owner if isinstance(owner, str) else ""
