"""The fingerprint of a dataset's settings: where one differs, an object is not used again."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

# Where an object stands, how the source is counted and what is found wrong: not what an object holds.
_NOT_CONTENT = {
    "name",
    "bucket",
    "conn_id",
    "store_conn_id",
    "batch_size",
    "count_path",
    "total",
    "count_query",
    "count_body",
    "count_accept",
    "duplicates",
    "requests_per_minute",
    "reread",
    "provenance_header",
    "shrinks_by",
    "table",
}
# Settings that the first release had not; its fingerprints stay what they were.
_ADDED: Mapping[str, Any] = {
    "first_offset": 0,
    "key": [],
    "csv_formulas": "keep",
    "body": None,
    "rows": {"style": "objects"},
    "misfit": "fail",
    "window": None,
}
# How the first release named the settings of its two styles of paging.
_FLAT = {"param": "offset_param", "limit_param": "limit_param", "size": "page_size"}


def fingerprint_of(settings: dict[str, Any]) -> str:
    """16 hex digits that name what an object of these settings (`Dataset.to_dict()`) holds."""
    content = {
        name: value
        for name, value in _of_any_window(_flat(settings)).items()
        if name not in _NOT_CONTENT and (name not in _ADDED or value != _ADDED[name])
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


def _of_any_window(settings: dict[str, Any]) -> dict[str, Any]:
    """The same for each part of a dataset that is copied by windows: an object's name has its window."""
    window = settings["window"]
    if not window:
        return settings
    asked = {name: window[name] for name in ("since", "until", "format", "zone", "closed")}
    query = {name: value for name, value in settings["query"].items() if name not in asked.values()}
    return settings | {"window": asked, "query": query}


def _flat(settings: dict[str, Any]) -> dict[str, Any]:
    """With the paging by offset or page as the first release had it, in settings beside the others."""
    paging = dict(settings["paging"])
    if paging["style"] not in ("offset", "page"):
        return settings
    style, first = paging.pop("style"), paging.pop("first")
    flat = {_FLAT[name]: value for name, value in paging.items()}
    firsts = {
        "first_page": first if style == "page" else 1,
        "first_offset": first if style == "offset" else 0,
    }
    return settings | flat | firsts | {"paging": style}
