"""What one copy vouches for: which rows are in which object, and how to tell that the object is still it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, get_origin

from include.transfer.batches import Batch
from include.transfer.documents import fits
from include.transfer.store.keys import Prefix, window_in

RECEIPT_VERSION = 2
_NEEDED = ("key", "start", "rows", "bytes", "sha256", "etag")


@dataclass(frozen=True)
class Receipt:
    """Written beside its object, right after it. Times in seconds, memory in MiB.

    A contract with what an older or newer release wrote: fields are only ever added, each with a default.
    """

    key: str
    start: int
    rows: int
    bytes: int
    sha256: str
    etag: str
    columns: list[str] = field(default_factory=list)
    source_version: str | None = None
    reused: bool = False
    seconds: float = 0.0
    peak_rss_mb: float = 0.0
    types: dict[str, str] = field(default_factory=dict)  # of a Parquet object's columns; else empty
    fingerprint: str = ""  # of the dataset's settings that decide what an object holds
    url: str = field(default="", compare=False)  # of the source, without credentials
    hashes: str = ""  # SHA-256 of the rows' hashes beside it (source/row_hashes.py); empty: there are none
    # Of a chain: the marks where it begins and the next one does, None for the first and behind the last.
    chain: dict[str, str | None] = field(default_factory=dict)
    rescued: int = 0  # rows with something in the column that `misfit` adds
    nulls: list[str] | None = None  # columns that are null in every row; None: not known
    version: int = 1  # of this document; 1 is what was written before it was

    @classmethod
    def from_dict(cls, receipt: Any, shared: Mapping[str, Any] | None = None) -> "Receipt | None":
        """The receipt, or None if `receipt` is none: a torn write, something foreign.

        Unknown fields are ignored, and missing ones take their defaults, but for those that find the object.
        `shared`: what stands once for many receipts, read already.
        """
        if not isinstance(receipt, Mapping) or any(name not in receipt for name in _NEEDED):
            return None
        known = {name: receipt[name] for name in _KINDS if name in receipt}
        right = all(fits(value, _KINDS[name]) for name, value in known.items())
        return cls(**{**(shared or {}), **known}) if right and _are_texts(known) else None

    def to_dict(self) -> dict[str, Any]:
        return dict(vars(self))  # a run of windows says hundreds: asdict would copy every column's name

    @property
    def name(self) -> str:
        """Its rows as a person says them."""
        rows = f"rows {self.start:,}–{self.start + self.rows - 1:,}"
        return f"{rows} of {self.window.replace('_', '–')}" if self.window else rows

    @property
    def window(self) -> str:
        """The window that it is of, as `Prefix.window`; empty: none."""
        return window_in(self.key)


_KINDS: dict[str, Any] = {f.name: get_origin(f.type) or f.type for f in fields(Receipt)} | {
    "seconds": int | float,
    "peak_rss_mb": int | float,
    "source_version": str | None,
    "nulls": list | None,
}


def _are_texts(known: Mapping[str, Any]) -> bool:
    names = [*(known.get("columns") or ()), *(known.get("nulls") or ())]
    types = known.get("types") or {}
    return not (names or types) or all(isinstance(text, str) for text in (*names, *types, *types.values()))


def keys_of(prefix: Prefix, receipts: Sequence[Receipt]) -> set[str]:
    """All keys that belong to these receipts: their objects, themselves, and the hashes of their rows."""
    keys = {receipt.key for receipt in receipts}
    for receipt in receipts:
        keys.add(prefix.within(receipt.window).receipt(Batch(receipt.start, receipt.rows)))
        if receipt.hashes:
            keys.add(prefix.hashes(receipt.key))
    return keys
