"""How many rows there are, and in which version: read from the API's answer, wherever it says so."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from include.transfer.dataset import Dataset
from include.transfer.errors import NotRows

LARGEST_COUNT_BYTES = 4 << 20


@dataclass(frozen=True)
class Count:
    """How many rows the source has, and in which version (None where it names none)."""

    rows: int
    version: str | None


def read_version(headers: Mapping[str, str], dataset: Dataset) -> str | None:
    """The version of the dataset that a header names; a weak ETag and its strong form are one version."""
    if not dataset.version_header:
        return None
    lowered = {name.lower(): value for name, value in headers.items()}
    value = lowered.get(dataset.version_header.lower())
    return value.removeprefix("W/").strip('"') if value else None


def read_count(body: bytes, headers: Mapping[str, str], dataset: Dataset) -> Count:
    """The number of rows in a count's answer, at the place that `dataset.total` names.

    Raises NotRows if there is no whole number of 0 or more.
    """
    place, _, name = dataset.total.partition(":")
    if place == "header":
        found: Any = {k.lower(): v for k, v in headers.items()}.get(name.lower())
    else:
        found = _walk(body, name)
    try:
        rows = int(found) if not isinstance(found, bool | float) else -1
    except (TypeError, ValueError):
        rows = -1
    if rows < 0:
        raise NotRows(
            f"{dataset.total} is {str(found)[:80]!r}, not a number of rows",
            fix="set `total` to where the API says it: body, body:key.key or header:Name",
        )
    return Count(rows, read_version(headers, dataset))


def _walk(body: bytes, path: str) -> Any:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError) as error:
        excerpt = body[:200].decode("utf-8", "replace")[:80]
        raise NotRows(f"the count is not JSON: {excerpt!r}") from error
    for key in path.split(".") if path else ():
        if isinstance(found, list) and key.isdigit() and int(key) < len(found):
            found = found[int(key)]
        else:
            found = found.get(key) if isinstance(found, dict) else None
    return found
