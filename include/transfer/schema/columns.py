"""The columns of an object: those of its run's contract, else those of its first row.

A row that lacks one has null there. What no column holds fails the copy, or is kept in the column `_rescued`.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from include.transfer.errors import ColumnsDiffer, NotRows
from include.transfer.schema.numbers import ExactNumber

if TYPE_CHECKING:
    from include.transfer.source.blocks import Block

SAMPLE_ROWS = 1_000  # from which types are inferred, whatever blocks they come in
_SAMPLE_BYTES = 4 << 20
RESCUED = "_rescued"
MOST_COLUMNS = 10_000  # that rows may have together, where each keeps its own


class Columns:
    """Column names in order, and what becomes of rows that have others.

    `expected`: column → type as the run's contract has them; empty: the first row decides. `rescues`: what
    does not fit is kept, in `RESCUED`, the last column; else it is an error.
    """

    def __init__(self, expected: Mapping[str, str], *, rescues: bool = False) -> None:
        self.types: dict[str, str] = dict(expected)
        self.names: tuple[str, ...] = tuple(expected)
        self.rescues = rescues
        self.rows = 0  # seen so far
        self.rescued = 0  # rows with something in `RESCUED`
        self._own = self.names  # without it
        self._empty: list[int] | None = None  # places of columns that have been null in every row

    def learn(self, block: "Block | None", *, tabular: bool) -> None:
        """Take the names from the first block, unless they are known.

        `tabular`: every row has all columns, and may need one more.
        """
        own = self.names or tuple(block.rows[0] if block else ())
        self._own = tuple(name for name in own if name != RESCUED) if self.rescues and tabular else own
        if block and not self._own:
            raise ColumnsDiffer("it has no columns", where="the first row of the batch")
        added = (RESCUED,) if self._own and self.rescues and tabular else ()
        self.names = self._own + added
        if self.types:
            self.types |= dict.fromkeys(added, "string")

    def infer(self, rows: Sequence[dict[str, Any]]) -> None:
        """Take the types of values, for a format that needs them, from the first rows.

        A column that is all null there is text; a nested one is JSON text.
        """
        self.types = {name: _type({_kind(row.get(name)) for row in rows}) for name in self._own}
        self.types |= dict.fromkeys(self.names[len(self._own) :], "string")

    def values(self, block: "Block") -> list[tuple[Any, ...]]:
        """Each row's values in the order of `names`; in `RESCUED` an object of what no column holds, or None.

        Raises ColumnsDiffer at the first row with an unknown column, unless that is to be kept.
        """
        count = len(self._own)
        pick = _picker(self._own)
        rest: list[dict[str, Any] | None] = []
        try:
            values = list(map(pick, block.rows))
        except KeyError:
            values = []
        if not values or set(map(len, block.rows)) != {count}:
            values = [tuple(map(row.get, self._own)) for row in block.rows]
            rest = self._rest(block)
        self.rows += len(values)
        empty = range(count) if self._empty is None else self._empty
        self._empty = [at for at in empty if all(row[at] is None for row in values)]
        if not self.rescues:
            return values
        self.rescued += len(rest) - rest.count(None)
        rest = rest or [None] * len(values)
        return [(*own, more) for own, more in zip(values, rest, strict=True)]

    @property
    def nulls(self) -> list[str] | None:
        """Columns that are null in every row that `values` gave; None: it gave none."""
        return None if self._empty is None else [self._own[at] for at in self._empty]

    def keep(self, block: "Block") -> None:
        """Note the columns of rows that are kept as they came. Raises as `values` does."""
        known = set(self.names)
        if not all(map(known.issuperset, block.rows)):
            self._refuse_unknown(block)
            found = dict.fromkeys((*self.names, *chain.from_iterable(block.rows)))
            if len(found) > MOST_COLUMNS:
                raise ColumnsDiffer(f"its rows have more than {MOST_COLUMNS:,} columns")
            self.names = tuple(found)
        self.rows += len(block.rows)

    def _rest(self, block: "Block") -> list[dict[str, Any] | None]:
        """What of each row no column holds, None if there is nothing."""
        self._refuse_unknown(block)
        known = set(self._own)
        return [
            None if known.issuperset(row) else {name: row[name] for name in row if name not in known}
            for row in block.rows
        ]

    def _refuse_unknown(self, block: "Block") -> None:
        if self.rescues:
            return
        known = set(self._own)
        for number, row in enumerate(block.rows, self.rows):
            if not known.issuperset(row):
                missing, extra = sorted(known - set(row)), sorted(set(row) - known)
                raise ColumnsDiffer(
                    f"it has other columns than declared or inferred: missing {missing}, unexpected {extra}",
                    where=f"row {number:,} of the batch",
                )


def first_rows(blocks: "Iterable[Block]") -> tuple[list[dict[str, Any]], bool]:
    """The rows that types are inferred from, and whether these are enough; no block behind them is taken."""
    rows: list[dict[str, Any]] = []
    size = 0
    for row in chain.from_iterable(block.rows for block in blocks):
        rows.append(row)
        size += len(json_text(row))
        if len(rows) >= SAMPLE_ROWS or size >= _SAMPLE_BYTES:
            return rows, True
    return rows, False


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
