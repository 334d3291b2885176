"""What is in the lake, judged without a line of the copy's own code: json, re, pyarrow and a minio client.

A run's folder is right when it has no manifest, or one that holds every row of a version of the source once.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import pyarrow.parquet
import zstandard
from minio import Minio
from minio.error import S3Error

Row = dict[str, Any]
_FIELD = re.compile(r'("(?:[^"]|"")*"|[^",\r\n]*)(,|\r?\n|\Z)')
NULL = object()


def manifest_of(client: Minio, bucket: str, folder: str) -> dict[str, Any] | None:
    """The manifest of a run's folder (`name/run/`), or None."""
    data = _read(client, bucket, f"{folder}_manifest.json")
    return None if data is None else json.loads(data)


def committed_folders(client: Minio, bucket: str, name: str) -> list[str]:
    """The folders of a dataset's runs that have a manifest, in the order of their names: of their time."""
    folders = sorted(o.object_name or "" for o in client.list_objects(bucket, f"{name}/") if o.is_dir)
    return [folder for folder in folders if manifest_of(client, bucket, folder) is not None]


def problems(
    client: Minio,
    bucket: str,
    folder: str,
    versions: Mapping[str | None, Sequence[Row]],
    *,
    swept: bool = True,
) -> list[str]:
    """Everything that is wrong with a run's folder that has a manifest; nothing: it is whole.

    `swept`: its last attempt succeeded, so that nothing of others is left. `versions`: what the source said
    of itself, version → all its rows, numbers as `Decimal`.
    """
    manifest = manifest_of(client, bucket, folder)
    if manifest is None:
        return [f"{folder} has no manifest"]
    version = manifest["source"]["version"]
    # A source that names no version is known by its number of rows.
    possible = [versions[version]] if version in versions else []
    if version is None:
        possible = [rows for rows in versions.values() if len(rows) == manifest["source"]["count"]]
    if not possible:
        named = f"version {version} and {manifest['source']['count']} rows"
        return [f"the manifest is of {named}; the source had {', '.join(map(str, versions))}"]
    found = min((_check_rows(client, bucket, manifest, rows) for rows in possible), key=len)
    named = {receipt["key"] for receipt in manifest["receipts"]}
    if not swept:
        return found
    return found + _check_strays(client, bucket, folder, named) + unfinished(client, bucket, folder)


def unfinished(client: Minio, bucket: str, folder: str) -> list[str]:
    """Uploads below the folder that were begun and neither finished nor given up: parts to be paid for."""
    # The client's own call is not public, and no other asks this.
    found = client._list_multipart_uploads(bucket, prefix=folder).uploads
    return [f"an unfinished upload of {upload.object_name}" for upload in found]


def _check_rows(client: Minio, bucket: str, manifest: Mapping[str, Any], rows: Sequence[Row]) -> list[str]:
    found = _check_totals(manifest, rows)
    for receipt in sorted(manifest["receipts"], key=lambda receipt: receipt["start"]):
        found += _check_object(client, bucket, manifest, receipt, rows)
    return found


def torn(client: Minio, bucket: str, folder: str) -> list[str]:
    """What a reader would miss at this moment: objects that a manifest names and the store lacks."""
    manifest = manifest_of(client, bucket, folder)
    if manifest is None:
        return []
    sizes = {o.object_name: o.size for o in client.list_objects(bucket, folder, recursive=True)}
    missing = [r["key"] for r in manifest["receipts"] if sizes.get(r["key"]) != r["bytes"]]
    # Objects go after their manifest was replaced or removed: then this was not its reader.
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
        stored = _READERS[manifest["format"]](_unpacked(data, manifest["compression"]))
    except (OSError, EOFError, ValueError, zstandard.ZstdError) as error:
        return [*found, f"{key} cannot be read: {error}"]
    expected = list(rows[receipt["start"] : receipt["start"] + receipt["rows"]])
    if manifest["format"] != "ndjson":  # a column is there in every row: what a row leaves out is null
        names = dict.fromkeys(name for row in rows for name in row)
        names |= {name: None for name in manifest.get("columns", []) if name == "_rescued"}
        expected = [{name: row.get(name) for name in names} for row in expected]
    return found + _compare(key, stored, expected, _SAME[manifest["format"]])


def _unpacked(data: bytes, compression: str) -> bytes:
    if compression == "zstd":
        return zstandard.ZstdDecompressor().decompressobj().decompress(data)
    return gzip.decompress(data) if compression == "gzip" else data


def _compare(
    key: str, stored: Sequence[Row], expected: Sequence[Row], same: Callable[[Any, Any], bool]
) -> list[str]:
    found = []
    if len(stored) != len(expected):
        found.append(f"{key} has {len(stored)} rows; {len(expected)} expected")
    for number, (have, want) in enumerate(zip(stored, expected, strict=False)):
        wrong = sorted(set(have) ^ set(want)) or [name for name in want if not same(have[name], want[name])]
        if wrong:
            name = wrong[0]
            found.append(f"{key}, row {number}, {name}: {have.get(name)!r}; {want.get(name)!r} expected")
            break  # a row too many shifts all that follow
    return found


def _same_value(have: Any, want: Any) -> bool:
    return type(have) is type(want) and have == want


def _same_typed(have: Any, want: Any) -> bool:
    """Whether a Parquet column's value is the source's: an integer, or a double next to the decimal."""
    if isinstance(want, dict | list):
        return _same_nested(have, want)
    if isinstance(want, Decimal) and isinstance(have, int | float) and not isinstance(have, bool):
        return have == float(want) if isinstance(have, float) else Decimal(have) == want
    return type(have) is type(want) and have == want


def _same_text(have: Any, want: Any) -> bool:
    """Whether a CSV's field stands for the source's value."""
    if want is None:
        return have is NULL
    if have is NULL:
        return False
    if isinstance(want, dict | list):
        return _same_nested(have, want)
    if isinstance(want, bool):
        return have == str(want).lower()
    if isinstance(want, Decimal):
        return re.fullmatch(r"-?[0-9.]+(?:[eE][-+]?[0-9]+)?", have) is not None and Decimal(have) == want
    return have == want


def _same_nested(have: Any, want: Any) -> bool:
    """Whether a column's text is the nested value, as JSON."""
    try:
        return bool(parse_rows(have) == want)
    except (ValueError, TypeError):
        return False


def _check_strays(client: Minio, bucket: str, folder: str, named: set[str]) -> list[str]:
    """A reader of `data_from_*` would take these rows twice."""
    keys = (o.object_name or "" for o in client.list_objects(bucket, folder, recursive=True))
    strays = [key for key in keys if key.startswith(f"{folder}data_") and key not in named]
    return [f"{key} is there, and no receipt names it" for key in strays]


def parse_rows(text: str | bytes) -> list[Row]:
    """A JSON array of rows; numbers as `Decimal`, so that none is rounded."""
    return json.loads(text, parse_float=Decimal, parse_int=Decimal)


def _ndjson_rows(data: bytes) -> list[Row]:
    lines = data.decode().split("\n")
    return [json.loads(line, parse_float=Decimal, parse_int=Decimal) for line in lines if line]


def _parquet_rows(data: bytes) -> list[Row]:
    return pyarrow.parquet.read_table(io.BytesIO(data)).to_pylist()


def _csv_rows(data: bytes) -> list[Row]:
    """The csv module before Python 3.12 cannot tell `a,,b` (null) from `a,"",b` (empty), so: by hand."""
    text = data.decode()
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


_READERS: dict[str, Callable[[bytes], list[Row]]] = {
    "csv": _csv_rows,
    "ndjson": _ndjson_rows,
    "parquet": _parquet_rows,
}
_SAME: dict[str, Callable[[Any, Any], bool]] = {
    "csv": _same_text,
    "ndjson": _same_value,
    "parquet": _same_typed,
}
