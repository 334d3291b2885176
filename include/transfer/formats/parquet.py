"""Parquet: row groups written as rows arrive, columns typed by the dataset or by the first block."""

import io
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO

from include.transfer.errors import ColumnsDiffer
from include.transfer.formats.unreadable import Unreadable
from include.transfer.schema.columns import Columns, json_text

if TYPE_CHECKING:
    import pyarrow as pa

    from include.transfer.source.json_rows import Block

# Read once, when pyarrow is loaded: give freed memory back at once, 20 MB of a copy's peak.
os.environ.setdefault("MIMALLOC_PURGE_DELAY", "0")
os.environ.setdefault("MIMALLOC_ARENA_EAGER_COMMIT", "0")

SUFFIX = ".parquet"
COMPRESSIONS = ("none",)  # it compresses its own columns
ORDERED = False
TYPED = True

ROW_GROUP_ROWS = 16_384
_TEXT = {str, type(None)}
_ARROW = {"string": "string", "int64": "int64", "double": "double", "boolean": "bool"}
_BLOCK = 1 << 20


def arrow_schema(types: Mapping[str, str]) -> "pa.Schema":
    """The columns' types as Arrow has them."""
    import pyarrow as pa

    return pa.schema([(name, pa.type_for_alias(_ARROW[kind])) for name, kind in types.items()])


class ParquetEncoder:
    """zstd-compressed columns in row groups of `ROW_GROUP_ROWS`; the same rows give the same bytes."""

    def __init__(self, columns: Columns) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        self._pa = pa
        self._columns = columns
        self._types = columns.inferred()
        self._schema = arrow_schema(self._types)
        self._sink = _Sink()
        self._writer = pq.ParquetWriter(self._sink, self._schema, compression="zstd")
        self._waiting: list[pa.RecordBatch] = []
        self._rows_waiting = 0
        self._rows = 0

    def start(self) -> bytes:
        return self._sink.take()

    def block(self, block: "Block") -> bytes:
        by_column = zip(*self._columns.values(block), strict=True)
        arrays = [
            self._array(name, kind, values)
            for (name, kind), values in zip(self._types.items(), by_column, strict=True)
        ]
        self._waiting.append(self._pa.RecordBatch.from_arrays(arrays, schema=self._schema))
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
        table = self._pa.Table.from_batches(self._waiting)
        self._writer.write_table(table.slice(0, ROW_GROUP_ROWS), row_group_size=ROW_GROUP_ROWS)
        self._waiting = table.slice(ROW_GROUP_ROWS).to_batches()
        self._rows_waiting = sum(batch.num_rows for batch in self._waiting)

    def _array(self, name: str, kind: str, values: tuple[Any, ...]) -> "pa.Array":
        kinds = set(map(type, values))
        if kind == "string" and not kinds <= _TEXT:
            values = tuple(v if v is None or isinstance(v, str) else json_text(v) for v in values)
        try:
            # What Arrow would turn into numbers without a word.
            if bool in kinds and kind != "boolean":
                raise TypeError("a boolean is not a number")
            if float in kinds and kind == "int64" and not all(map(_is_whole, values)):
                raise TypeError("a fraction is not a whole number")
            return self._typed(values, kind)
        except (self._pa.ArrowException, OverflowError, TypeError, ValueError) as error:
            raise self._misfit(name, kind, values) from error

    def _typed(self, values: Sequence[Any], kind: str) -> "pa.Array":
        return self._pa.array(values, type=self._pa.type_for_alias(_ARROW[kind]))

    def _misfit(self, name: str, kind: str, values: tuple[Any, ...]) -> ColumnsDiffer:
        """Name the first value that is not of the column's type."""
        misfits = (
            (row, value) for row, value in enumerate(values, self._rows) if not self._fits(value, kind)
        )
        row, value = next(misfits, (self._rows, values))
        return ColumnsDiffer(
            f"column {name} holds {str(value)[:60]!r}; it is {kind}, as declared or as in the first rows",
            where=f"row {row:,} of the batch",
            fix="declare the column's type in the dataset",
        )

    def _fits(self, value: Any, kind: str) -> bool:
        if (kind != "boolean" and isinstance(value, bool)) or (kind == "int64" and not _is_whole(value)):
            return False
        try:
            self._typed([value], kind)
        except (self._pa.ArrowException, OverflowError, TypeError, ValueError):
            return False
        return True


def encoder(columns: Columns) -> ParquetEncoder:
    return ParquetEncoder(columns)


def _is_whole(value: Any) -> bool:
    return not isinstance(value, float) or value.is_integer()


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


def count_rows(file: BinaryIO, columns: Sequence[str], types: Mapping[str, str]) -> int:
    """Rows of an object, of the columns `types` where these are given."""
    import pyarrow.parquet as pq

    with tempfile.TemporaryFile() as seekable:
        while block := file.read(_BLOCK):
            seekable.write(block)
        reader = pq.ParquetFile(seekable)
        held = {field.name: str(field.type) for field in reader.schema_arrow}
        Unreadable.unless_same_columns(list(held), columns)
        for name, kind in types.items():
            if held.get(name) != _ARROW.get(kind):
                raise Unreadable(f"column {name} is of type {held.get(name)}, not {kind}")
        return sum(batch.num_rows for batch in reader.iter_batches())


def record_batches(file: BinaryIO, schema: "pa.Schema", most_rows: int) -> "Iterator[Any]":
    """Rows cast to `schema`; `file` can be sought in."""
    import pyarrow.parquet as pq

    reader = pq.ParquetFile(file)
    Unreadable.unless_same_columns(reader.schema_arrow.names, schema.names)
    for batch in reader.iter_batches(batch_size=most_rows, use_threads=False):
        yield batch.cast(schema)
