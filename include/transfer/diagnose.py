"""What must be right before a copy can work: each check says what it found and what to do."""

import logging
import re
import shutil
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TypeVar

from include.transfer.errors import (
    Fatal,
    NotRows,
    Retryable,
    SourceRefused,
    StoreUnavailable,
    TransferError,
    sentence,
)
from include.transfer.source.api import Api
from include.transfer.store.bucket import Bucket
from include.transfer.store.upload import PART_BYTES

T = TypeVar("T")

log = logging.getLogger(__name__)

# A signature is refused when clocks are 15 minutes apart, tokens often after one.
MOST_SECONDS_APART = 60
LEAST_FREE_BYTES = 200 << 20


@dataclass(frozen=True)
class Check:
    """One check's outcome. `fix` is empty where all is well."""

    check: str
    found: str
    fix: str = ""

    def __str__(self) -> str:
        return sentence(self.check, self.found, self.fix)


def opening(name: str, open_: Callable[[], T], check: Callable[[T], Iterator[Check]]) -> Iterator[Check]:
    """The check of what `open_` gives; a connection that is missing, or cannot be one, is a finding too."""
    try:
        opened = open_()
    except TransferError as error:
        yield Check(name, str(error), "make or correct the connection")
        return
    yield from check(opened)


def check_source(api: Api) -> Iterator[Check]:
    """Can the API be counted, and does it give the first row?"""
    from include.transfer.batches import Batch
    from include.transfer.run import count
    from include.transfer.source.row_hashes import RowHashes
    from include.transfer.source.walk import Walk

    try:
        counted = count(api)
        rows = "an unknown number of" if counted["rows"] is None else f"{counted['rows']:,}"
        yield Check("count", f"{rows} rows, version {counted['version']}")
        if counted["rows"] != 0:
            found = Walk(api).answer(RowHashes()) if api.dataset.chained else api.rows(Batch(0, 1))
            first = next(found, None)
            yield Check("first row", f"{len(first.rows[0])} columns" if first else "there is none")
    except TransferError as error:
        yield Check("source", str(error), _fix_of_source(error, api.dataset.conn_id))
    yield from check_clock("source", api.url)


def _fix_of_source(error: TransferError, conn_id: str) -> str:
    if isinstance(error, Retryable):
        return f"see that the API runs, and correct host and port of the connection {conn_id}"
    if isinstance(error, SourceRefused) and re.match(r"status (401|403)\b", error.got):
        return f"correct login, password or the token in the extra of the connection {conn_id}"
    if isinstance(error, SourceRefused):
        return f"correct the host of the connection {conn_id}, or the dataset's count_path and rows_path"
    if isinstance(error, NotRows):
        return f"correct the dataset's total or rows_key, or the host of the connection {conn_id}"
    return f"correct the connection {conn_id} or the dataset"


def check_store(bucket: Bucket, conn_id: str, url: str) -> Iterator[Check]:
    """Does the bucket take, show and give up objects, small ones and ones in parts? `url`: the store."""
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
            yield Check(name, str(error), _fix_of_store(name, str(error), bucket.name, conn_id))
            with suppress(TransferError):
                bucket.delete(key)
            break
        yield Check(name, f"works in {bucket.uri('')}")
    yield from check_clock("store", url)


def _fix_of_store(step: str, said: str, bucket: str, conn_id: str) -> str:
    """What to do, by the store's own code, or by the step that failed."""
    fixes = {
        "NoSuchBucket": f"create the bucket {bucket}, or set the dataset's `bucket`",
        "InvalidAccessKeyId|SignatureDoesNotMatch": f"correct the keys (login, password) of {conn_id}",
        "AccessDenied": f"allow the keys of {conn_id} to put, get, list and delete in {bucket}",
        "RequestTimeTooSkewed": "set this machine's clock: timedatectl set-ntp true",
        "StorageFull|status 507|[Nn]o space": "make room in the store: its disk is full",
        "no connection to the store": f"see that the store runs, and correct endpoint_url of {conn_id}",
    }
    if step == "multipart":
        needed = "use a store that takes uploads in parts (S3's CreateMultipartUpload): a copy knows no other"
        fixes["NotImplemented|MethodNotAllowed|status 501"] = needed
    for code, fix in fixes.items():
        if re.search(code, said):
            return fix
    if "status 5" in said:
        return "read the store's own log: its disk may be full"
    return f"correct the connection {conn_id} or the bucket {bucket}"


def check_clock(server: str, url: str) -> Iterator[Check]:
    """Does this machine's clock agree with the server's? Asked by a HEAD without credentials."""
    import requests

    asked = datetime.now(UTC)
    try:
        answer = requests.head(url, timeout=10, allow_redirects=False)
        told = parsedate_to_datetime(answer.headers.get("Date", ""))
    except requests.RequestException:
        return  # that it cannot be reached is another check's finding
    except ValueError:
        yield Check(f"clock of the {server}", "it does not tell")
        return
    middle = asked + (datetime.now(UTC) - asked) / 2
    ahead = (middle - told).total_seconds()
    found = f"this machine is {abs(ahead):,.0f} s {'ahead' if ahead > 0 else 'behind'}"
    fix = "set the clock that is wrong: timedatectl set-ntp true" if abs(ahead) > MOST_SECONDS_APART else ""
    yield Check(f"clock of the {server}", found, fix)


def check_disk(folder: Path, least_free: int = LEAST_FREE_BYTES) -> Iterator[Check]:
    """Is there room where Airflow writes its logs? A copy itself writes nothing to this machine's disk."""
    usage = shutil.disk_usage(folder)
    found = f"{usage.free / 1e9:,.1f} of {usage.total / 1e9:,.1f} GB are free at {folder}"
    full = usage.free < least_free
    fix = f"free at least {least_free >> 20} MB: Airflow writes its logs there" if full else ""
    yield Check("disk", found, fix)


def _expect(truth: bool) -> None:
    if not truth:
        raise StoreUnavailable("the store did not give back what it was given")


def require_all_well(checks: Sequence[Check]) -> list[str]:
    """Log every check and return them as text; raise Fatal with everything that is wrong and what to do."""
    for check in checks:
        log.info("%s", check)
    if wrong := [str(check) for check in checks if check.fix]:
        raise Fatal("; ".join(wrong))
    return [str(check) for check in checks]
