"""Row groups of a Parquet file: rows that wait until their number, or their bytes, fill one."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

ROW_GROUP_ROWS = 16_384
ROW_GROUP_BYTES = 32 << 20  # a group is in memory until it is full
_VALUE_BYTES = 8  # of each value, beside its text


class RowGroup:
    """Rows that wait for their row group to be full."""

    def __init__(self) -> None:
        self.rows = 0
        self.bytes = 0
        self._batches: list[pa.RecordBatch] = []

    def add(self, batch: "pa.RecordBatch") -> None:
        self._batches.append(batch)
        self.rows += batch.num_rows
        self.bytes += _text_bytes(batch) + batch.num_rows * batch.num_columns * _VALUE_BYTES

    def whole_group(self) -> int:
        """How many of the first rows fill a row group; 0: they do not."""
        if self.bytes >= ROW_GROUP_BYTES:
            size = 0
            for number, row in enumerate(self._row_bytes(), 1):
                size += row
                if size >= ROW_GROUP_BYTES or number == ROW_GROUP_ROWS:
                    return number
        return ROW_GROUP_ROWS if self.rows >= ROW_GROUP_ROWS else 0

    def take(self, rows: int) -> "pa.Table":
        """Remove the first `rows`, and return them."""
        import pyarrow as pa

        table = pa.Table.from_batches(self._batches)
        self._batches, self.rows, self.bytes = [], 0, 0
        for batch in table.slice(rows).to_batches():
            self.add(batch)
        return table.slice(0, rows)

    def _row_bytes(self) -> Iterator[int]:
        for batch in self._batches:
            fixed = batch.num_columns * _VALUE_BYTES
            ends = [_ends(column) for column in batch.columns if column.type == "string"]
            for row in range(batch.num_rows):
                yield fixed + sum(at[row + 1] - at[row] for at in ends)


def _text_bytes(batch: "pa.RecordBatch") -> int:
    ends = [_ends(column) for column in batch.columns if column.type == "string"]
    return sum(at[-1] - at[0] for at in ends)


def _ends(column: "pa.Array") -> memoryview:
    """Where the text of each row of a column begins, and the last one ends."""
    offsets = memoryview(column.buffers()[1]).cast("i")
    return offsets[column.offset : column.offset + len(column) + 1]
