"""Dataset: where an API's rows are, how to ask for them, and what they become in the lake."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from include.transfer.errors import BadSettings

FORMATS = ("csv", "ndjson", "parquet")
COMPRESSIONS = ("none", "gzip", "zstd")
PAGINGS = ("offset", "page")
TYPES = ("string", "int64", "double", "boolean")
BUCKET_PATTERN = r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$"
NAME_PATTERN = r"^[a-z0-9][a-z0-9_-]{0,62}$"
TOTAL_PATTERN = r"^(body|body:[^\s:]+|header:[A-Za-z0-9-]+)$"

_SUFFIX = {"none": "", "gzip": ".gz", "zstd": ".zst"}


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """One API endpoint and the objects it is copied to.

    The defaults describe an API that answers `GET /api/get?start=0&limit=5000` with a JSON array of
    objects, and `GET /api/count` with a bare number.
    """

    name: str  # first part of every object key
    conn_id: str = "wildfires_api"  # Airflow connection of the source (type http)
    store_conn_id: str = "locals3"  # Airflow connection of the store (type aws)
    bucket: str = "task-mapping-api-data"

    count_path: str = "/api/count"
    total: str = "body"  # the number of rows: `body`, `body:meta.total` or `header:X-Total-Count`
    rows_path: str = "/api/get"
    rows_key: str = ""  # where the rows are in the answer: `items`, `data.rows`; empty: it is the array
    paging: str = "offset"  # `offset`: the first row's number; `page`: a page's number
    offset_param: str = "start"
    limit_param: str = "limit"
    first_page: int = 1
    page_size: int = 0  # rows in one request; 0: the whole batch in one
    query: Mapping[str, Any] = field(default_factory=dict)  # sent with every request for rows
    version_header: str = ""  # the header that names the dataset's version, if the API has one
    accept: str = "application/json"
    accept_encoding: str = "gzip"

    types: Mapping[str, str] = field(default_factory=dict)  # column → type; empty: as they come
    format: str = "csv"
    compression: str = "none"
    batch_size: int = 50_000

    def __post_init__(self) -> None:
        """Refuse what no run could work with, all of it at once."""
        wrong = [message for message in self._wrong() if message]
        if wrong:
            raise BadSettings(f"dataset {self.name!r}: " + "; ".join(wrong))

    def _wrong(self) -> list[str]:
        def one_of(name: str, allowed: tuple[str, ...]) -> str:
            value = getattr(self, name)
            return "" if value in allowed else f"{name} is {value!r}, expected one of {', '.join(allowed)}"

        def at_least(name: str, least: int) -> str:
            value = getattr(self, name)
            right = isinstance(value, int) and not isinstance(value, bool) and value >= least
            return "" if right else f"{name} is {value!r}, expected a whole number of {least} or more"

        unknown = sorted({str(kind) for kind in self.types.values()} - set(TYPES))
        return [
            one_of("format", FORMATS),
            one_of("compression", COMPRESSIONS),
            one_of("paging", PAGINGS),
            "" if re.fullmatch(NAME_PATTERN, self.name) else f"the name must match {NAME_PATTERN}",
            "" if re.fullmatch(BUCKET_PATTERN, self.bucket) else f"the bucket must match {BUCKET_PATTERN}",
            "" if re.fullmatch(TOTAL_PATTERN, self.total) else f"total must match {TOTAL_PATTERN}",
            "" if self.offset_param else "offset_param is empty, expected the name of a parameter",
            at_least("batch_size", 1),
            at_least("page_size", 0),
            at_least("first_page", 0),
            "paging by page needs a page_size" if self.paging == "page" and not self.page_size else "",
            f"unknown column types {unknown}, expected some of {', '.join(TYPES)}" if unknown else "",
            "Parquet compresses its own columns: set compression to none"
            if self.format == "parquet" and self.compression != "none"
            else "",
        ]

    @classmethod
    def from_dict(cls, settings: Mapping[str, Any], overrides: Mapping[str, Any] | None = None) -> "Dataset":
        """Build one from plain values; `overrides` of other names are ignored (a run's params hold more)."""
        known = {f.name for f in fields(cls)}
        unknown = sorted(set(settings) - known)
        if unknown:
            raise BadSettings(f"unknown dataset settings: {', '.join(unknown)}")
        given = {k: v for k, v in (overrides or {}).items() if k in known}
        chosen = {k: "" if v is None and k in MAY_BE_EMPTY else v for k, v in given.items()}
        if "name" not in {**settings, **chosen}:
            raise BadSettings("a dataset needs a name: it is the first part of every object's key")
        return cls(**{**settings, **chosen})

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @property
    def suffix(self) -> str:
        """Object name's ending, for example `.csv.gz`."""
        return f".{self.format}{_SUFFIX[self.compression]}"

    @property
    def fingerprint(self) -> str:
        """Names what an object of this dataset holds: where one setting differs, nothing is reused."""
        placed = {"name", "bucket", "conn_id", "store_conn_id", "batch_size", "count_path", "total"}
        content = {k: v for k, v in self.to_dict().items() if k not in placed}
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


# Settings that mean something when empty; a form gives null for them.
MAY_BE_EMPTY = frozenset({"rows_key", "limit_param", "version_header"})

# What the trigger form of `api_to_s3` says of each setting: title, description, JSON Schema.
SETTINGS_HELP: dict[str, tuple[str, str, dict[str, Any]]] = {
    "name": ("Dataset", "First part of every object's key.", {"pattern": NAME_PATTERN}),
    "conn_id": ("Connection of the API", "Type http: base URL, login or headers.", {"minLength": 1}),
    "store_conn_id": ("Connection of the store", "Type aws: keys or a role, endpoint_url.", {"minLength": 1}),
    "bucket": ("Bucket", "Must exist.", {"pattern": BUCKET_PATTERN}),
    "count_path": ("Path of the count", "May hold a query: /items?limit=1", {"minLength": 1}),
    "total": (
        "The number of rows",
        "body, body:meta.total or header:X-Total-Count",
        {"pattern": TOTAL_PATTERN},
    ),
    "rows_path": ("Path of the rows", "Answers a slice of them as JSON.", {"minLength": 1}),
    "rows_key": ("Key of the rows", "items, data.rows; empty: the answer is the array.", {}),
    "paging": ("Paging", "By the first row's number, or by a page's number.", {"enum": list(PAGINGS)}),
    "offset_param": ("Parameter of the offset or page", "start, offset, skip, page", {"minLength": 1}),
    "limit_param": ("Parameter of the limit", "limit, count, per_page; empty: the API has none.", {}),
    "first_page": ("Number of the first page", "0 or 1.", {"minimum": 0}),
    "page_size": ("Rows in one request", "0: the whole batch in one.", {"minimum": 0}),
    "query": ("More parameters", "Sent with every request.", {}),
    "version_header": ("Header of the version", "ETag, if it names the dataset's version.", {}),
    "accept": ("Media type to ask for", "application/json or application/x-ndjson", {"minLength": 3}),
    "accept_encoding": ("Encodings to ask for", "gzip saves network, identity saves CPU.", {"minLength": 2}),
    "types": ("Types of the columns", "string, int64, double, boolean; none: as they come.", {}),
    "format": ("Format", "", {}),
    "compression": ("Compression", "", {}),
    "batch_size": ("Rows in a batch", "", {}),
}
