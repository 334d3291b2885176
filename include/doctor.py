"""What must be right before a copy can work: each check says what it found and what to do."""

import io
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass

from include.transfer.api import Api
from include.transfer.bucket import PART_BYTES, Bucket
from include.transfer.errors import TransferError


@dataclass(frozen=True)
class Finding:
    """One check's outcome. `fix` is empty where all is well."""

    check: str
    found: str
    fix: str = ""

    def __str__(self) -> str:
        return f"{self.check}: {self.found}" + (f"; {self.fix}" if self.fix else "")


def check_source(api: Api) -> Iterator[Finding]:
    """Can the API be counted, and does it give the first row?"""
    from include.transfer.batches import Batch

    try:
        count = api.count()
        yield Finding("count", f"{count.rows:,} rows, version {count.version}")
        if count.rows:
            first = next(iter(api.rows(Batch(0, 1)))).rows[0]
            yield Finding("first row", f"{len(first)} columns")
    except TransferError as error:
        yield Finding("source", str(error), "correct the connection or the dataset")


def check_store(bucket: Bucket) -> Iterator[Finding]:
    """Does the bucket take, show and give up objects, small ones and ones in parts?"""
    key = f"_doctor/{uuid.uuid4().hex}"

    def in_parts() -> Iterator[bytes]:
        piece = bytes(1 << 20)
        for _ in range(PART_BYTES // len(piece) + 1):
            yield piece

    steps: tuple[tuple[str, Callable[[], object]], ...] = (
        ("put", lambda: bucket.put_stream(key, iter([b"is the store well?"]))),
        ("head", lambda: _expect(bucket.head(key) is not None)),
        ("get", lambda: _expect(b"".join(bucket.get(key)) == b"is the store well?")),
        ("list", lambda: _expect([found.key for found in bucket.objects(key)] == [key])),
        ("multipart", lambda: _expect(bucket.put_stream(key, in_parts()).bytes > PART_BYTES)),
        ("delete", lambda: bucket.delete(key)),
        ("gone", lambda: _expect(bucket.head(key) is None)),
    )
    for name, step in steps:
        try:
            step()
        except TransferError as error:
            yield Finding(name, str(error), "correct the store's connection or the bucket")
            with suppress(TransferError):
                bucket.delete(key)
            return
        yield Finding(name, f"works in {bucket.uri('')}")


def check_parser() -> Iterator[Finding]:
    """Is the fast parser there? Without its C backend rows under a key are read many times slower."""
    import ijson

    fast = ijson.backend in ("yajl2_c", "yajl2_cffi")
    yield Finding(
        "parser", f"ijson's backend is {ijson.backend}", "" if fast else "pip install --force ijson"
    )
    rows = list(ijson.items(io.BytesIO(b'{"items": [{"a": 1}]}'), "items.item"))
    right = rows == [{"a": 1}]
    yield Finding("parsing", "works" if right else f"gave {rows}", "" if right else "reinstall ijson")


def _expect(truth: bool) -> None:
    if not truth:
        raise TransferError("the store did not give back what it was given")
