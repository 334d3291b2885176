"""What an object can be: one file a format, one file for all compressions, found here by name.

A new format is one file here with the functions of `Format`, one line in `FORMATS`, and its test.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

from include.transfer.formats import compression, csv, ndjson, parquet
from include.transfer.schema.columns import Columns

if TYPE_CHECKING:
    import pyarrow

    from include.transfer.source.blocks import Block


class Encoder(Protocol):
    """Turns blocks into bytes; `start` and `end` frame them."""

    def start(self) -> bytes: ...
    def block(self, block: "Block") -> bytes: ...
    def end(self) -> bytes: ...


class Format(Protocol):
    """A module that writes a format and reads it back.

    `count_rows` and `record_batches` share no code with the encoder, and get the object's bytes
    decompressed. Both raise Unreadable, or an error of the library that reads.
    """

    SUFFIX: str
    COMPRESSIONS: tuple[str, ...]  # those that the dataset may ask for
    ORDERED: bool  # readers go by a column's position, so its order is part of the schema
    TABULAR: bool  # every row has every column, so one that it lacks is null
    TYPED: bool  # an object has types of its own, so its receipt names them

    def encoder(self, columns: Columns) -> Encoder:
        """Memory of a few blocks, whatever comes."""

    def count_rows(self, file: BinaryIO, columns: Sequence[str], types: Mapping[str, str]) -> int:
        """The number of rows, each of them parsed and seen to have `columns`."""

    def record_batches(self, file: BinaryIO, schema: "pyarrow.Schema", most_rows: int) -> "Iterator[Any]":
        """The rows as Arrow record batches of `schema`, for who loads them."""


FORMATS: Mapping[str, Format] = {"csv": csv, "ndjson": ndjson, "parquet": parquet}  # type: ignore[dict-item]
COMPRESSIONS = tuple(compression.SUFFIXES)
FORMULAS = csv.FORMULAS


def suffix(format_: str, compressed: str) -> str:
    """The end of an object's name, for example `.csv.gz`."""
    return FORMATS[format_].SUFFIX + compression.SUFFIXES[compressed]


def encode(
    blocks: "Iterable[Block]", columns: Columns, format_: str, compressed: str, formulas: str = "keep"
) -> Iterator[bytes]:
    """The object's bytes, piece by piece; a batch without rows gives an object that is empty but valid.

    `formulas`: one of `FORMULAS`, for CSV.
    """
    if formulas == "quote" and format_ == "csv":
        blocks = csv.formulas_quoted(blocks, columns.names)
    return compression.compressed(_encoded(blocks, columns, FORMATS[format_]), compressed)


def _encoded(blocks: "Iterable[Block]", columns: Columns, format_: Format) -> Iterator[bytes]:
    encoder: Encoder | None = None
    for block in blocks:
        if encoder is None:
            columns.learn(block, tabular=format_.TABULAR)
            encoder = format_.encoder(columns)
            yield encoder.start()
        yield encoder.block(block)
    if encoder is None:
        columns.learn(None, tabular=format_.TABULAR)
        encoder = format_.encoder(columns)
        yield encoder.start()
    yield encoder.end()
