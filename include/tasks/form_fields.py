"""What the trigger form says of each setting: its title, description and JSON Schema, and its section."""

from dataclasses import fields
from typing import Any

from include.transfer.dataset import (
    BUCKET_PATTERN,
    DUPLICATES,
    MISFIT,
    NAME_PATTERN,
    TOTAL_PATTERN,
)
from include.transfer.formats import COMPRESSIONS, FORMATS, FORMULAS
from include.transfer.policy import ON_DRIFT
from include.transfer.source.row_shapes import SHAPES
from include.transfer.source.styles import PAGINGS, Paging

Help = dict[str, tuple[str, str, dict[str, Any]]]

KINDS = {bool: "boolean", int: "integer", float: "number", dict: "object", list: "array"}


def _of_a_style(kind: type[Paging]) -> dict[str, Any]:
    """JSON Schema of the settings of a style of paging."""
    own = {f.name: {"type": ["null", KINDS.get(type(f.default), "string")]} for f in fields(kind) if f.init}
    style = next(name for name, each in PAGINGS.items() if each is kind)
    return {
        "properties": {"style": {"const": style}, **own},
        "required": [] if style == "offset" else ["style"],
        "additionalProperties": False,
    }


SHAPE: Help = {
    "batch_size": (
        "Rows in a batch",
        "One mapped task copies one batch. Its memory does not depend on this.",
        {"minimum": 1, "maximum": 10_000_000},
    ),
    "format": ("Format of the objects", "", {"enum": list(FORMATS)}),
    "compression": (
        "Compression",
        "For CSV and NDJSON; Parquet compresses its own columns: leave it at none.",
        {"enum": list(COMPRESSIONS)},
    ),
}
SETTINGS: Help = {
    "name": ("Dataset", "First part of every object's key.", {"pattern": NAME_PATTERN}),
    "conn_id": ("Connection of the API", "Type http: base URL, login or headers.", {"minLength": 1}),
    "store_conn_id": ("Connection of the store", "Type aws: keys or a role, endpoint_url.", {"minLength": 1}),
    "bucket": ("Bucket", "Must exist.", {"pattern": BUCKET_PATTERN}),
    "count_path": ("Path of the count", "May hold a query: /items?limit=1", {"minLength": 1}),
    "total": (
        "The number of rows",
        "body, body:meta.total, body:/json/pointer, header:X-Total-Count; of pages: pages:body:total_pages, "
        "last-link; or probe, where the API says none.",
        {"pattern": TOTAL_PATTERN},
    ),
    "count_query": (
        "Parameters of the count",
        "Sent with the count in place of the other parameters; empty: those.",
        {"type": ["null", "object"]},
    ),
    "count_body": (
        "Body of the count",
        "Posted with the count in place of the body below; empty: that, if there is one.",
        {"type": ["null", "object"]},
    ),
    "count_accept": ("Media type of the count", "Empty: the rows', if that is JSON.", {}),
    "rows_path": ("Path of the rows", "Answers a slice of them as JSON.", {"minLength": 1}),
    "rows_key": ("Key of the rows", "items, data.rows; empty: the answer is the array.", {}),
    "rows": (
        "Shape of the rows",
        f"style: {', '.join(SHAPES)}, and what that style is told. See docs/your-api.md.",
        {},
    ),
    "paging": (
        "Paging",
        f"An object: style ({', '.join(PAGINGS)}) and that style's settings, as docs/your-api.md has them.",
        {"anyOf": [{"type": "null"}, *map(_of_a_style, PAGINGS.values())]},
    ),
    "query": ("More parameters", "Sent with every request.", {}),
    "window": (
        "Window",
        "An object, as docs/your-api.md has it: each run copies what is new since the last one.",
        {"type": ["null", "object"]},
    ),
    "body": (
        "Body",
        "For APIs that are read by POST, such as GraphQL: sent as JSON. Paging puts its values there by "
        "body:variables.after.",
        {"type": ["null", "object"]},
    ),
    "table": (
        "Iceberg table",
        "namespace.name in the catalog behind lake_catalog, for format parquet. Empty: none.",
        {},
    ),
    "version_header": ("Header of the version", "ETag, if it names the dataset's version.", {}),
    "provenance_header": (
        "Header of the provenance",
        "It says what the rows are; the manifest keeps it, page and report show it.",
        {},
    ),
    "accept": ("Media type to ask for", "application/json or application/x-ndjson", {"minLength": 3}),
    "requests_per_minute": ("Requests per minute", "Of all copies together; 0: no limit.", {"minimum": 0}),
    "types": (
        "Types of the columns",
        "string, int64, double, boolean; none: inferred from a sample of the rows.",
        {},
    ),
    "misfit": (
        "What no column holds",
        "A column that is neither declared nor in plan's sample; in Parquet a value of another type. "
        "fail: the copy. rescue: keep it as JSON in the column _rescued.",
        {"enum": list(MISFIT)},
    ),
    "key": ("Columns that name a row", "Each key comes once in a run.", {"items": {"type": "string"}}),
    "duplicates": (
        "Rows that come twice",
        "fail: commit nothing; the API's order may not be stable. allow: for sources that have equal rows.",
        {"enum": list(DUPLICATES)},
    ),
    "csv_formulas": (
        "Text that a spreadsheet runs",
        "In CSV, text that begins with =, +, - or @. keep: as it came. quote: behind an apostrophe.",
        {"enum": list(FORMULAS)},
    ),
    "shrinks_by": (
        "Rows that may go",
        "A run that has lost more than this share of the rows before is not committed. 1: no limit.",
        {"minimum": 0, "maximum": 1},
    ),
    "reread": (
        "Requests made again",
        "Before a commit: the first, the last and some between must bring the same rows again. 0: none.",
        {"minimum": 0, "maximum": 1_000},
    ),
    **SHAPE,
}
# Of a dataset with a window.
INTERVAL: Help = {
    "since": ("Copy from", "2015-01-01: of this run alone. Empty: on from the newest window.", {}),
    "until": ("Copy to", "2015-02-01: where the last window ends. Empty: the run's own time.", {}),
}
POLICY: Help = {
    "force": (
        "Copy even if unchanged",
        "A source that is what the newest committed run holds, by version and count, is not copied again. "
        "A run that has lost too many rows (shrinks_by), or has a column of another type, is not committed.",
        {},
    ),
    "on_drift": (
        "When the source changes during the run",
        "fail: commit nothing. append: if it only grew, copy the new tail too; for sources that are only "
        "ever appended to.",
        {"enum": list(ON_DRIFT)},
    ),
    "keep_runs": (
        "Committed runs to keep",
        "After a commit older ones of the dataset are removed, manifest first; 0: all are kept.",
        {"minimum": 0, "maximum": 10_000},
    ),
}
# The form's parts, in the order of the fields; what is in none of them decides on the run.
SECTIONS = {
    "Source": (
        "conn_id",
        "count_path",
        "total",
        "count_query",
        "count_body",
        "count_accept",
        "rows_path",
        "query",
        "window",
        "body",
        "accept",
        "version_header",
        "provenance_header",
        "requests_per_minute",
    ),
    "Paging and rows": ("paging", "rows_key", "rows", "key", "duplicates", "reread", "shrinks_by"),
    "Columns": ("types", "misfit", "csv_formulas"),
    "Object": ("name", "store_conn_id", "bucket", "batch_size", "format", "compression", "table"),
}
SECTION_OF = {name: section for section, names in SECTIONS.items() for name in names}
