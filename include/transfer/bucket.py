"""The store: one bucket of any S3, reached by the MinIO client. Its errors are named here, once."""

import hashlib
import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO, cast

import urllib3
from minio import Minio
from minio.error import InvalidResponseError, S3Error, ServerError

from include.transfer.errors import StoreRefused, StoreUnavailable

# S3 takes parts of 5 MiB to 5 GiB, 10,000 at the most: an object can hold 48 GiB. The smallest, since what a
# part takes in memory, twice for a moment, is most of what a copy adds to a process.
PART_BYTES = 5 << 20
_READ_BYTES = 1 << 20
_MISSING = {"NoSuchKey", "NoSuchObject", "ResourceNotFound"}
# NoSuchUpload: a repeated end of an upload whose first answer got lost.
_TRY_AGAIN = {
    "SlowDown",
    "InternalError",
    "ServiceUnavailable",
    "RequestTimeout",
    "OperationAborted",
    "NoSuchUpload",
}
_HINTS = {
    "NoSuchBucket": "create the bucket, or set the dataset's `bucket`",
    "AccessDenied": "the keys in the connection may not do this",
    "InvalidAccessKeyId": "the access key in the connection is unknown to the store",
    "SignatureDoesNotMatch": "the secret key in the connection is wrong",
    "RequestTimeTooSkewed": "this machine's clock is wrong",
    "EntityTooLarge": "the store takes no object of this size: make batches smaller",
}


@dataclass(frozen=True)
class Stored:
    """What the store says of an object; `sha256` is known only where its bytes were just written or read."""

    key: str
    bytes: int
    etag: str
    sha256: str = ""


class Bucket:
    """The objects of one bucket."""

    def __init__(self, client: Minio, name: str) -> None:
        self.name = name
        self._client = client

    def uri(self, key: str) -> str:
        return f"s3://{self.name}/{key}"

    def put_stream(self, key: str, pieces: Iterator[bytes]) -> Stored:
        """Upload what `pieces` yields, in parts; the object appears whole when all are there, or never.

        An error among the pieces aborts the upload and is raised as it is.
        """
        body = _Reader(pieces)
        with self._translated("PUT", key), _interruptible():
            result = self._client.put_object(
                self.name,
                key,
                cast(BinaryIO, body),
                length=-1,
                part_size=PART_BYTES,
                num_parallel_uploads=1,
            )
        return Stored(key, body.count, (result.etag or "").strip('"'), body.digest.hexdigest())

    def put_json(self, key: str, value: Any) -> Stored:
        """Write a small JSON document in one PUT."""
        data = (json.dumps(value, ensure_ascii=False, indent=1) + "\n").encode()
        with self._translated("PUT", key):
            result = self._client.put_object(
                self.name, key, io.BytesIO(data), len(data), content_type="application/json"
            )
        return Stored(key, len(data), (result.etag or "").strip('"'), hashlib.sha256(data).hexdigest())

    def get_json(self, key: str) -> Any | None:
        """A JSON document, or None if there is no such object or it is not JSON."""
        data = b"".join(self.get(key))
        try:
            return json.loads(data) if data else None
        except ValueError:
            return None

    def get(self, key: str) -> Iterator[bytes]:
        """An object's bytes in pieces of 1 MB; nothing if there is no such object."""
        with self._translated("GET", key):
            try:
                response = self._client.get_object(self.name, key)
            except S3Error as error:
                if error.code in _MISSING:
                    return
                raise
            try:
                yield from response.stream(1 << 20)
            finally:
                response.close()
                response.release_conn()

    def head(self, key: str) -> Stored | None:
        """Size and ETag of an object, or None if there is none."""
        with self._translated("HEAD", key):
            try:
                found = self._client.stat_object(self.name, key)
            except S3Error as error:
                if error.code in _MISSING:
                    return None
                raise
        return Stored(key, found.size or 0, (found.etag or "").strip('"'))

    def objects(self, prefix: str) -> Iterator[Stored]:
        """Every object below `prefix`, in key order."""
        with self._translated("LIST", prefix):
            for found in self._client.list_objects(self.name, prefix, recursive=True):
                yield Stored(found.object_name or "", found.size or 0, (found.etag or "").strip('"'))

    def folders(self, prefix: str) -> Iterator[str]:
        """What lies directly below `prefix` and ends with a slash, in key order."""
        with self._translated("LIST", prefix):
            for found in self._client.list_objects(self.name, prefix, recursive=False):
                if found.is_dir:
                    yield found.object_name or ""

    def delete(self, key: str) -> None:
        """Remove an object; no error if there is none."""
        with self._translated("DELETE", key):
            self._client.remove_object(self.name, key)

    @contextmanager
    def _translated(self, verb: str, key: str) -> Iterator[None]:
        where = f"{verb} {self.uri(key)}"
        try:
            yield
        except S3Error as error:
            code = error.code or "no code"
            status = error.response.status
            if code in _TRY_AGAIN or status >= 500:
                raise StoreUnavailable(f"{where}: the store answered {code} (status {status})") from error
            hint = _HINTS.get(code, "check the store's connection")
            raise StoreRefused(f"{where}: the store answered {code} (status {status}); {hint}") from error
        except ServerError as error:
            raise StoreUnavailable(f"{where}: the store answered status {error.status_code}") from error
        except InvalidResponseError as error:
            raise StoreRefused(
                f"{where}: the answer is not S3's; expected XML; check endpoint_url in the connection"
            ) from error
        except urllib3.exceptions.HTTPError as error:
            cause = type(getattr(error, "reason", None) or error).__name__
            raise StoreUnavailable(
                f"{where}: the store could not be reached ({cause}); check endpoint_url, and that it runs"
            ) from error


class _Interrupted(Exception):
    """Carries what is no Exception, a task's time-out, through a library that cleans up only after those."""


@contextmanager
def _interruptible() -> Iterator[None]:
    try:
        yield
    except _Interrupted as interrupted:
        raise interrupted.args[0] from None


class _Reader:
    """Pieces as a file to read from; counts and hashes what passes."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self.count = 0
        self.digest = hashlib.sha256()
        self._pieces = pieces
        self._held = bytearray()

    def read(self, size: int) -> bytes:
        """The next bytes, at most `size` and at most a piece: a whole part at once would stand here twice."""
        size = min(size, _READ_BYTES)
        while len(self._held) < size and (piece := self._next()) is not None:
            self._held += piece
        with memoryview(self._held) as held:
            data = bytes(held[:size])
        del self._held[:size]
        self.count += len(data)
        self.digest.update(data)
        return data

    def _next(self) -> bytes | None:
        try:
            return next(self._pieces, None)
        except Exception:
            raise
        except BaseException as error:
            raise _Interrupted(error) from None
