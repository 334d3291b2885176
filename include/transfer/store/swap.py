"""Writes that a store decides between attempts: compare and swap of one small document.

AWS S3 and SeaweedFS decide exactly. A store that refuses such conditions, or ignores them, leaves the look
before the write, with a gap of one request behind it.
"""

from typing import Any

from include.transfer.errors import StoreRefused
from include.transfer.store.bucket import Bucket, Stored

_DECIDED = {"PreconditionFailed", "NoSuchKey"}
_NOT_IMPLEMENTED = 501
_NEW = {"If-None-Match": "*"}


def swap_json(bucket: Bucket, key: str, value: Any, standing: str) -> Stored | None:
    """Write a document where the object with the ETag `standing` is; "": where there is none.

    None: something else is there by now, and stays. Raises DocumentTooLarge as `Bucket.put_json` does.
    """
    found = bucket.head(key)
    if (found.etag if found else "") != standing:
        return None
    try:
        return bucket.put_json(key, value, {"If-Match": f'"{standing}"'} if standing else _NEW)
    except StoreRefused as error:
        if error.status == _NOT_IMPLEMENTED:
            return bucket.put_json(key, value)
        if error.code not in _DECIDED:
            raise
    # A PUT whose answer was lost is sent again, and then meets what it wrote itself.
    return bucket.head(key) if bucket.get_json(key) == value else None


def decides_races(bucket: Bucket, key: str) -> bool:
    """Whether the store refuses a new object where one is: asked with the document at `key`, as it is."""
    try:
        bucket.put_json(key, bucket.get_json(key), _NEW)
    except StoreRefused as error:
        if error.status != _NOT_IMPLEMENTED and error.code not in _DECIDED:
            raise
        return error.code in _DECIDED
    return False
