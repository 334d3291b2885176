"""The schema contract where none is declared: the columns of some rows, and the type of each."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from include.transfer.errors import ColumnsDiffer
from include.transfer.schema.columns import MOST_COLUMNS, Columns


@dataclass(frozen=True)
class Contract:
    """`types`: column → string, int64, double or boolean; `notes`: what a reader should know of them."""

    types: dict[str, str]
    notes: tuple[str, ...]


def contract_of(rows: Sequence[dict[str, Any]]) -> Contract:
    """Every column of any row, in the order in which they come, with the type that the engine infers.

    Raises ColumnsDiffer for more columns than a run can have.
    """
    names = dict.fromkeys((name for row in rows for name in row), "string")
    if len(names) > MOST_COLUMNS:
        raise ColumnsDiffer(f"its rows have more than {MOST_COLUMNS:,} columns")
    columns = Columns(names)
    columns.infer(rows)
    kinds = {name: {type(row.get(name)) for row in rows} - {type(None)} for name in names}
    return Contract(columns.types, tuple(_notes(rows, columns.types, kinds)))


def _notes(
    rows: Sequence[dict[str, Any]], types: dict[str, str], kinds: dict[str, set[type]]
) -> Iterator[str]:
    empty = [name for name, found in kinds.items() if not found]
    nested = [name for name, found in kinds.items() if found & {dict, list}]
    mixed = [name for name, found in kinds.items() if len(found) > 1 and types[name] == "string"]
    sparse = [name for name in kinds if any(name not in row for row in rows)]
    if empty:
        yield f"null in every row seen, so string by want of better: {', '.join(empty)}"
    if mixed:
        yield f"values of several types, so string: {', '.join(mixed)}"
    if nested:
        yield f"nested values: NDJSON keeps them, CSV and Parquet hold them as JSON text: {', '.join(nested)}"
    if sparse:
        yield f"some rows lack these columns: {', '.join(sparse)}"
