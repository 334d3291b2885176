"""What came, in 64 bits a row: enough to find rows and pages that come twice, without keeping any of them."""

import hashlib
import json
import tempfile
from array import array
from collections.abc import Iterator
from typing import Any

import orjson

from include.transfer.errors import RowsRepeated

ROW_BYTES = 8
_IN_MEMORY = 1 << 20
_PIECE = 1 << 20
CHECK_PAGING = "check offset_param, first_page and first_offset: the API seems to ignore the offset or page"
_PAGES_COMPARED = 10_000  # of a batch, while it is copied; verify compares all


class RowHashes:
    """The hash of each row of a batch in order, and how many rows each request brought.

    Equal values in another order of keys are other rows. Memory does not depend on the rows: beyond 1 MB
    they are in a temporary file.
    """

    def __init__(self, source: str = "") -> None:
        self._source = source  # its URL, for errors
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

    def add(self, rows: list[dict[str, Any]]) -> None:
        """The next rows of the page."""
        hashes = hashed(rows)
        self._rows.write(hashes)
        self._all.update(hashes)
        self._page.update(hashes)
        self._count += len(rows)
        self._first = self._first or hashes[:ROW_BYTES]
        self._varied = self._varied or hashes != self._first * len(rows)

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
                    where=f"GET {self._source}",
                    fix=CHECK_PAGING,
                )

    def pieces(self) -> Iterator[bytes]:
        """As it is stored, in numbers of 64 bits: how many pages, the rows of each, the hash of each row."""
        yield array("Q", [len(self.pages)]).tobytes() + self.pages.tobytes()
        self._rows.seek(0)
        while piece := self._rows.read(_PIECE):
            yield piece


def hashed(rows: list[dict[str, Any]]) -> bytes:
    """`ROW_BYTES` for each row. SHA-256 is the fastest hash here: processors have instructions for it."""
    sha256, dumps = hashlib.sha256, orjson.dumps
    try:
        return b"".join([sha256(dumps(row)).digest()[:ROW_BYTES] for row in rows])
    except TypeError:  # an integer of more than 64 bits, or deep nesting
        return b"".join([sha256(_text(row)).digest()[:ROW_BYTES] for row in rows])


def _text(row: dict[str, Any]) -> bytes:
    try:
        return orjson.dumps(row)
    except TypeError:
        return json.dumps(row, default=str).encode()
