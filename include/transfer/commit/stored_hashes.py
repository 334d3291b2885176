"""The hashes of a batch's rows, read back from beside its receipt: see source/row_hashes.py."""

import hashlib
import json
from array import array
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from include.transfer.commit.receipt import Receipt
from include.transfer.formats.unreadable import Unreadable
from include.transfer.source.row_hashes import HASHES_VERSION, ROW_BYTES
from include.transfer.store.bucket import Bucket
from include.transfer.store.keys import Prefix

_PIECE_ROWS = 1 << 16
_LINE_BYTES = 1 << 16  # more than the first ever has
_ANOTHER = "has another SHA-256 than its receipt says"


@dataclass(frozen=True)
class Piece:
    """Hashes of consecutive rows that one request brought, and of their keys where the dataset has one.

    `at`: the row in the batch that the request began with; `last`: no more of this request follow.
    """

    at: int
    hashes: "array[int]"
    keys: "array[int]"
    last: bool


class StoredHashes:
    """The hashes of a batch, request by request, long ones in pieces of about 1 MB. Read once.

    `key`: None, or the columns of the dataset's key, and its first and last value where the keys ascend.
    Iteration raises Unreadable.
    """

    def __init__(self, head: Mapping[str, Any], stream: "_Stream", name: str, receipt: Receipt) -> None:
        self.key: dict[str, Any] | None = head.get("key")
        pages = head.get("pages")
        self._pages = pages if isinstance(pages, int) else 0
        self._stream, self._name, self._receipt = stream, name, receipt

    def __iter__(self) -> Iterator[Piece]:
        stream, rows = self._stream, self._receipt.rows
        sizes = stream.numbers(min(self._pages, rows))
        if sum(sizes) != rows:
            raise Unreadable(f"{self._name} does not hold the hashes of its rows")
        at = 0
        for size in sizes:
            left = size
            while left:
                piece = self._piece(at, left)
                left -= len(piece.hashes)
                yield piece
            at += size
        if stream.rest() != self._receipt.hashes:
            raise Unreadable(f"{self._name} {_ANOTHER}")

    def _piece(self, at: int, left: int) -> Piece:
        width = 2 if self.key else 1
        numbers = self._stream.numbers(width * min(left, _PIECE_ROWS))
        hashes, keys = (numbers[::2], numbers[1::2]) if self.key else (numbers, array("Q"))
        if not hashes:
            raise Unreadable(f"{self._name} ends too early")
        return Piece(at, hashes, keys, last=len(hashes) == left)


def read_hashes(bucket: Bucket, prefix: Prefix, receipt: Receipt) -> StoredHashes | None:
    """The hashes beside a receipt; None where there are none, or of a version that cannot be compared.

    Raises Unreadable.
    """
    if not receipt.hashes:
        return None
    name = prefix.hashes(receipt.key)
    stream = _Stream(bucket.get(name))
    head = stream.line()
    if head.get("version") == HASHES_VERSION:
        return StoredHashes(head, stream, name, receipt)
    if stream.rest() != receipt.hashes:
        raise Unreadable(f"{name} {_ANOTHER}")
    return None


class _Stream:
    """A stream of bytes as a line of JSON and numbers of 64 bits."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._sha256 = hashlib.sha256()
        self._pieces = pieces
        self._held = bytearray()

    def _fill(self, size: int) -> None:
        while len(self._held) < size and (piece := next(self._pieces, b"")):
            self._sha256.update(piece)
            self._held += piece

    def line(self) -> dict[str, Any]:
        """The object in the first line; {} where there is none."""
        self._fill(_LINE_BYTES)
        line, end, _ = bytes(self._held[:_LINE_BYTES]).partition(b"\n")
        try:
            head = json.loads(line) if end else {}
        except ValueError:
            head = {}
        del self._held[: len(line) + 1]
        return head if isinstance(head, dict) else {}

    def numbers(self, count: int) -> "array[int]":
        """The next `count`; fewer where the stream ends."""
        self._fill(count * ROW_BYTES)
        size = min(count, len(self._held) // ROW_BYTES) * ROW_BYTES
        taken = array("Q", bytes(memoryview(self._held)[:size]))
        del self._held[:size]
        return taken

    def rest(self) -> str:
        """Read to the end; returns the SHA-256 of all that came."""
        for piece in self._pieces:
            self._sha256.update(piece)
        return self._sha256.hexdigest()


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


def with_pages(pieces: Iterable[Piece]) -> Iterator[tuple[Piece, Page | None]]:
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
    """What the batch's first and last request brought; [] without hashes to compare. Raises Unreadable."""
    first = last = None
    for _, page in with_pages(read_hashes(bucket, prefix, receipt) or ()):
        first, last = first or page, page or last
    return [page for page in (first, last if last != first else None) if page]
