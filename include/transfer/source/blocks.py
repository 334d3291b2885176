"""Blocks of rows: what streams from an answer into an object, some hundred rows at a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from include.transfer.source.json_structure import object_texts
from include.transfer.source.json_values import decode_rows
from include.transfer.source.row_hashes import ROW_BYTES, hashed


@dataclass(frozen=True)
class Block:
    """Consecutive rows, in the source's order, and `ROW_BYTES` of hash for each.

    `texts`: each row without its last brace, if all came as orjson would write them; else empty.
    """

    rows: list[dict[str, Any]]
    hashes: bytes = b""
    texts: Sequence[memoryview] = ()

    def part(self, start: int, stop: int) -> "Block":
        """Its rows [start, stop)."""
        hashes = self.hashes[start * ROW_BYTES : stop * ROW_BYTES]
        return Block(self.rows[start:stop], hashes, self.texts[start:stop])

    def with_rows(self, rows: list[dict[str, Any]]) -> "Block":
        """What its rows are turned into, one for one; their texts stay behind."""
        return Block(rows, self.hashes)


def block_of(text: bytes, first: int) -> Block | None:
    """`text` decoded, or None if it is not valid JSON. `first`: the number of its first row in the answer."""
    found = decode_rows(text, first)
    if found is None:
        return None
    texts = object_texts(text, len(found.rows))
    return Block(found.rows, hashed(texts), texts if found.plain else ())
