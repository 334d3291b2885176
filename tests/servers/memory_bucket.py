"""A bucket in memory that decides races as a store does, counts what it is asked, and dies when told to."""

import hashlib
import io
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import urllib3

from include.transfer.errors import StoreRefused
from include.transfer.store.bucket import Bucket, Stored


class Killed(BaseException):
    """The process ends here: nothing behind it runs but what a `finally` does."""


class MemoryBucket(Bucket):
    """`dies_at`: the call that kills, counted from the one that comes next; None: none does."""

    def __init__(self) -> None:
        self.name = "lake"
        self.held: dict[str, bytes] = {}
        self.calls: Counter[str] = Counter()
        self.bytes_put = 0
        self.dies_at: int | None = None

    def _call(self, verb: str) -> None:
        if self.dies_at is not None:
            if self.dies_at <= 0:
                raise Killed
            self.dies_at -= 1
        self.calls[verb] += 1

    def _stored(self, key: str) -> Stored:
        data = self.held[key]
        digest = hashlib.sha256(data).hexdigest()
        return Stored(key, len(data), hashlib.md5(data).hexdigest(), digest)

    def put_stream(self, key: str, pieces: Iterator[bytes]) -> Stored:
        data = b"".join(pieces)
        self._call("PUT")
        self.held[key] = data
        self.bytes_put += len(data)
        return self._stored(key)

    def put_bytes(self, key: str, data: bytes, content_type: str, condition: Any = None) -> Stored:
        self._call("PUT")
        standing = f'"{self._stored(key).etag}"' if key in self.held else None
        asked = condition or {}
        if ("If-None-Match" in asked and standing) or asked.get("If-Match", standing) != standing:
            refused = StoreRefused("its condition does not hold")
            refused.code = "PreconditionFailed"
            raise refused
        self.held[key] = data
        self.bytes_put += len(data)
        return self._stored(key)

    @contextmanager
    def _opened(self, key: str) -> Iterator[Any]:
        self._call("GET")
        if key not in self.held:
            yield None
            return
        stored = self._stored(key)
        headers = {"ETag": f'"{stored.etag}"'}
        yield urllib3.HTTPResponse(io.BytesIO(self.held[key]), headers=headers, preload_content=False)

    def head(self, key: str) -> Stored | None:
        self._call("HEAD")
        return self._stored(key) if key in self.held else None

    def objects(self, prefix: str) -> Iterator[Stored]:
        self._call("LIST")
        return iter([self._stored(key) for key in sorted(self.held) if key.startswith(prefix)])

    def folders(self, prefix: str, after: str = "") -> Iterator[str]:
        self._call("LIST")
        inner = (key[len(prefix) :] for key in self.held if key.startswith(prefix))
        names = sorted({prefix + each.split("/")[0] + "/" for each in inner if "/" in each})
        return iter([name for name in names if name > after])

    def delete(self, key: str, etag: str = "") -> None:
        self._call("DELETE")
        if key in self.held and etag in ("", self._stored(key).etag):
            del self.held[key]

    def uploads(self, prefix: str) -> list[Any]:
        return []
