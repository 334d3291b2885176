"""What one copy vouches for: which rows are in which object, and how to tell that the object is still it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, get_origin


@dataclass(frozen=True)
class Receipt:
    """Written beside its object, right after it. Times in seconds, memory in MiB."""

    key: str
    start: int
    rows: int
    bytes: int
    sha256: str
    etag: str
    columns: list[str]
    source_version: str | None
    reused: bool
    seconds: float
    peak_rss_mb: float
    types: dict[str, str]  # of a Parquet object's columns; empty for text formats
    fingerprint: str  # of the dataset's settings that decide what an object holds

    @classmethod
    def from_dict(cls, receipt: Any) -> "Receipt | None":
        """The receipt, or None if `receipt` is not one: a torn write, or of another version."""
        if not isinstance(receipt, Mapping) or set(receipt) != {f.name for f in fields(cls)}:
            return None
        kinds = {f.name: get_origin(f.type) or f.type for f in fields(cls)}
        right = {"seconds": int | float, "peak_rss_mb": int | float, "source_version": str | None}
        if not all(isinstance(value, right.get(name, kinds[name])) for name, value in receipt.items()):  # type: ignore[arg-type]
            return None
        return cls(**receipt)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @property
    def name(self) -> str:
        """Its rows as a person says them."""
        return f"rows {self.start:,}–{self.start + self.rows - 1:,}"
