"""Parquet: row groups written as rows arrive, columns typed by the run's contract or by the first rows."""

import io
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from include.transfer.formats.row_groups import RowGroup
from include.transfer.formats.unreadable import Unreadable
from include.transfer.schema.arrow import ARROW_TYPES, arrow_array, arrow_schema, fitting
from include.transfer.schema.columns import Columns, first_rows

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

    from include.transfer.source.blocks import Block

# Read once, when pyarrow is loaded: give freed memory back at once, 20 MB of a copy's peak.
os.environ.setdefault("MIMALLOC_PURGE_DELAY", "0")
os.environ.setdefault("MIMALLOC_ARENA_EAGER_COMMIT", "0")

SUFFIX = ".parquet"
COMPRESSIONS = ("none",)  # it compresses its own columns
ORDERED = False
TABULAR = True
TYPED = True

_BLOCK = 1 << 20


class ParquetEncoder:
    """zstd-compressed columns in row groups of a bounded number of rows and bytes.

    The same rows give the same bytes: neither types nor row groups depend on the blocks that rows come in.
    """

    def __init__(self, columns: Columns) -> None:
        self._columns = columns
        self._sink = _Sink()
        self._waiting = RowGroup()
        self._rows = 0
        self._sample: list[Block] = []
        self._writer: pq.ParquetWriter | None = None
        if columns.types or not columns.names:
            self._open()

    def _open(self) -> None:
        import pyarrow.parquet as pq

        self._types = self._columns.types
        self._schema = arrow_schema(self._types)
        self._writer = pq.ParquetWriter(self._sink, self._schema, compression="zstd")

    def start(self) -> bytes:
        return self._sink.take()

    def block(self, block: "Block") -> bytes:
        if self._writer:
            self._add(block)
        else:
            self._sample.append(block)
            self._open_by_sample(whole=False)
        return self._sink.take()

    def end(self) -> bytes:
        if not self._writer:
            self._open_by_sample(whole=True)
        if rows := self._waiting.rows:
            self._write_group(rows)
        cast("pq.ParquetWriter", self._writer).close()
        return self._sink.take()

    def _open_by_sample(self, *, whole: bool) -> None:
        """Open the file if the first rows are enough to infer its types, or are the `whole` batch."""
        rows, enough = first_rows(self._sample)
        if not enough and not whole:
            return
        self._columns.infer(rows)
        self._open()
        sample, self._sample = self._sample, []
        for block in sample:
            self._add(block)

    def _add(self, block: "Block") -> None:
        import pyarrow as pa

        by_column: Iterable[Sequence[Any]] = zip(*self._columns.values(block), strict=True)
        if self._columns.rescues:
            by_column, rescued = fitting(self._types, list(by_column))
            self._columns.rescued += rescued
        arrays = [
            arrow_array(name, kind, values, self._rows)
            for (name, kind), values in zip(self._types.items(), by_column, strict=True)
        ]
        self._rows += len(block.rows)
        self._waiting.add(pa.RecordBatch.from_arrays(arrays, schema=self._schema))
        while rows := self._waiting.whole_group():
            self._write_group(rows)

    def _write_group(self, rows: int) -> None:
        cast("pq.ParquetWriter", self._writer).write_table(self._waiting.take(rows), row_group_size=rows)


def encoder(columns: Columns) -> ParquetEncoder:
    return ParquetEncoder(columns)


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
            if held.get(name) != ARROW_TYPES.get(kind):
                raise Unreadable(f"column {name} is of type {held.get(name)}, not {kind}")
        groups = range(reader.num_row_groups)  # one by one: a batch may hold rows of several
        return sum(batch.num_rows for group in groups for batch in reader.iter_batches(row_groups=[group]))


def record_batches(file: BinaryIO, schema: "pa.Schema", most_rows: int) -> "Iterator[Any]":
    """Rows cast to `schema`; `file` can be sought in."""
    import pyarrow.parquet as pq

    reader = pq.ParquetFile(file)
    Unreadable.unless_same_columns(reader.schema_arrow.names, schema.names)
    for batch in reader.iter_batches(batch_size=most_rows, use_threads=False):
        yield batch.cast(schema)
