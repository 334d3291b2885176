"""The bytes of an answer that have arrived and are not used yet."""

import re
from collections.abc import Iterable

from include.transfer.errors import BodyBroken, NotRows, SourceUnavailable

BLOCK_BYTES = 1 << 20
SPACE = b" \t\r\n"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class Body:
    """A buffer over chunks. `broken` keeps the error that ended them until the last whole row is used."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self.buffer = bytearray()
        self.wanted = BLOCK_BYTES
        self.total = 0
        self.broken: Exception | None = None
        self._chunks = iter(chunks)

    def fill(self, least: int = 0) -> bool:
        """Read until the buffer holds a block; False once the body has ended or broken off."""
        wanted = least or self.wanted
        self.wanted = BLOCK_BYTES
        try:
            while len(self.buffer) < wanted:
                chunk = next(self._chunks, None)
                if chunk is None:
                    return False
                self.buffer += chunk
                self.total += len(chunk)
        except (BodyBroken, SourceUnavailable) as error:
            self.broken = error
            return False
        return True

    def skip_to_array(self) -> None:
        """Consume white space and the opening bracket, or say what stands there instead."""
        alive = True
        while alive and not (start := self.buffer.lstrip(_BYTE_ORDER_MARK + SPACE)):
            alive = self.fill(least=len(self.buffer) + 1)
        if start.startswith(b"["):
            self.buffer = start[1:]
            return
        if self.broken:
            raise self.broken
        if not start:
            raise BodyBroken("the body is empty; expected a JSON array of rows")
        if start.startswith(b"{"):
            raise NotRows(f"the body is an object: set rows_key to where its rows are{self._arrays()}")
        if start.startswith(b"<"):
            raise NotRows("the body is an HTML or XML page, not JSON: check host, path and credentials")
        raise NotRows(f"the body starts with {bytes(start[:40])!r}; expected a JSON array of rows")

    def _arrays(self) -> str:
        """Names of the first keys that hold an array: what rows_key could be."""
        self.fill(least=2000)
        keys = re.findall(rb'"([^"]{1,60})"\s*:\s*\[', bytes(self.buffer[:2000]))
        return f" (arrays here: {', '.join(k.decode('utf-8', 'replace') for k in keys[:5])})" if keys else ""
