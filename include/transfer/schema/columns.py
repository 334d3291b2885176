"""The columns of a batch: fixed by the dataset or by its first row, the same in every row."""

import json
from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from include.transfer.errors import ColumnsDiffer, NotRows
from include.transfer.schema.numbers import ExactNumber

if TYPE_CHECKING:
    from include.transfer.source.json_rows import Block

_SAMPLE_ROWS = 1_000  # from which types are inferred, whatever blocks they come in
_SAMPLE_BYTES = 4 << 20


class Columns:
    """Column names in order, and the check that no row has others.

    `expected`: column → type as the dataset declares them; empty: the first row decides.
    """

    def __init__(self, expected: Mapping[str, str]) -> None:
        self.types: dict[str, str] = dict(expected)
        self.names: tuple[str, ...] = tuple(expected)
        self.rows = 0  # seen so far

    def learn(self, block: "Block") -> None:
        """Take the names from the first block, unless they are declared."""
        self.names = self.names or tuple(block.rows[0])
        if not self.names:
            raise ColumnsDiffer("it has no columns", where="the first row of the batch")

    def infer(self, rows: Sequence[dict[str, Any]]) -> None:
        """Take the types of values, for a format that needs them, from the first rows.

        A column that is all null there is text; a nested one is JSON text.
        """
        # A column that a row lacks is refused when its values are taken.
        self.types = {name: _type({_kind(row.get(name)) for row in rows}) for name in self.names}

    def values(self, block: "Block") -> list[tuple[Any, ...]]:
        """Each row's values in the order of `names`. Raises ColumnsDiffer at the first row that differs."""
        count = len(self.names)
        pick = _picker(self.names)
        try:
            values = list(map(pick, block.rows))
        except KeyError:
            values = []
        if not values or set(map(len, block.rows)) != {count}:
            self._refuse(block)
        self.rows += len(values)
        return values

    def _refuse(self, block: "Block") -> None:
        expected = set(self.names)
        for number, row in enumerate(block.rows, self.rows):
            if set(row) != expected:
                missing, extra = sorted(expected - set(row)), sorted(set(row) - expected)
                raise ColumnsDiffer(
                    f"it has other columns than the rows before it: missing {missing}, unexpected {extra}",
                    where=f"row {number:,} of the batch",
                )


def sampled(blocks: Sequence["Block"]) -> list[dict[str, Any]] | None:
    """The rows that types are inferred from; None: more have to come."""
    rows: list[dict[str, Any]] = []
    size = 0
    for row in chain.from_iterable(block.rows for block in blocks):
        rows.append(row)
        size += len(json_text(row))
        if len(rows) >= _SAMPLE_ROWS or size >= _SAMPLE_BYTES:
            return rows
    return None


def _picker(names: tuple[str, ...]) -> Callable[[dict[str, Any]], tuple[Any, ...]]:
    if len(names) > 1:
        return itemgetter(*names)
    return lambda row: tuple(row[name] for name in names)


def _kind(value: Any) -> type:
    if not isinstance(value, ExactNumber):
        return type(value)
    whole = value.text.lstrip("-").isdigit()
    held = value.as_int64() if whole else value.as_double()
    return str if held is None else type(held)


def _type(kinds: set[type]) -> str:
    kinds -= {type(None)}
    if kinds == {bool}:
        return "boolean"
    if kinds == {int}:
        return "int64"
    return "double" if kinds and kinds <= {int, float} else "string"


def json_text(value: Any) -> str:
    """`value` as compact JSON, each number with its digits."""
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    except TypeError:
        return _json_text(value)
    except RecursionError:
        raise NotRows("a value is nested too deep to be written") from None


def _json_text(value: Any) -> str:
    """The same for values with exact numbers in them, which the encoder does not know."""
    if isinstance(value, ExactNumber):
        return value.text
    if isinstance(value, dict):
        return "{" + ",".join(f"{json_text(key)}:{json_text(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(json_text, value)) + "]"
    raise TypeError(f"{type(value).__name__} is not a value of JSON")
