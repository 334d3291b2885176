"""Parquet is written in groups of bounded rows and bytes, the same whatever blocks the rows come in."""

import io

import pyarrow as pa
import pyarrow.parquet as pq

from include.transfer.formats import FORMATS
from include.transfer.schema.columns import Columns
from include.transfer.source.json_rows import decode
from tests.unit.transfer.test_formats import body_of, read_parquet, written


def test_parquet_row_groups_do_not_depend_on_blocks():
    rows = [{"n": n, "t": f"text {n}"} for n in range(40_000)]
    whole, cut = (written(rows, piece, format="parquet") for piece in (1 << 22, 10_000))
    assert whole == cut
    metadata = pq.ParquetFile(io.BytesIO(whole)).metadata
    assert [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)] == [16_384, 16_384, 7_232]
    assert read_parquet(whole).to_pylist() == rows


def test_parquet_types_do_not_depend_on_blocks():
    """The first fraction comes behind the first small block, and within the sample."""
    rows = [{"n": n, "t": "x" * 1_000} for n in range(900)] + [{"n": 0.5, "t": "y"}]
    whole, cut = (written(rows, piece, format="parquet") for piece in (1 << 22, 1_000))
    assert whole == cut
    assert str(read_parquet(whole).schema.field("n").type) == "double"


def test_parquet_row_groups_are_bounded_by_bytes(monkeypatch):
    monkeypatch.setattr("include.transfer.formats.row_groups.ROW_GROUP_BYTES", 1 << 20)
    rows = [{"n": n, "t": f"{n:06}" * 10_000, "u": None if n % 2 else "é" * 7} for n in range(100)]
    whole, cut = (written(rows, piece, format="parquet") for piece in (1 << 23, 100_000))
    assert whole == cut
    assert read_parquet(whole).to_pylist() == rows
    metadata = pq.ParquetFile(io.BytesIO(whole)).metadata
    sizes = [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)]
    assert sizes == [18, 18, 18, 18, 18, 10]  # of 60,000 bytes and some


def test_parquet_holds_no_more_than_a_row_group_and_a_block(monkeypatch):
    monkeypatch.setattr("include.transfer.formats.row_groups.ROW_GROUP_BYTES", 1 << 20)
    body = body_of([{"t": "x" * 50_000} for _ in range(400)])
    columns = Columns({"t": "string"})
    encoder = FORMATS["parquet"].encoder(columns)
    for block in decode([body[i : i + 65536] for i in range(0, len(body), 65536)]):
        encoder.block(block)
        assert pa.total_allocated_bytes() < 3 << 20
    encoder.end()
