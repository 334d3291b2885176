"""Compression of text objects: the same bytes in, the same bytes out, in memory of one piece."""

import gzip
import io
from collections.abc import Iterator
from typing import Any, BinaryIO, cast

SUFFIXES = {"none": "", "gzip": ".gz", "zstd": ".zst"}
_GZIP_LEVEL = 6
_ZSTD_LEVEL = 3
_BLOCK = 1 << 20


def compressed(pieces: Iterator[bytes], how: str) -> Iterator[bytes]:
    """`pieces`, compressed as they come. `how`: a key of `SUFFIXES`."""
    if how == "none":
        return pieces
    return _gzipped(pieces) if how == "gzip" else _zstandard(pieces)


def _gzipped(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Without name and time in its header, so that the same rows give the same bytes."""
    out = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", compresslevel=_GZIP_LEVEL, fileobj=out, mtime=0) as file:
        for piece in pieces:
            file.write(piece)
            yield out.getvalue()
            out.seek(0)
            out.truncate()
    yield out.getvalue()


def _zstandard(pieces: Iterator[bytes]) -> Iterator[bytes]:
    import zstandard

    compressor = zstandard.ZstdCompressor(level=_ZSTD_LEVEL, write_checksum=True).compressobj()
    for piece in pieces:
        yield compressor.compress(piece)
    yield compressor.flush()


def decompressed(file: BinaryIO, how: str) -> BinaryIO:
    """A stream of what `file` held before. `how`: a key of `SUFFIXES`."""
    if how == "gzip":
        return cast(BinaryIO, gzip.GzipFile(fileobj=file))
    if how == "zstd":
        import zstandard

        reader = zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True)
        return cast(BinaryIO, io.BufferedReader(cast(Any, reader), _BLOCK))
    return file
