"""The columns of a batch: fixed by the dataset or by its first row, the same in every row."""

import json
from collections.abc import Callable, Mapping
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from include.transfer.errors import ColumnsDiffer, NotRows

if TYPE_CHECKING:
    from include.transfer.source.json_rows import Block


class Columns:
    """Column names in order, and the check that no row has others.

    `expected`: column → type as the dataset declares them; empty: the first row decides.
    """

    def __init__(self, expected: Mapping[str, str]) -> None:
        self.types: dict[str, str] = dict(expected)
        self.names: tuple[str, ...] = tuple(expected)
        self.rows = 0  # seen so far
        self._first: Block | None = None

    def learn(self, block: "Block") -> None:
        """Take names, and types where values show them, from the first block, unless they are declared."""
        if not self.names:
            self.names = tuple(block.rows[0])
            self._first = block
        if not self.names:
            raise ColumnsDiffer("it has no columns", where="the first row of the batch")

    def inferred(self) -> dict[str, str]:
        """Types for a format that needs them: as declared, else as the first block's values are.

        A column that is all null there is text; a nested one is JSON text.
        """
        if self._first:
            rows = self._first.rows  # a column that a row lacks is refused when its values are taken
            self.types = {name: _type({type(row.get(name)) for row in rows}) for name in self.names}
            self._first = None
        return self.types

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


def _picker(names: tuple[str, ...]) -> Callable[[dict[str, Any]], tuple[Any, ...]]:
    if len(names) > 1:
        return itemgetter(*names)
    return lambda row: tuple(row[name] for name in names)


def _type(kinds: set[type]) -> str:
    kinds -= {type(None)}
    if kinds == {bool}:
        return "boolean"
    if kinds == {int}:
        return "int64"
    return "double" if kinds and kinds <= {int, float} else "string"


def json_text(value: Any) -> str:
    """`value` as compact JSON; integers of any length stay exact."""
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    except RecursionError:
        raise NotRows("a value is nested too deep to be written") from None
