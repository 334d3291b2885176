"""The hashes of a batch's rows, read back from beside its receipt: see source/row_hashes.py."""

import hashlib
from array import array
from collections.abc import Iterator
from dataclasses import dataclass

from include.transfer.batches import Batch
from include.transfer.commit.receipt import Receipt
from include.transfer.formats.unreadable import Unreadable
from include.transfer.source.row_hashes import ROW_BYTES
from include.transfer.store.bucket import Bucket
from include.transfer.store.keys import Prefix

_PIECE_ROWS = 1 << 16


@dataclass(frozen=True)
class Piece:
    """Hashes of consecutive rows that one request brought.

    `at`: the row in the batch that the request began with; `last`: no more of this request follow.
    """

    at: int
    hashes: "array[int]"
    last: bool


def read_hashes(bucket: Bucket, prefix: Prefix, receipt: Receipt) -> Iterator[Piece]:
    """The hashes of a batch, request by request, long ones in pieces of about 1 MB. Raises Unreadable."""
    key = prefix.hashes(Batch(receipt.start, receipt.rows))
    stream = _Numbers(bucket.get(key))
    count = stream.take(1)
    sizes = stream.take(count[0]) if count and count[0] <= receipt.rows else array("Q")
    if sum(sizes) != receipt.rows:
        raise Unreadable(f"{key} does not hold the hashes of its rows")
    at = 0
    for size in sizes:
        left = size
        while left:
            hashes = stream.take(min(left, _PIECE_ROWS))
            if not hashes:
                raise Unreadable(f"{key} ends too early")
            left -= len(hashes)
            yield Piece(at, hashes, last=not left)
        at += size
    if stream.take(1) or stream.sha256.hexdigest() != receipt.hashes:
        raise Unreadable(f"{key} has another SHA-256 than its receipt says")


class _Numbers:
    """A stream of bytes as numbers of 64 bits."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self.sha256 = hashlib.sha256()
        self._pieces = pieces
        self._held = bytearray()

    def take(self, count: int) -> "array[int]":
        """The next `count` numbers; fewer where it ends."""
        while len(self._held) < count * ROW_BYTES and (piece := next(self._pieces, b"")):
            self.sha256.update(piece)
            self._held += piece
        size = min(count, len(self._held) // ROW_BYTES) * ROW_BYTES
        taken = array("Q", bytes(memoryview(self._held)[:size]))
        del self._held[:size]
        return taken


@dataclass(frozen=True)
class Page:
    """The rows that one request brought: from row `at` of the batch on. `varied`: not all are the same."""

    at: int
    rows: int
    digest: bytes
    varied: bool

    @property
    def number(self) -> int:
        return int.from_bytes(self.digest[:ROW_BYTES])


def with_pages(pieces: Iterator[Piece]) -> Iterator[tuple[Piece, Page | None]]:
    """Each piece, and with the last of a request all that it brought."""
    whole, rows, first, varied = hashlib.sha256(), 0, 0, False
    for piece in pieces:
        first = first if rows else piece.hashes[0]
        rows += len(piece.hashes)
        varied = varied or piece.hashes.count(first) != len(piece.hashes)
        whole.update(piece.hashes.tobytes())
        yield piece, Page(piece.at, rows, whole.digest(), varied) if piece.last else None
        if piece.last:
            whole, rows, varied = hashlib.sha256(), 0, False


def first_and_last(bucket: Bucket, prefix: Prefix, receipt: Receipt) -> list[Page]:
    """What the batch's first and last request brought; [] without hashes. Raises Unreadable."""
    if not receipt.hashes:
        return []
    first = last = None
    for _, page in with_pages(read_hashes(bucket, prefix, receipt)):
        first, last = first or page, page or last
    return [page for page in (first, last if last != first else None) if page]
