"""The manifest: what a committed run is made of. Its one reader and writer, for engine, page and report.

A contract with readers of any release: fields are only ever added; unknown ones are ignored, and missing ones
take their defaults.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from include.transfer.commit.live import Live
from include.transfer.commit.receipt import Receipt, keys_of
from include.transfer.documents import brief, fits
from include.transfer.formats import COMPRESSIONS, FORMATS
from include.transfer.source.count import Count
from include.transfer.store.keys import Prefix

# 2: columns and types that a receipt shares with the manifest stand in the manifest alone.
MANIFEST_VERSION = 2


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
    receipts: list[Receipt]
    fingerprint: str = ""  # of the dataset's settings
    drift: dict[str, Any] | None = None
    proof: dict[str, Any] | None = None  # see proof.py; None: of an earlier release
    provenance: str = ""  # what the source says that its rows are; empty: nothing
    # What the run covers of its dataset, `since` and `until` each; None: all of it, a snapshot.
    windows: list[dict[str, Any]] | None = None
    base: int | None = None  # the last entry of the dataset's log (log.py) when its windows were planned
    created_at: str = ""  # ISO 8601; empty before it is committed

    @property
    def rows(self) -> int:
        return sum(receipt.rows for receipt in self.receipts)

    @property
    def bytes(self) -> int:
        return sum(receipt.bytes for receipt in self.receipts)

    @property
    def rescued(self) -> int:
        """Rows with something in the column that a dataset's `misfit` adds."""
        return sum(receipt.rescued for receipt in self.receipts)

    @property
    def generated(self) -> bool:
        """Whether the source says that it made its rows up."""
        return self.provenance.lower().startswith("generated")

    @property
    def ordered(self) -> bool:
        """Whether the order of an object's columns is part of its schema."""
        return FORMATS[self.format].ORDERED

    @property
    def keys(self) -> set[str]:
        """All keys of the run's folder that belong to it, but the manifest's own."""
        planned = set() if self.windows is None else {self.prefix.windows}
        return keys_of(self.prefix, self.receipts) | planned

    def to_dict(self) -> dict[str, Any]:
        """As it is stored."""
        return {
            "version": MANIFEST_VERSION,
            "dataset": self.prefix.dataset,
            "run": self.prefix.run,
            "source": {"url": self.url, "count": self.source.rows, "version": self.source.version},
            "format": self.format,
            "compression": self.compression,
            "batch_size": self.batch_size,
            "rows": self.rows,
            "bytes": self.bytes,
            "rescued": self.rescued,
            "columns": self.columns,
            "types": self.types,
            "fingerprint": self.fingerprint,
            "drift": self.drift,
            "proof": self.proof,
            "provenance": self.provenance,
            **({} if self.windows is None else {"windows": self.windows, "base": self.base}),
            "created_at": self.created_at,
            "receipts": [self._without_shared(receipt.to_dict()) for receipt in self.receipts],
        }

    def _without_shared(self, receipt: dict[str, Any]) -> dict[str, Any]:
        shared = _shared(self.format, self.columns, self.types, self.url)
        return {name: value for name, value in receipt.items() if shared.get(name) != value}

    @classmethod
    def from_dict(cls, stored: Any, prefix: Prefix) -> "Manifest | None":
        """The manifest of the run at `prefix`; None if `stored` is not one: torn, foreign, of another run."""
        if next(_beside_receipts(stored, prefix), None):
            return None
        source = stored["source"]
        columns, types = list(stored["columns"]), dict(stored.get("types") or {})
        shared = _shared(stored["format"], columns, types, source["url"])
        receipts = [_receipt(prefix, receipt, shared) for receipt in stored["receipts"]]
        whole = [receipt for receipt in receipts if receipt]
        if len(whole) < len(receipts):
            return None
        return cls(
            prefix=prefix,
            url=source["url"],
            source=Count(source["count"], source.get("version")),
            format=stored["format"],
            compression=stored["compression"],
            batch_size=stored.get("batch_size", 0),
            columns=columns,
            types=types,
            receipts=whole,
            fingerprint=stored.get("fingerprint", ""),
            drift=stored.get("drift"),
            proof=stored.get("proof"),
            provenance=stored.get("provenance", ""),
            windows=stored.get("windows"),
            base=stored.get("base"),
            created_at=stored.get("created_at", ""),
        )

    def says_the_same(self, other: "Manifest | None") -> bool:
        """Whether `other` commits the same; when, is no difference."""
        return other is not None and replace(other, created_at="") == replace(self, created_at="")


def _shared(format_: str, columns: list[str], types: dict[str, str], url: str) -> dict[str, Any]:
    """What a receipt says by saying nothing: the manifest's columns and URL, in a typed format its types."""
    return {
        "columns": columns,
        "types": types if FORMATS[format_].TYPED else {},
        "url": url,
        "chain": {},
        "rescued": 0,
        "nulls": None,
    }


# What must be there, and what may be.
_NEEDED: dict[str, Any] = {
    "version": int,
    "source": Mapping,
    "format": str,
    "compression": str,
    "rows": int,
    "bytes": int,
    "columns": list,
    "receipts": list,
}
_OPTIONAL: dict[str, Any] = {
    "batch_size": int,
    "types": Mapping,
    "fingerprint": str,
    "drift": Mapping | None,
    "proof": Mapping | None,
    "provenance": str,
    "windows": list | None,
    "base": int | None,
    "created_at": str,
}


def complaints(stored: Any, prefix: Prefix) -> Iterator[str]:
    """Why `stored` is not the manifest of the run at `prefix`; nothing: it is one."""
    others = list(_beside_receipts(stored, prefix))
    yield from others
    for number, receipt in enumerate([] if others else stored["receipts"]):
        if _receipt(prefix, receipt, {}) is None:
            yield f"its receipt {number} is {brief(receipt)}, which is none of an object below {prefix}"


def _receipt(prefix: Prefix, receipt: Any, shared: Mapping[str, Any]) -> Receipt | None:
    read = Receipt.from_dict(receipt, shared)
    return read if read and prefix.is_data(read.key) else None


def _beside_receipts(stored: Any, prefix: Prefix) -> Iterator[str]:
    if not isinstance(stored, Mapping):
        yield "it is no JSON object, or larger than any manifest"
        return
    for name, right in (("dataset", prefix.dataset), ("run", prefix.run)):
        if stored.get(name) != right:
            yield f"its {name} is {brief(stored.get(name))}, not {right!r}"
    wrong = [*_of_other_types(stored)]
    yield from wrong
    if not wrong and (stored["format"] not in FORMATS or stored["compression"] not in COMPRESSIONS):
        yield f"its format is {brief(stored['format'])}, its compression {brief(stored['compression'])}"


def _of_other_types(stored: Mapping[str, Any]) -> Iterator[str]:
    kinds = _NEEDED | {name: kind for name, kind in _OPTIONAL.items() if name in stored}
    wrong = [name for name, kind in kinds.items() if not fits(stored.get(name), kind)]
    yield from (f"its {name} is {brief(stored.get(name))}" for name in wrong)
    if wrong:
        return
    source = stored["source"]
    if not _is_count(source):
        yield f"its source is {brief(dict(source))}"
    if not isinstance(source.get("url"), str):
        yield "its source has no url"
    types = stored.get("types", {})
    for name, texts in (("columns", stored["columns"]), ("types", [*types, *types.values()])):
        if not all(isinstance(text, str) for text in texts):
            yield f"its {name} are {brief(stored[name])}"
    for window in stored.get("windows") or []:
        if Live.from_dict({**window, "run": ""} if isinstance(window, Mapping) else None) is None:
            yield f"among its windows is {brief(window)}"
            return
    drift = stored.get("drift") or {}
    if not all(_is_count(drift[name]) for name in ("planned", "verified") if name in drift):
        yield f"its drift is {brief(drift)}"


def _is_count(value: Any) -> bool:
    """Whether this is what a source said of itself: a number of rows, and a version or None."""
    return (
        isinstance(value, Mapping)
        and fits(value.get("count"), int)
        and fits(value.get("version"), str | None)
    )
