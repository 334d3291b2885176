"""What the store holds: manifests, objects and reports of runs. Reads only, and never waits long."""

import re
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Lock
from typing import Any

from include.lake_page.runs import Copied
from include.transfer.commit.manifest import Manifest, complaints
from include.transfer.errors import BadSettings
from include.transfer.store.bucket import Bucket
from include.transfer.store.keys import Prefix

_READERS = 8
_REPORT_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}\.(?:html|json|png|svg|parquet)")
_OBJECT_NAME = re.compile(
    r"_manifest\.json|data_from_\d{1,18}\.[a-z.]{1,20}|_receipts/data_from_\d{1,18}\.json"
)


@dataclass(frozen=True)
class Committed:
    """A committed run: what a page shows of its manifest. `grown`: rows that were appended during the run."""

    rows: int
    bytes: int
    format: str
    created_at: str
    receipts: tuple[Copied, ...]
    grown: int = 0

    @classmethod
    def read(cls, stored: Any, prefix: Prefix) -> "Committed | None":
        """None if `stored` is not the manifest of this run."""
        manifest = Manifest.from_dict(stored, prefix)
        if manifest is None:
            return None
        receipts = (Copied.from_receipt(receipt.to_dict()) for receipt in manifest.receipts)
        planned = ((manifest.drift or {}).get("planned") or {}).get("count")
        return cls(
            rows=manifest.rows,
            bytes=manifest.bytes,
            format=f"{manifest.format} {manifest.compression}".removesuffix(" none"),
            created_at=manifest.created_at,
            receipts=tuple(receipt for receipt in receipts if receipt),
            grown=manifest.rows - planned if isinstance(planned, int) else 0,
        )

    @property
    def batches(self) -> int:
        return len(self.receipts)

    @property
    def peak_rss_mb(self) -> float | None:
        return max((receipt.peak_rss_mb for receipt in self.receipts), default=None)


@dataclass(frozen=True)
class Chart:
    """One picture of a run's report; names of objects below `_report/`, "" where there is none."""

    name: str
    title: str
    png: str
    svg: str
    dark: str = ""  # for the dark theme


@dataclass(frozen=True)
class Report:
    """What was published of a run; `page`: whether there is an HTML report, `docs`: dbt's documentation."""

    created_at: str
    charts: tuple[Chart, ...]
    marts: tuple[str, ...]
    page: bool
    docs: bool


class Lake:
    """One bucket of runs. Every call may raise TransferError, whose text says what to do."""

    def __init__(self, bucket: Bucket) -> None:
        self.bucket = bucket

    def datasets(self) -> list[str]:
        """Names of the datasets that have runs here."""
        return self._folders("")

    def runs(self, dataset: str) -> list[Prefix]:
        """Every run's folder of the dataset, committed or not."""
        found = []
        for name in self._folders(f"{dataset}/"):
            try:
                found.append(Prefix(dataset, name))
            except BadSettings:  # a foreign folder
                continue
        return found

    def _folders(self, below: str) -> list[str]:
        keys = (key.removeprefix(below).strip("/") for key in self.bucket.folders(below))
        return [name for name in keys if name and not name.startswith("_")]

    def manifests(self, prefixes: Iterable[Prefix]) -> dict[Prefix, Committed]:
        """The manifests of those runs that are committed: a HEAD for each, a GET for what is new here."""
        wanted = list(prefixes)
        with ThreadPoolExecutor(_READERS) as readers:
            found = list(readers.map(self.manifest, wanted))
        return {prefix: manifest for prefix, manifest in zip(wanted, found, strict=True) if manifest}

    def manifest(self, prefix: Prefix) -> Committed | None:
        """The run's manifest, or None while it is not committed."""
        stored = self.bucket.head(prefix.manifest)
        if stored is None:
            return None
        known = (self.bucket.name, stored.key, stored.etag)
        if (manifest := _manifests.get(known)) is None:
            manifest = Committed.read(self.bucket.get_json(prefix.manifest), prefix)
            if manifest is not None:
                _manifests.put(known, manifest)
        return manifest

    def complaints(self, prefix: Prefix) -> list[str]:
        """Why what stands in the manifest's place is not one."""
        return list(complaints(self.bucket.get_json(prefix.manifest), prefix))[:5]

    def objects(self, prefix: Prefix) -> dict[str, int]:
        """Key → bytes of every object of the run: one LIST for every 1,000."""
        return {stored.key: stored.bytes for stored in self.bucket.objects(str(prefix))}

    def report(self, prefix: Prefix, objects: Mapping[str, int]) -> Report | None:
        """The run's report, or None. What its index names and the store lacks is left out."""
        below = f"{prefix}_report/"
        if f"{below}index.json" not in objects:
            return None
        index = self.bucket.get_json(f"{below}index.json")
        if not isinstance(index, Mapping):
            return None

        def there(name: Any) -> str:
            known = isinstance(name, str) and is_report_name(name) and f"{below}{name}" in objects
            return name if known else ""

        charts = []
        listed = index.get("charts")
        for entry in listed if isinstance(listed, list) else []:
            if isinstance(entry, Mapping):
                png, svg = there(entry.get("png")), there(entry.get("svg"))
                name = str(entry.get("name") or "")
                if png or svg:
                    dark = there(entry.get("dark_svg")) or there(entry.get("dark_png"))
                    charts.append(Chart(name, str(entry.get("title") or name), png, svg, dark))
        marts = tuple(filter(None, (there(mart) for mart in _names(index.get("marts")))))
        page, docs = bool(there("index.html")), bool(there("docs.html"))
        return Report(str(index.get("created_at") or ""), tuple(charts), marts, page, docs)


def _names(marts: Any) -> list[str]:
    """Objects' names, whether the index lists names or describes each mart."""
    if not isinstance(marts, list):
        return []
    found = [
        mart.get("object") or mart.get("parquet") or mart.get("name")
        for mart in marts
        if isinstance(mart, Mapping)
    ]
    return [str(name) for name in [*found, *(mart for mart in marts if isinstance(mart, str))] if name]


def is_object_name(name: str) -> bool:
    """Whether this may be fetched below a run's prefix: its data, receipts and manifest, nothing else."""
    return _OBJECT_NAME.fullmatch(name) is not None


def is_report_name(name: str) -> bool:
    """Whether this may be fetched below a run's `_report/`."""
    return _REPORT_NAME.fullmatch(name) is not None


class _Known:
    """The manifests read last; an object that changed has another ETag, so none is ever stale."""

    def __init__(self, most_receipts: int = 50_000) -> None:
        self._most = most_receipts
        self._receipts = 0
        self._kept: OrderedDict[tuple[str, str, str], Committed] = OrderedDict()
        self._lock = Lock()

    def get(self, key: tuple[str, str, str]) -> Committed | None:
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def put(self, key: tuple[str, str, str], manifest: Committed) -> None:
        with self._lock:
            if key not in self._kept:
                self._receipts += len(manifest.receipts)
            self._kept[key] = manifest
            while self._receipts > self._most and len(self._kept) > 1:
                _, oldest = self._kept.popitem(last=False)
                self._receipts -= len(oldest.receipts)


_manifests = _Known()
