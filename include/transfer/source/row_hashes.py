"""What came, in 64 bits a row: enough to find rows and pages that come twice, without keeping any of them."""

import hashlib
import json
import tempfile
from array import array
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import xxhash

from include.transfer.errors import RowsRepeated

if TYPE_CHECKING:
    from include.transfer.source.blocks import Block
    from include.transfer.source.row_keys import RowKeys

ROW_BYTES = 8
HASHES_VERSION = 2  # hashes of two versions cannot be compared; 1 had no line of JSON
_IN_MEMORY = 1 << 20
_PIECE = 1 << 20
CHECK_PAGING = "check paging's param and first: the API seems to ignore the offset, page or token"
_PAGES_COMPARED = 10_000  # of a batch, while it is copied; verify compares all


class RowHashes:
    """The hash of each row of a batch in order, and how many rows each request brought.

    A row is its text as it was sent: the same values in another order or spelling are another row. Memory
    does not depend on the rows: beyond 1 MB they are in a temporary file.
    """

    def __init__(self, source: str = "", keys: "RowKeys | None" = None) -> None:
        self._source = source  # the request, for errors
        self._keys = keys
        self.pages = array("Q")  # rows of each request that brought any
        self._rows = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115  closed with this
        self._all = hashlib.sha256()
        self._seen: dict[bytes, int] = {}
        self._begin(0)

    @property
    def digest(self) -> bytes:
        """Names all rows in their order, whatever the pages they came in."""
        return self._all.digest()

    def begin_page(self, at: int) -> None:
        """The rows that follow answer a request for the rows from `at` on.

        Raises RowsRepeated if the request before brought the same rows, more than one, as an earlier one.
        """
        self.end_page()
        self._begin(at)

    def _begin(self, at: int) -> None:
        self._at, self._count, self._first, self._varied = at, 0, b"", False
        self._page = hashlib.sha256()

    def add(self, block: "Block") -> None:
        """The next rows of the page. Raises KeyMissing."""
        hashes, count = block.hashes, len(block.hashes) // ROW_BYTES
        self._rows.write(_paired(hashes, self._keys.add(block.rows)) if self._keys else hashes)
        self._all.update(hashes)
        self._page.update(hashes)
        self._count += count
        self._first = self._first or hashes[:ROW_BYTES]
        self._varied = self._varied or hashes != self._first * count

    def end_page(self) -> None:
        """The request is answered. Raises as `begin_page` does."""
        count, self._count = self._count, 0
        if not count:
            return
        self.pages.append(count)
        if self._varied and len(self._seen) < _PAGES_COMPARED:
            first = self._seen.setdefault(self._page.digest(), self._at)
            if first != self._at:
                raise RowsRepeated(
                    f"the request for the rows from {self._at:,} on brought the same {count:,} rows as that "
                    f"from {first:,} on",
                    where=self._source,
                    fix=CHECK_PAGING,
                )

    def pieces(self) -> Iterator[bytes]:
        """As it is stored: a line of JSON; then, as numbers of 64 bits, each page's rows, and the hashes.

        With keys, the hash of each row's key follows that of the row.
        """
        key = self._keys and self._keys.to_dict()
        head = {"version": HASHES_VERSION, "pages": len(self.pages), "key": key}
        yield json.dumps(head).encode() + b"\n"
        yield self.pages.tobytes()
        self._rows.seek(0)
        while piece := self._rows.read(_PIECE):
            yield piece


def _paired(hashes: bytes, others: bytes) -> bytes:
    both = array("Q", bytes(2 * len(hashes)))
    both[::2], both[1::2] = array("Q", hashes), array("Q", others)
    return both.tobytes()


def hashed(texts: Iterable[bytes | memoryview]) -> bytes:
    """`ROW_BYTES` for each text. Not against an attacker: texts made to collide fail their own copy alone."""
    return array("Q", map(xxhash.xxh3_64_intdigest, texts)).tobytes()
