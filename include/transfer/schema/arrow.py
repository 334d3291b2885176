"""Values of a column as Arrow has them: all of the column's type, none rounded on the way."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from include.transfer.errors import ColumnsDiffer
from include.transfer.schema.columns import json_text
from include.transfer.schema.numbers import ExactNumber

if TYPE_CHECKING:
    import pyarrow as pa

ARROW_TYPES = {"string": "string", "int64": "int64", "double": "double", "boolean": "bool"}
_TEXT = {str, type(None)}


def arrow_schema(types: Mapping[str, str]) -> "pa.Schema":
    """The columns' types as Arrow has them."""
    import pyarrow as pa

    return pa.schema([(name, pa.type_for_alias(ARROW_TYPES[kind])) for name, kind in types.items()])


def arrow_array(name: str, kind: str, values: Sequence[Any], first: int) -> "pa.Array":
    """The values of column `name`; what is not text is JSON text where the column is.

    Raises ColumnsDiffer at the first value that does not fit; `first`: the row of the first.
    """
    import pyarrow as pa

    try:
        return _typed(kind, values)
    except (pa.ArrowException, OverflowError, TypeError, ValueError) as error:
        row, value = next((row, one) for row, one in enumerate(values, first) if not _fits(kind, one))
        raise ColumnsDiffer(
            f"column {name} holds {str(value)[:60]!r}; it is {kind}, as declared or inferred",
            where=f"row {row:,} of the batch",
            fix="declare it in the dataset's types (string takes every value), or set misfit to rescue",
        ) from error


def fitting(types: Mapping[str, str], by_column: list[Sequence[Any]]) -> tuple[list[Sequence[Any]], int]:
    """The values with null for each that does not fit its column; those stand in the last one, by name.

    Returns also how many rows have something there that had not.
    """
    odd: dict[int, dict[str, Any]] = {}
    columns = list(by_column)
    for at, (name, kind) in enumerate(list(types.items())[:-1]):
        misfits = _misfits(kind, columns[at])
        for row in misfits:
            odd.setdefault(row, {})[name] = columns[at][row]
        if misfits:
            columns[at] = [None if row in misfits else value for row, value in enumerate(columns[at])]
    before = columns[-1]
    if odd:
        columns[-1] = [
            {**(value or {}), **odd[row]} if row in odd else value for row, value in enumerate(before)
        ]
    return columns, sum(before[row] is None for row in odd)


def _misfits(kind: str, values: Sequence[Any]) -> set[int]:
    import pyarrow as pa

    try:
        _typed(kind, values)
    except (pa.ArrowException, OverflowError, TypeError, ValueError):
        return {row for row, value in enumerate(values) if not _fits(kind, value)}
    return set()


def _typed(kind: str, values: Sequence[Any]) -> "pa.Array":
    import pyarrow as pa

    kinds = set(map(type, values))
    if kind == "string":
        if not kinds <= _TEXT:
            values = [v if v is None or isinstance(v, str) else json_text(v) for v in values]
        return pa.array(values, type=pa.string())
    # What Arrow would turn into numbers without a word.
    if bool in kinds and kind != "boolean":
        raise TypeError("a boolean is not a number")
    if ExactNumber in kinds:
        values = [_fitted(kind, v) if isinstance(v, ExactNumber) else v for v in values]
    if float in kinds and kind == "int64" and not all(map(_is_whole, values)):
        raise TypeError("a fraction is not a whole number")
    return pa.array(values, type=pa.type_for_alias(ARROW_TYPES[kind]))


def _fitted(kind: str, number: ExactNumber) -> int | float:
    fitted = {"int64": number.as_int64, "double": number.as_double}.get(kind, lambda: None)()
    if fitted is None:
        raise TypeError(f"{kind} does not hold {number}")
    return fitted


def _is_whole(value: Any) -> bool:
    return not isinstance(value, float) or value.is_integer()


def _fits(kind: str, value: Any) -> bool:
    import pyarrow as pa

    try:
        _typed(kind, [value])
    except (pa.ArrowException, OverflowError, TypeError, ValueError):
        return False
    return True
