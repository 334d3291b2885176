"""The bytes of an answer that have arrived and are not used yet."""

import re
from collections.abc import Iterable, Iterator

from include.transfer.errors import BodyBroken, NotRows, SourceUnavailable

BLOCK_BYTES = 256 << 10  # fits the processor's cache: blocks of 1 MB take a quarter more time, and memory
LARGEST_ROW_BYTES = 16 << 20  # a decoded row takes up to some twenty times its text
SPACE = b" \t\r\n"
_SPACES = re.compile(rb"[ \t\r\n]++")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class Body:
    """A buffer over chunks. `broken` keeps the error that ended them until the last whole row is used.

    `rows`: how many have been decoded. `keep`: what is consumed is kept too, until `release`.
    """

    def __init__(self, chunks: Iterable[bytes], *, keep: bool = False) -> None:
        self.buffer = bytearray()
        self.wanted = BLOCK_BYTES
        self.rows = 0
        self.broken: Exception | None = None
        self._total = 0
        self._chunks = iter(chunks)
        self._kept: bytearray | None = bytearray() if keep else None

    @property
    def position(self) -> int:
        """Where in the body the buffer begins."""
        return self._total - len(self.buffer)

    def fill(self, least: int = 0) -> bool:
        """Read until the buffer holds a block, or `least` bytes; False once the body has ended or broken."""
        wanted = max(least or self.wanted, len(_BYTE_ORDER_MARK))
        self.wanted = BLOCK_BYTES
        beginning = self.position == 0
        alive = True
        try:
            while alive and len(self.buffer) < wanted:
                chunk = next(self._chunks, None)
                alive = chunk is not None
                self.buffer += chunk or b""
                self._total += len(chunk or b"")
                if self._kept is not None:
                    self._kept += chunk or b""
        except (BodyBroken, SourceUnavailable) as error:
            self.broken = error
            alive = False
        if beginning and self.buffer.startswith(_BYTE_ORDER_MARK):
            self.take(len(_BYTE_ORDER_MARK))
        return alive

    def take(self, size: int) -> bytes:
        """Remove the first `size` bytes, and return them."""
        taken = bytes(memoryview(self.buffer)[:size])
        del self.buffer[:size]
        return taken

    def remaining(self) -> Iterator[bytes]:
        """All that is not consumed yet, in pieces, the last one empty. Then raises what broke the body."""
        yield self.take(len(self.buffer))
        while self.fill(least=1) or self.buffer:
            yield self.take(len(self.buffer))
        yield b""
        if self.broken:
            raise self.broken

    def release(self) -> bytes:
        """What was consumed up to here, if it was kept; nothing is kept from now on."""
        kept, self._kept = self._kept, None
        return bytes(kept[: self.position]).removeprefix(_BYTE_ORDER_MARK) if kept else b""

    def grow(self) -> None:
        """Ask for twice as much: no row ends in the buffer."""
        if len(self.buffer) >= LARGEST_ROW_BYTES:
            raise NotRows(
                f"byte {self.position:,} and the {LARGEST_ROW_BYTES >> 20} MB behind it hold no whole row"
            )
        self.wanted = len(self.buffer) * 2

    def skip_space(self) -> bytes:
        """Consume leading white space; returns the byte behind it, none if the body has ended.

        Raises NotRows for so much of it that nothing else may be meant to come.
        """
        start, alive = self.position, True
        while alive and not self._is_at_text():
            if self.position - start > LARGEST_ROW_BYTES:
                raise NotRows(f"more than {LARGEST_ROW_BYTES >> 20} MB of white space come one after another")
            alive = self.fill(least=1)
        self._is_at_text()
        return bytes(self.buffer[:1])

    def _is_at_text(self) -> bool:
        if space := _SPACES.match(self.buffer):
            end = space.end()
            del space  # it would hold the buffer's size fast
            del self.buffer[:end]
        return bool(self.buffer)
