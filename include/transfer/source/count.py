"""How many rows there are, and in which version: read from an API's answer, wherever it says so."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from include.transfer.documents import brief
from include.transfer.errors import NotRows

if TYPE_CHECKING:
    from include.transfer.dataset import Dataset

# Digits in groups of three with one separator; a dot stands for no group, since nobody could tell 1.234.
_NUMBER = re.compile("([0-9]+|[0-9]{1,3}(?:([, _'\u00a0\u202f])[0-9]{3})(?:\\2[0-9]{3})*)(?:\\.0{1,2})?")
MOST_PROVENANCE = 500  # characters
_MOST_DIGITS = 18  # of 64 bits
_LARGEST_EXACT_DOUBLE = 2.0**53
_CONTENT_RANGE = re.compile(r"(?:(?P<unit>[^\s/=]+)[\s=]+)?(?:\*|[0-9]+-[0-9]+)/(?P<total>.*)")
_FIX = "set `total` to where the API says it: body, body:key.key, body:/key/key or header:Name"


@dataclass(frozen=True)
class Count:
    """How many rows the source has, and in which version (None where it names none)."""

    rows: int
    version: str | None


def read_version(headers: Mapping[str, str], dataset: "Dataset") -> str | None:
    """The version of the dataset that a header names; a weak ETag and its strong form are one version."""
    if not dataset.version_header:
        return None
    value = _header(headers, dataset.version_header)
    return value.removeprefix("W/").strip('"') if value else None


def read_provenance(headers: Mapping[str, str], dataset: "Dataset") -> str:
    """What the source says that its rows are, as one short line; empty where it says nothing."""
    said = _header(headers, dataset.provenance_header) if dataset.provenance_header else None
    return " ".join((said or "").split())[:MOST_PROVENANCE]


def read_number(place: str, headers: Mapping[str, str], body: bytes) -> int:
    """The number at a place of an answer: `body`, `body:meta.total`, `body:/json/pointer`, `header:Name`.

    Raises NotRows if there is no whole number of 0 or more.
    """
    kind, _, name = place.partition(":")
    found = _in_header(headers, name) if kind == "header" else _in_body(body, name)
    if found is None:
        raise NotRows(f"the answer has no {place}", fix=_FIX)
    number = whole_number(found)
    if number is None:
        raise NotRows(f"{place} is {brief(found)}, not a number of rows", fix=_FIX)
    return number


def whole_number(value: Any) -> int | None:
    """A number of 0 or more, also as text: 1234, 1234.0, "1234", "1,234", "1 234.0"; None: it is none."""
    if isinstance(value, float) and abs(value) <= _LARGEST_EXACT_DOUBLE and value.is_integer():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return value if 0 <= value < 10**_MOST_DIGITS else None
    if isinstance(value, str) and (match := _NUMBER.fullmatch(value.strip())):
        digits = re.sub("[^0-9]", "", match[1])
        return int(digits) if len(digits) <= _MOST_DIGITS else None
    return None


def _header(headers: Mapping[str, str], name: str) -> str | None:
    return {key.lower(): value for key, value in headers.items()}.get(name.lower())


def _in_header(headers: Mapping[str, str], name: str) -> str | None:
    """The header's value; of a Content-Range, such as `items 0-24/1234`, what stands behind the slash."""
    value = _header(headers, name)
    if value is None or name.lower() != "content-range":
        return value
    match = _CONTENT_RANGE.fullmatch(value.strip())
    if not match or match["unit"] == "bytes":
        raise NotRows(f"header:{name} is {brief(value)}, which counts no rows", fix=_FIX)
    return match["total"]


def _in_body(body: bytes, path: str) -> Any:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError) as error:
        text = body[:200].decode("utf-8", "replace")
        if not path and len(body) < 40 and whole_number(text) is not None:
            return text
        raise NotRows(f"the count is not JSON: {text[:80]!r}") from error
    for key in keys(path):
        if isinstance(found, list) and key.isdecimal() and int(key) < len(found):
            found = found[int(key)]
        else:
            found = found.get(key) if isinstance(found, dict) else None
    return found


def keys(path: str) -> list[str]:
    """Keys with dots between them; or, where it begins with a slash, a JSON pointer (RFC 6901)."""
    if path.startswith("/"):
        return [key.replace("~1", "/").replace("~0", "~") for key in path[1:].split("/")]
    return path.split(".") if path else []
