"""The manifest: what a committed run is made of. A contract with readers: fields are only ever added."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from include.transfer.commit.receipt import Receipt
from include.transfer.source.count import Count
from include.transfer.store.keys import Prefix

MANIFEST_VERSION = 1


@dataclass(frozen=True)
class Manifest:
    """A run that is committed. `drift`: None, or what changed while it was copied (see drift.py)."""

    prefix: Prefix
    url: str
    source: Count
    format: str
    compression: str
    batch_size: int
    columns: list[str]
    types: dict[str, str]
    fingerprint: str  # of the dataset's settings; empty in manifests from before it was written
    receipts: list[Receipt]
    drift: dict[str, Any] | None = None

    def to_dict(self) -> dict[str, Any]:
        """As it is stored, but for `created_at`."""
        return {
            "version": MANIFEST_VERSION,
            "dataset": self.prefix.dataset,
            "run": self.prefix.run,
            "source": {"url": self.url, "count": self.source.rows, "version": self.source.version},
            "format": self.format,
            "compression": self.compression,
            "batch_size": self.batch_size,
            "rows": sum(receipt.rows for receipt in self.receipts),
            "bytes": sum(receipt.bytes for receipt in self.receipts),
            "columns": self.columns,
            "types": self.types,
            "fingerprint": self.fingerprint,
            "drift": self.drift,
            "receipts": [receipt.to_dict() for receipt in self.receipts],
        }

    @classmethod
    def from_dict(cls, stored: Any, prefix: Prefix) -> "Manifest | None":
        """The manifest of the run at `prefix`; None if `stored` is not one: torn, foreign, of another run."""
        wrong = next(complaints(stored, prefix), None)
        if wrong:
            return None
        return cls(
            prefix,
            stored["source"]["url"],
            Count(stored["source"]["count"], stored["source"]["version"]),
            stored["format"],
            stored["compression"],
            stored["batch_size"],
            stored["columns"],
            stored["types"],
            stored.get("fingerprint", ""),
            [receipt for receipt in map(Receipt.from_dict, stored["receipts"]) if receipt],
            stored.get("drift"),
        )


_KINDS: dict[str, Any] = {
    "source": Mapping,
    "format": str,
    "compression": str,
    "batch_size": int,
    "rows": int,
    "bytes": int,
    "columns": list,
    "types": Mapping,
    "receipts": list,
}


def complaints(stored: Any, prefix: Prefix) -> Iterator[str]:
    """Why `stored` is not the manifest of the run at `prefix`; nothing: it is one."""
    if not isinstance(stored, Mapping):
        yield "it is no JSON object, or larger than any manifest; expected what a commit writes"
        return
    said = {name: stored.get(name) for name in ("version", "dataset", "run")}
    right = {"version": MANIFEST_VERSION, "dataset": prefix.dataset, "run": prefix.run}
    for name in [name for name in right if said[name] != right[name]]:
        yield f"its {name} is {said[name]!r}; expected {right[name]!r}"
    for name, kind in _KINDS.items():
        if not isinstance(stored.get(name), kind):
            yield f"its {name} is {str(stored.get(name))[:60]!r}; expected {kind.__name__}"
    if not isinstance(stored.get("source"), Mapping) or not isinstance(stored.get("receipts"), list):
        return
    source = stored["source"]
    if not isinstance(source.get("count"), int) or not isinstance(source.get("version"), str | None):
        yield f"its source is {str(dict(source))[:80]}; expected url, count and version"
    if not isinstance(source.get("url"), str):
        yield "its source has no url"
    for number, receipt in enumerate(stored["receipts"]):
        read = Receipt.from_dict(receipt)
        if read is None or not prefix.is_data(read.key):
            yield f"its receipt {number} is {str(receipt)[:80]!r}; expected one of an object below {prefix}"
