"""CSV: RFC 4180 with `\\n` line ends and a header line.

Null is nothing (`a,,b`) and an empty string two quotes (`a,"",b`), as PostgreSQL's COPY reads them; text,
numbers and dates are written as the API sent them, booleans as `true` and `false`, nested values as JSON.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from include.transfer.errors import ColumnsDiffer
from include.transfer.formats.unreadable import Unreadable
from include.transfer.schema.columns import Columns, json_text
from include.transfer.schema.numbers import ExactNumber

if TYPE_CHECKING:
    import pyarrow

    from include.transfer.source.blocks import Block

SUFFIX = ".csv"
COMPRESSIONS = ("none", "gzip", "zstd")
FORMULAS = ("keep", "quote")  # what becomes of text that a spreadsheet would run
ORDERED = True
TABULAR = True
TYPED = False

# What the C writer writes as it should: booleans and nested values are not among it.
_SIMPLE = {str, int, float, ExactNumber, type(None)}
_OF_OTHERS = ("True", "False", "[", "{")  # what it writes of them
_LARGEST_FIELD = 64 << 20  # csv's own limit is 128 KB; a nested value is one field
_BLOCK = 1 << 20
# https://owasp.org/www-community/attacks/CSV_Injection
_RUNS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_HEADER_BYTES = 1 << 16


class CsvEncoder:
    """Values as text, by the C writer where it writes them right."""

    def __init__(self, columns: Columns) -> None:
        self._columns = columns
        self._odd = False  # a block had values that are not among `_SIMPLE`: the next ones may have some, too

    def start(self) -> bytes:
        names = self._columns.names
        return (",".join(map(csv_field, names)) + "\n").encode() if names else b""

    def block(self, block: "Block") -> bytes:
        values = self._columns.values(block)
        if len(self._columns.names) == 1:
            return "".join(f"{_lone_field(value)}\n" for (value,) in values).encode()
        try:
            text = None if self._odd and not _simple(values) else _quickly(values)
        except RecursionError:  # the C writer's, over a nested value
            text = None
        # That all values are simple is mostly seen in what was written, in a fifth of the time.
        if text and not self._odd and any(mark in text for mark in _OF_OTHERS) and not _simple(values):
            text, self._odd = None, True
        return ("".join(map(_line, values)) if text is None else text).encode()

    def end(self) -> bytes:
        return b""


def encoder(columns: Columns) -> CsvEncoder:
    return CsvEncoder(columns)


def formulas_quoted(blocks: "Iterable[Block]", declared: Sequence[str] = ()) -> "Iterator[Block]":
    """Blocks in which text that a spreadsheet would run as a formula begins with an apostrophe.

    Raises ColumnsDiffer for a column's name of this kind: readers find columns by their names.
    """
    for block in blocks:
        names = dict.fromkeys(chain(declared, chain.from_iterable(block.rows)))
        if odd := next((name for name in names if name.startswith(_RUNS)), None):
            raise ColumnsDiffer(
                f"a spreadsheet would run the name of the column {odd[:60]!r} as a formula",
                fix="have the API rename it, or set csv_formulas to keep",
            )
        yield block.with_rows([{name: _quoted(v) for name, v in row.items()} for row in block.rows])


def _quoted(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.startswith(_RUNS) else value


def _simple(rows: Sequence[tuple[Any, ...]]) -> bool:
    return set(map(type, chain.from_iterable(rows))) <= _SIMPLE


def _quickly(rows: Sequence[tuple[Any, ...]]) -> str | None:
    """Lines by the C writer, which takes a third of the time; None where it would write them wrong.

    It cannot tell an empty text from null, so rows with one are written separately. Before Python 3.13 it
    leaves carriage returns bare, which is seen in what it wrote.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    start = 0
    for number in [number for number, row in enumerate(rows) if "" in row]:
        writer.writerows(rows[start:number])
        text.write(_line(rows[number]))
        start = number + 1
    writer.writerows(rows[start:] if start else rows)
    lines = text.getvalue()
    return None if "\r" in lines else lines


def _line(row: tuple[Any, ...]) -> str:
    return ",".join(map(csv_field, row)) + "\n"


def csv_field(value: Any) -> str:
    """One value as CSV text."""
    if value is None:
        return ""
    if isinstance(value, str):
        if value == "" or any(mark in value for mark in ',"\r\n'):
            return '"' + value.replace('"', '""') + '"'
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return csv_field(json_text(value)) if isinstance(value, dict | list) else str(value)


def _lone_field(value: Any) -> str:
    """The only value of a line: a bare backslash and dot there end the data for PostgreSQL's COPY."""
    return '"\\."' if value == "\\." else csv_field(value)


def count_rows(file: BinaryIO, columns: Sequence[str], types: Mapping[str, str]) -> int:
    """Rows of an object; `types` are not in CSV."""
    csv.field_size_limit(_LARGEST_FIELD)
    text = io.TextIOWrapper(io.BufferedReader(cast(Any, file), _BLOCK), encoding="utf-8", newline="")
    lines = csv.reader(text, strict=True)
    header, width, rows = next(lines, []), len(columns), 0
    if header != list(columns):
        raise Unreadable(f"the header is {', '.join(header)[:200]!r}, not {', '.join(columns)[:200]!r}")
    for rows, line in enumerate(lines, 1):
        if len(line) != width and (line or width != 1):  # of one column, a null is an empty line
            raise Unreadable(f"row {rows - 1:,} has {len(line)} fields, not {width}")
    return rows


def record_batches(file: BinaryIO, schema: "pyarrow.Schema", most_rows: int) -> "Iterator[Any]":
    """Rows typed by `schema`: `0511` stays text, null and empty text stay apart."""
    import pyarrow.csv

    # Before any row: Arrow goes by position, so columns in another order would be swapped without a word.
    line = file.readline(_HEADER_BYTES).decode()
    Unreadable.unless_same_columns(next(csv.reader([line]), []), schema.names)
    options = pyarrow.csv.ReadOptions(column_names=schema.names, block_size=_BLOCK, use_threads=False)
    yield from pyarrow.csv.open_csv(
        file,
        read_options=options,
        parse_options=pyarrow.csv.ParseOptions(newlines_in_values=True),
        convert_options=pyarrow.csv.ConvertOptions(
            column_types=schema,
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
            true_values=["true"],
            false_values=["false"],
        ),
    )
