"""NDJSON: one JSON object a line, values and key order as they came, numbers with all their digits."""

import io
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from include.transfer.formats.unreadable import Unreadable
from include.transfer.schema.columns import Columns, json_text
from include.transfer.schema.numbers import as_fragment

if TYPE_CHECKING:
    import pyarrow

    from include.transfer.source.blocks import Block

SUFFIX = ".ndjson"
COMPRESSIONS = ("none", "gzip", "zstd")
ORDERED = False
TABULAR = False
TYPED = False

_BLOCK = 1 << 20  # of text that Arrow parses at once; no row may be longer
_FIRST_ROW_BYTES = 1 << 16


class NdjsonEncoder:
    """Row by row, so that a row gives the same bytes whatever its neighbours are.

    Rows that came as they would be written are passed on.
    """

    def __init__(self, columns: Columns) -> None:
        self._columns = columns

    def start(self) -> bytes:
        return b""

    def block(self, block: "Block") -> bytes:
        import orjson

        self._columns.keep(block)
        if block.texts:
            return b"}\n".join((*block.texts, b""))
        newline = orjson.OPT_APPEND_NEWLINE
        try:
            return b"".join([orjson.dumps(row, as_fragment, newline) for row in block.rows])
        except TypeError:  # deep nesting
            return b"".join(map(_line, block.rows))

    def end(self) -> bytes:
        return b""


def encoder(columns: Columns) -> NdjsonEncoder:
    return NdjsonEncoder(columns)


def _line(row: dict[str, Any]) -> bytes:
    import orjson

    try:
        return orjson.dumps(row, as_fragment, orjson.OPT_APPEND_NEWLINE)
    except TypeError:
        return f"{json_text(row)}\n".encode()


def count_rows(file: BinaryIO, columns: Sequence[str], types: Mapping[str, str]) -> int:
    """Rows of an object, each with some of the columns in any order; `types` are not in NDJSON."""
    names, rows = set(columns), 0
    for rows, line in enumerate(io.BufferedReader(cast(Any, file), _BLOCK), 1):
        try:
            row = json.loads(line, parse_int=str, parse_float=str)  # of any length
        except (ValueError, RecursionError) as error:
            raise Unreadable(f"row {rows - 1:,} is not JSON: {error}") from error
        if not isinstance(row, dict) or not names.issuperset(row):
            raise Unreadable(f"row {rows - 1:,} has other columns than {', '.join(columns)[:200]}")
    return rows


def record_batches(file: BinaryIO, schema: "pyarrow.Schema", most_rows: int) -> "Iterator[Any]":
    """Rows typed by `schema`, their keys in any order."""
    import pyarrow.json

    # Arrow refuses a key too many, and takes one that is missing for a null: the first row decides.
    buffered = io.BufferedReader(cast(Any, file), _FIRST_ROW_BYTES)
    line, end, _ = buffered.peek(_FIRST_ROW_BYTES).partition(b"\n")
    if end:
        Unreadable.unless_same_columns(sorted(_keys(line)), sorted(schema.names))
    yield from pyarrow.json.open_json(
        buffered,
        read_options=pyarrow.json.ReadOptions(block_size=_BLOCK, use_threads=False),
        parse_options=pyarrow.json.ParseOptions(
            explicit_schema=schema, newlines_in_values=False, unexpected_field_behavior="error"
        ),
    )


def _keys(line: bytes) -> list[str]:
    try:
        row = json.loads(line)
    except ValueError:
        row = None
    return list(row) if isinstance(row, dict) else []
