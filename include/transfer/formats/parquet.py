"""Parquet: row groups written as rows arrive, columns typed by the dataset or by its first block."""

import io
import os
from typing import Any

# Read once, when pyarrow is loaded: give freed memory back at once, 20 MB of a copy's peak.
os.environ.setdefault("MIMALLOC_PURGE_DELAY", "0")
os.environ.setdefault("MIMALLOC_ARENA_EAGER_COMMIT", "0")

import pyarrow as pa
import pyarrow.parquet as pq

from include.transfer.errors import ColumnsDiffer
from include.transfer.schema.columns import Columns, json_text
from include.transfer.source.json_rows import Block

ROW_GROUP_ROWS = 16_384
_TEXT = {str, type(None)}
_ARROW = {"string": pa.string(), "int64": pa.int64(), "double": pa.float64(), "boolean": pa.bool_()}


class Parquet:
    """zstd-compressed columns in row groups of `ROW_GROUP_ROWS`; the same rows give the same bytes."""

    def __init__(self, columns: Columns) -> None:
        self._columns = columns
        self._types = columns.inferred()
        self._schema = pa.schema([(name, _ARROW[kind]) for name, kind in self._types.items()])
        self._sink = _Sink()
        self._writer = pq.ParquetWriter(self._sink, self._schema, compression="zstd")
        self._waiting: list[pa.RecordBatch] = []
        self._rows_waiting = 0
        self._rows = 0

    def start(self) -> bytes:
        return self._sink.take()

    def block(self, block: Block) -> bytes:
        by_column = zip(*self._columns.values(block), strict=True)
        arrays = [
            self._array(name, kind, values)
            for (name, kind), values in zip(self._types.items(), by_column, strict=True)
        ]
        self._waiting.append(pa.RecordBatch.from_arrays(arrays, schema=self._schema))
        self._rows += len(block.rows)
        self._rows_waiting += len(block.rows)
        while self._rows_waiting >= ROW_GROUP_ROWS:
            self._write_group()
        return self._sink.take()

    def end(self) -> bytes:
        if self._waiting:
            self._write_group()
        self._writer.close()
        return self._sink.take()

    def _write_group(self) -> None:
        table = pa.Table.from_batches(self._waiting)
        self._writer.write_table(table.slice(0, ROW_GROUP_ROWS), row_group_size=ROW_GROUP_ROWS)
        self._waiting = table.slice(ROW_GROUP_ROWS).to_batches()
        self._rows_waiting = sum(batch.num_rows for batch in self._waiting)

    def _array(self, name: str, kind: str, values: tuple[Any, ...]) -> pa.Array:
        kinds = set(map(type, values))
        if kind == "string" and not kinds <= _TEXT:
            values = tuple(v if v is None or isinstance(v, str) else json_text(v) for v in values)
        try:
            # What Arrow would turn into numbers without a word.
            if bool in kinds and kind != "boolean":
                raise TypeError("a boolean is not a number")
            if float in kinds and kind == "int64" and not all(map(_is_whole, values)):
                raise TypeError("a fraction is not a whole number")
            return pa.array(values, type=_ARROW[kind])
        except (pa.ArrowException, OverflowError, TypeError, ValueError) as error:
            raise self._misfit(name, kind, values) from error

    def _misfit(self, name: str, kind: str, values: tuple[Any, ...]) -> ColumnsDiffer:
        """Name the first value that is not of the column's type."""
        misfits = ((row, value) for row, value in enumerate(values, self._rows) if not _fits(value, kind))
        row, value = next(misfits, (self._rows, values))
        return ColumnsDiffer(
            f"row {row:,} of the batch: column {name} holds {str(value)[:60]!r}; expected {kind}, as "
            f"declared or as in the first rows; declare the column's type in the dataset"
        )


def _is_whole(value: Any) -> bool:
    return not isinstance(value, float) or value.is_integer()


def _fits(value: Any, kind: str) -> bool:
    if (kind != "boolean" and isinstance(value, bool)) or (kind == "int64" and not _is_whole(value)):
        return False
    try:
        pa.array([value], type=_ARROW[kind])
    except (pa.ArrowException, OverflowError, TypeError, ValueError):
        return False
    return True


class _Sink(io.RawIOBase):
    """Where the Parquet writer writes: hands out what came since the last call, and forgets it."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._position = 0

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def write(self, piece: Any) -> int:
        data = bytes(piece)
        self._pieces.append(data)
        self._position += len(data)
        return len(data)

    def take(self) -> bytes:
        pieces, self._pieces = self._pieces, []
        return b"".join(pieces)
