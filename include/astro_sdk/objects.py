"""An object of the lake as typed record batches, proven against its receipt before its first row is given."""

import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, cast

import pyarrow as pa
import zstandard

from include.report.errors import RunDamaged
from include.transfer.commit.manifest import Manifest
from include.transfer.commit.receipt import Receipt
from include.transfer.formats import FORMATS, compression
from include.transfer.formats.unreadable import Unreadable
from include.transfer.schema.arrow import arrow_schema
from include.wildfires import WILDFIRE_TYPES

ROWS = 20_000  # of a record batch at the most: some 5 MB
_COPY_BYTES = 1 << 20
_BROKEN = (Unreadable, pa.ArrowException, OSError, EOFError, zstandard.ZstdError, UnicodeDecodeError)

SCHEMA = arrow_schema(WILDFIRE_TYPES)


@contextmanager
def proven(receipt: Receipt, source: BinaryIO) -> Iterator[BinaryIO]:
    """The object's bytes in a temporary file, once their number and SHA-256 are those of the receipt.

    A file, since a hash is known only at the end, and no row may count before that; Parquet is read from its
    end anyhow. Raises RunDamaged.
    """
    digest = hashlib.sha256()
    size = 0
    with tempfile.TemporaryFile(prefix="wildfire-lake-") as file:
        while piece := source.read(_COPY_BYTES):
            digest.update(piece)
            size += len(piece)
            file.write(piece)
        if (size, digest.hexdigest()) != (receipt.bytes, receipt.sha256):
            raise RunDamaged(
                f"it has {size:,} bytes and SHA-256 {digest.hexdigest()}; the manifest says "
                f"{receipt.bytes:,} and {receipt.sha256}: it was changed after the commit",
                where=receipt.key,
            )
        file.seek(0)
        yield cast(BinaryIO, file)


def batches(manifest: Manifest, receipt: Receipt, file: BinaryIO) -> Iterator[pa.RecordBatch]:
    """The object's rows, at most `ROWS` at once, typed by the contract: `0511` stays text.

    Null and empty text are told apart in every format. Raises RunDamaged where header, values or the number
    of rows are not what the manifest says.
    """
    plain = compression.decompressed(file, manifest.compression)
    rows = 0
    try:
        for batch in FORMATS[manifest.format].record_batches(plain, SCHEMA, ROWS):
            for start in range(0, batch.num_rows, ROWS):
                yield batch.slice(start, ROWS)
            rows += batch.num_rows
    except _BROKEN as error:
        got = f"it cannot be read as {manifest.format}: {str(error)[:500]}"
        raise RunDamaged(got, where=receipt.key) from error
    if rows != receipt.rows:
        raise RunDamaged(f"it holds {rows:,} rows; its receipt says {receipt.rows:,}", where=receipt.key)
