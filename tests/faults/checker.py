"""What is in the lake, judged without a line of the copy's own code: json, re and a minio client.

A run's folder is right when it has no manifest, or one that holds every row of a version of the source once.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from minio import Minio
from minio.error import S3Error

Row = dict[str, Any]
_FIELD = re.compile(r'("(?:[^"]|"")*"|[^",\r\n]*)(,|\r?\n|\Z)')
NULL = object()


def manifest_of(client: Minio, bucket: str, folder: str) -> dict[str, Any] | None:
    """The manifest of a run's folder (`name/run/`), or None."""
    data = _read(client, bucket, f"{folder}_manifest.json")
    return None if data is None else json.loads(data)


def problems(
    client: Minio, bucket: str, folder: str, versions: Mapping[str | None, Sequence[Row]]
) -> list[str]:
    """Everything that is wrong with a run's folder that has a manifest; nothing: it is whole.

    `versions`: what the source said of itself, version → all its rows, numbers as `Decimal`.
    """
    manifest = manifest_of(client, bucket, folder)
    if manifest is None:
        return [f"{folder} has no manifest"]
    version = manifest["source"]["version"]
    if version not in versions:
        return [f"the manifest is of version {version}; the source had {', '.join(map(str, versions))}"]
    rows = versions[version]
    found = _check_totals(manifest, rows)
    receipts = sorted(manifest["receipts"], key=lambda receipt: receipt["start"])
    for receipt in receipts:
        found += _check_object(client, bucket, manifest, receipt, rows)
    return found + _check_strays(client, bucket, folder, {receipt["key"] for receipt in receipts})


def torn(client: Minio, bucket: str, folder: str) -> list[str]:
    """What a reader would miss at this moment: objects that a manifest names and the store lacks."""
    manifest = manifest_of(client, bucket, folder)
    if manifest is None:
        return []
    sizes = {o.object_name: o.size for o in client.list_objects(bucket, folder, recursive=True)}
    missing = [r["key"] for r in manifest["receipts"] if sizes.get(r["key"]) != r["bytes"]]
    # Whoever replaces an object takes the manifest away first: then it was not this manifest's reader.
    if not missing or manifest_of(client, bucket, folder) != manifest:
        return []
    return [f"a manifest is to be seen while {key} is missing or another" for key in missing]


def _check_totals(manifest: Mapping[str, Any], rows: Sequence[Row]) -> list[str]:
    found, reached = [], 0
    for receipt in sorted(manifest["receipts"], key=lambda receipt: receipt["start"]):
        if receipt["start"] != reached:
            found.append(f"{receipt['key']} starts at row {receipt['start']}; {reached} expected")
        reached = receipt["start"] + receipt["rows"]
    for what, number in (
        ("its receipts end at row", reached),
        ("its rows are", manifest["rows"]),
        ("its source counts", manifest["source"]["count"]),
    ):
        if number != len(rows):
            found.append(f"the manifest: {what} {number}; the source has {len(rows)}")
    return found


def _check_object(
    client: Minio, bucket: str, manifest: Mapping[str, Any], receipt: Mapping[str, Any], rows: Sequence[Row]
) -> list[str]:
    key = receipt["key"]
    data = _read(client, bucket, key)
    if data is None:
        return [f"{key} is not in the store"]
    found = []
    if len(data) != receipt["bytes"]:
        found.append(f"{key} has {len(data)} bytes; its receipt says {receipt['bytes']}")
    if hashlib.sha256(data).hexdigest() != receipt["sha256"]:
        found.append(f"{key} has another SHA-256 than its receipt says")
    try:
        text = (gzip.decompress(data) if manifest["compression"] == "gzip" else data).decode()
        stored = _ndjson_rows(text) if manifest["format"] == "ndjson" else _csv_rows(text)
    except (OSError, EOFError, ValueError) as error:
        return [*found, f"{key} cannot be read: {error}"]
    expected = rows[receipt["start"] : receipt["start"] + receipt["rows"]]
    return found + _compare(key, stored, expected, as_text=manifest["format"] == "csv")


def _compare(key: str, stored: Sequence[Row], expected: Sequence[Row], *, as_text: bool) -> list[str]:
    found = []
    if len(stored) != len(expected):
        found.append(f"{key} has {len(stored)} rows; {len(expected)} expected")
    for number, (have, want) in enumerate(zip(stored, expected, strict=False)):
        same = _same_text if as_text else _same_value
        wrong = sorted(set(have) ^ set(want)) or [name for name in want if not same(have[name], want[name])]
        if wrong:
            name = wrong[0]
            found.append(f"{key}, row {number}, {name}: {have.get(name)!r}; {want.get(name)!r} expected")
            break  # a row too many shifts all that follow
    return found


def _same_value(have: Any, want: Any) -> bool:
    return type(have) is type(want) and have == want


def _same_text(have: Any, want: Any) -> bool:
    """Whether a CSV's field stands for the source's value."""
    if want is None:
        return have is NULL
    if have is NULL:
        return False
    if isinstance(want, bool):
        return have == str(want).lower()
    if isinstance(want, Decimal):
        return re.fullmatch(r"-?[0-9.]+(?:[eE][-+]?[0-9]+)?", have) is not None and Decimal(have) == want
    return have == want


def _check_strays(client: Minio, bucket: str, folder: str, named: set[str]) -> list[str]:
    """A reader of `data_from_*` would take these rows twice."""
    keys = (o.object_name or "" for o in client.list_objects(bucket, folder, recursive=True))
    strays = [key for key in keys if key.startswith(f"{folder}data_") and key not in named]
    return [f"{key} is there, and no receipt names it" for key in strays]


def parse_rows(text: str | bytes) -> list[Row]:
    """A JSON array of rows; numbers as `Decimal`, so that none is rounded."""
    return json.loads(text, parse_float=Decimal, parse_int=Decimal)


def _ndjson_rows(text: str) -> list[Row]:
    return [json.loads(line, parse_float=Decimal, parse_int=Decimal) for line in text.split("\n") if line]


def _csv_rows(text: str) -> list[Row]:
    """The csv module before Python 3.12 cannot tell `a,,b` (null) from `a,"",b` (empty), so: by hand."""
    lines: list[list[Any]] = [[]]
    at = 0
    while at < len(text):
        match = _FIELD.match(text, at)
        if match is None:
            raise ValueError(f"no CSV at character {at}: {text[at : at + 40]!r}")
        field, end = match.groups()
        value = field[1:-1].replace('""', '"') if field.startswith('"') else field or NULL
        lines[-1].append(value)
        if end != ",":
            lines.append([])
        at = match.end()
    header, *body = [line for line in lines if line]
    if any(len(line) != len(header) for line in body):
        raise ValueError(f"a line has not the header's {len(header)} fields")
    return [dict(zip(header, line, strict=True)) for line in body]


def _read(client: Minio, bucket: str, key: str) -> bytes | None:
    try:
        response = client.get_object(bucket, key)
    except S3Error as error:
        if error.code == "NoSuchKey":
            return None
        raise
    try:
        return response.read()
    finally:
        response.close()
        response.release_conn()
