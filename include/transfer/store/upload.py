"""Pieces that are still being made, as a file that an upload reads."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

from include.transfer.errors import StoreRefused

# S3 takes parts of 5 MiB to 5 GiB, 10,000 at the most: an object can hold 48 GiB. The smallest, since what a
# part takes in memory, twice for a moment, is most of what a copy adds to a process.
PART_BYTES = 5 << 20
LARGEST_OBJECT_BYTES = 10_000 * PART_BYTES
_READ_BYTES = 1 << 20


class PiecesFailed(Exception):
    """Carries any error of the pieces, a task's time-out too, through a library that cleans up after it.

    Libraries abort an upload after an Exception only, and an error of the source is none of the store's.
    """

    def __init__(self, error: BaseException) -> None:
        super().__init__(str(error))
        self.error = error


@contextmanager
def pieces_errors_as_they_are() -> Iterator[None]:
    """Raise what ended the pieces, unchanged."""
    try:
        yield
    except PiecesFailed as failed:
        raise failed.error from failed.error.__cause__


class PieceReader:
    """Pieces as a file to read from; counts and hashes what passes."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self.count = 0
        self.digest = hashlib.sha256()
        self._pieces = pieces
        self._held = bytearray()

    def read(self, size: int) -> bytes:
        """The next bytes, at most `size` and at most a piece: a whole part at once would stand here twice."""
        size = min(size, _READ_BYTES)
        while len(self._held) < size and (piece := self._next()) is not None:
            self._held += piece
        with memoryview(self._held) as held:
            data = bytes(held[:size])
        del self._held[:size]
        self.count += len(data)
        self.digest.update(data)
        return data

    def _next(self) -> bytes | None:
        try:
            if self.count > LARGEST_OBJECT_BYTES:
                raise StoreRefused(
                    f"the object has grown beyond {LARGEST_OBJECT_BYTES >> 30} GiB, the most that "
                    f"10,000 parts of {PART_BYTES >> 20} MiB hold",
                    fix="make batches smaller",
                )
            return next(self._pieces, None)
        except BaseException as error:
            raise PiecesFailed(error) from None
