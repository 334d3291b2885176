"""The store: one bucket of any S3, reached by the MinIO client."""

import hashlib
import io
import json
import uuid
from collections.abc import Collection, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, BinaryIO, cast

from minio import Minio
from minio.error import S3Error

from include.transfer import documents
from include.transfer.errors import DocumentTooLarge
from include.transfer.redact import hidden
from include.transfer.store.errors import translated
from include.transfer.store.keys import LARGEST_JSON_BYTES
from include.transfer.store.listing import listed
from include.transfer.store.upload import PART_BYTES, PieceReader, pieces_errors_as_they_are

_MISSING = {"NoSuchKey", "NoSuchObject", "ResourceNotFound"}


@dataclass(frozen=True)
class Stored:
    """What the store says of an object; `sha256` is known only where its bytes were just written or read."""

    key: str
    bytes: int
    etag: str
    sha256: str = ""


@dataclass(frozen=True)
class Upload:
    """An upload in parts that was begun and neither ended nor aborted."""

    key: str
    id: str


class Bucket:
    """The objects of one bucket.

    `put_headers` go with every object written: its encryption, its class. `secrets` are in no error.
    """

    def __init__(
        self,
        client: Minio,
        name: str,
        put_headers: Mapping[str, str] | None = None,
        secrets: Collection[str] = (),
    ) -> None:
        self.name = name
        self._client = client
        self._put_headers = dict(put_headers or {})
        self._secrets = secrets

    def uri(self, key: str) -> str:
        return f"s3://{self.name}/{key}"

    def put_stream(self, key: str, pieces: Iterator[bytes]) -> Stored:
        """Upload what `pieces` yields, in parts; the object appears whole when all are there, or never.

        An error among the pieces aborts the upload and is raised as it is.
        """
        body = PieceReader(pieces)
        with pieces_errors_as_they_are(), self._translated("PUT", key):
            result = self._client.put_object(
                self.name,
                key,
                cast(BinaryIO, body),
                length=-1,
                metadata=dict(self._put_headers),
                part_size=PART_BYTES,
                num_parallel_uploads=1,
            )
        return Stored(key, body.count, (result.etag or "").strip('"'), body.digest.hexdigest())

    def put_json(self, key: str, value: Any) -> Stored:
        """Write a JSON document in one PUT. Raises DocumentTooLarge for what `get_json` would not read."""
        data = (json.dumps(value, ensure_ascii=False, indent=1) + "\n").encode()
        if len(data) > LARGEST_JSON_BYTES:
            raise DocumentTooLarge(
                f"the document has {len(data) >> 20} MB, and {LARGEST_JSON_BYTES >> 20} MB are the most",
                where=f"PUT {self.uri(key)}",
                fix="copy fewer batches (a larger batch_size) or fewer columns",
            )
        return self.put_bytes(key, data, "application/json")

    def put_bytes(self, key: str, data: bytes, content_type: str) -> Stored:
        """Write a small object in one PUT; `content_type` is what a browser takes it for."""
        with self._translated("PUT", key):
            result = self._client.put_object(
                self.name,
                key,
                io.BytesIO(data),
                len(data),
                content_type=content_type,
                metadata=dict(self._put_headers),
            )
        return Stored(key, len(data), (result.etag or "").strip('"'), hashlib.sha256(data).hexdigest())

    def get_json(self, key: str) -> Any | None:
        """A JSON document, or None if there is no such object, it is not JSON or larger than any of ours."""
        data = bytearray()
        for piece in self.get(key):
            data += piece
            if len(data) > LARGEST_JSON_BYTES:
                return None
        try:
            return documents.read(data) if data else None
        except documents.BadDocument:
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
            for found in listed(self._client, self.name, prefix):
                yield Stored(found.object_name or "", found.size or 0, (found.etag or "").strip('"'))

    def folders(self, prefix: str) -> Iterator[str]:
        """What lies directly below `prefix` and ends with a slash, in key order."""
        with self._translated("LIST", prefix):
            for found in listed(self._client, self.name, prefix, "/"):
                if found.is_dir:
                    yield found.object_name or ""

    def delete(self, key: str) -> None:
        """Remove an object; no error if there is none."""
        with self._translated("DELETE", key):
            self._client.remove_object(self.name, key)

    def uploads(self, prefix: str) -> list[Upload]:
        """Unfinished uploads of keys that begin with `prefix`, 1,000 at the most: see `lists_uploads_below`.

        Not page by page: SeaweedFS gives marks for a next page that the client does not read. Whoever aborts
        these asks again.
        """
        with self._translated("LIST UPLOADS", prefix):
            # The client has no public call for these; the tests fail if a release renames them.
            page = self._client._list_multipart_uploads(self.name, prefix=prefix)
        return [Upload(found.object_name or "", found.upload_id or "") for found in page.uploads]

    def abort(self, upload: Upload) -> None:
        """Give up an upload and what was sent for it; no error if it is gone."""
        with self._translated("ABORT", upload.key):
            try:
                self._client._abort_multipart_upload(self.name, upload.key, upload.id)
            except S3Error as error:
                if error.code != "NoSuchUpload":
                    raise

    def lists_uploads_below(self, prefix: str) -> bool:
        """Whether the store lists uploads by a prefix: begins one and looks. MinIO takes whole keys only."""
        key = f"{prefix}_probe-{uuid.uuid4().hex[:8]}"
        with self._translated("BEGIN UPLOAD", key):
            begun = Upload(key, self._client._create_multipart_upload(self.name, key, {}))
        try:
            return begun in self.uploads(prefix)
        finally:
            self.abort(begun)
            # A beginning whose answer was lost has been repeated by the client: there may be another.
            for upload in self.uploads(key):
                self.abort(upload)

    def _translated(self, verb: str, key: str) -> AbstractContextManager[None]:
        return translated(f"{verb} {self.uri(key)}", lambda text: hidden(text, self._secrets))
