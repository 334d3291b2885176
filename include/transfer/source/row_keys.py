"""The keys of a batch's rows: present in each, 64 bits of hash for each, and whether they ascend."""

import json
from collections.abc import Sequence
from itertools import chain
from operator import lt
from typing import Any

import orjson

from include.transfer.errors import KeyMissing
from include.transfer.schema.numbers import ExactNumber
from include.transfer.source.row_hashes import hashed

_LONGEST_KEPT = 1_024  # bytes of JSON of a first or last key
_NUMBERS, _TEXTS = {int, float}, {str}


class RowKeys:
    """The values of `columns` in each row.

    `first` and `last`: of the batch, as long as its keys ascend strictly; else None. Only numbers and texts
    have an order here, texts that of their characters.
    """

    def __init__(self, columns: Sequence[str]) -> None:
        self.columns = list(columns)
        self.first: list[Any] | None = None
        self.last: list[Any] | None = None
        self._rows = 0
        self._ascend = True

    def add(self, rows: Sequence[dict[str, Any]]) -> bytes:
        """The hashes of the next rows' keys. Raises KeyMissing for a row without one."""
        keys = [[row.get(name) for name in self.columns] for row in rows]
        if None in chain.from_iterable(keys):
            self._refuse(keys)
        if ExactNumber in set(map(type, chain.from_iterable(keys))):
            keys = [list(map(_as_int, key)) for key in keys]
        self._rows += len(keys)
        self._ascend = self._ascend and self._goes_on(keys)
        self.first, self.last = (self.first or keys[0], keys[-1]) if self._ascend else (None, None)
        try:
            return hashed(map(orjson.dumps, keys))
        except TypeError:  # an integer of more than 64 bits
            return hashed(map(_text, keys))

    def to_dict(self) -> dict[str, Any]:
        """As it is stored; an end that is too long to be kept has no order."""
        ends = [self.first, self.last]
        if len(json.dumps(ends)) > _LONGEST_KEPT:
            ends = [None, None]
        return {"columns": self.columns, "first": ends[0], "last": ends[1]}

    def _goes_on(self, keys: list[list[Any]]) -> bool:
        kinds = [set(map(type, column)) for column in zip(*keys, strict=True)]
        if not all(kind <= _NUMBERS or kind <= _TEXTS for kind in kinds):
            return False
        before = keys if self.last is None else [self.last, *keys]
        try:
            return all(map(lt, before, before[1:]))
        except TypeError:  # numbers behind texts
            return False

    def _refuse(self, keys: list[list[Any]]) -> None:
        number, key = next(pair for pair in enumerate(keys, self._rows) if None in pair[1])
        raise KeyMissing(
            f"it has no value in {self.columns[key.index(None)]!r}, a column of the dataset's key",
            where=f"row {number:,} of the batch",
        )


def _as_int(value: Any) -> Any:
    """Whole numbers of more than 64 bits have an order, too."""
    whole = isinstance(value, ExactNumber) and len(value.text) <= _LONGEST_KEPT
    return int(value.text) if whole and value.text.lstrip("-").isdigit() else value


def _text(key: list[Any]) -> bytes:
    try:
        return orjson.dumps(key)
    except TypeError:  # an integer of more than 64 bits
        return json.dumps(key, default=str).encode()
