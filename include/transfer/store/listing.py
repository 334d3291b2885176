"""The keys below a prefix, page by page, in bounded memory: a store that never comes to an end is refused."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast
from xml.etree.ElementTree import ParseError

import urllib3
from minio import Minio
from minio.datatypes import Object, parse_list_objects

from include.transfer.errors import StoreRefused

MOST_PAGES = 1_000  # of 1,000 keys. A run has three keys a batch, a dataset one folder a run
_LARGEST_PAGE_BYTES = 16 << 20  # 1,000 keys of 1,024 characters take 5 MB
_ATTEMPTS = 3


def listed(client: Minio, bucket: str, prefix: str, delimiter: str = "", after: str = "") -> Iterator[Object]:
    """Objects, and with a delimiter also the folders, as the store lists them.

    `after`: what sorts before it is left out, as far as the store can.

    Raises StoreRefused for a listing that repeats itself or is longer than any of this project's, and the
    client's errors. A page that was cut short or is none is asked for again.
    """
    where = f"LIST s3://{bucket}/{prefix}"
    token, seen = "", set()
    for _ in range(MOST_PAGES):
        found, more, token = _page(client, bucket, prefix, delimiter, token, where, after)
        yield from found
        if not more:
            return
        if not token or hash(token) in seen:
            raise _endless("it says that there is more, and repeats itself", where)
        seen.add(hash(token))
    raise _endless(f"there is more behind {MOST_PAGES:,} pages", where)


def _page(
    client: Minio, bucket: str, prefix: str, delimiter: str, token: str, where: str, after: str
) -> tuple[list[Object], bool, str]:
    query = {"list-type": "2", "prefix": prefix, "delimiter": delimiter, "max-keys": "1000"}
    query |= {"encoding-type": "url"} | ({"continuation-token": token} if token else {})
    query |= {"start-after": after} if after and not token else {}
    for attempt in range(1, _ATTEMPTS + 1):
        # The client's own listing knows no end; the tests fail if a release renames these.
        response = client._execute("GET", bucket, query_params=cast(Any, query), preload_content=False)
        try:
            body = cast(Any, SimpleNamespace(data=_read(response, where)))
            found, more, following, _ = parse_list_objects(body)
        except (urllib3.exceptions.HTTPError, ParseError, ValueError):  # UnicodeDecodeError is one
            if attempt == _ATTEMPTS:
                raise
        else:
            return found, more, following or ""
    raise AssertionError("unreachable: the last attempt raises")  # pragma: no cover


def _read(response: urllib3.BaseHTTPResponse, where: str) -> bytes:
    data = bytearray()
    try:
        for piece in response.stream(1 << 20):
            data += piece
            if len(data) > _LARGEST_PAGE_BYTES:
                raise _endless(f"a page of it is longer than {_LARGEST_PAGE_BYTES >> 20} MB", where)
    except StoreRefused:
        response.close()
        raise
    finally:
        response.release_conn()
    return bytes(data)


def _endless(got: str, where: str) -> StoreRefused:
    return StoreRefused(
        f"the listing does not end: {got}",
        where=where,
        fix="check endpoint_url in the connection, and the store's version",
    )
