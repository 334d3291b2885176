"""What the store holds: manifests, objects and reports of runs. Reads only, and never waits long."""

import re
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from include.lake_page.kept import Kept
from include.lake_page.proven import Point, points
from include.lake_page.runs import Copied
from include.transfer.commit.manifest import Manifest, complaints
from include.transfer.commit.owner import owner_of
from include.transfer.errors import BadSettings
from include.transfer.source.count import MOST_PROVENANCE
from include.transfer.store.bucket import Bucket
from include.transfer.store.keys import Prefix

MOST_COMPLAINTS = 5
MOST_LISTED = 200  # charts or tables of a report
MOST_CAPTION = 200  # characters
_READERS = 8
_REPORT_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}\.(?:html|json|png|svg|parquet)")
_WINDOW = r"\d{8,18}(?:T\d{6}Z)?_\d{8,18}(?:T\d{6}Z)?(?:_\d{1,18})?"
_DATA = rf"data_(?:from_\d{{1,18}}|{_WINDOW})"
_OBJECT_NAME = re.compile(rf"_manifest\.json|_plan\.json|{_DATA}\.[a-z.]{{1,50}}|_receipts/{_DATA}\.json")


@dataclass(frozen=True)
class Damaged:
    """What stands in a manifest's place and is not the manifest of its run."""

    complaints: tuple[str, ...]


@dataclass(frozen=True)
class Committed:
    """A committed run: what a page shows of its manifest. `grown`: rows that were appended during the run.

    A list of runs has them without their `receipts`.
    """

    rows: int
    bytes: int
    format: str
    created_at: str
    batches: int
    peak_rss_mb: float | None
    receipts: tuple[Copied, ...] = ()
    grown: int = 0
    proof: tuple[Point, ...] = ()
    provenance: str = ""  # what the source says that its rows are
    generated: bool = False  # made up, it says

    @classmethod
    def read(cls, stored: Any, prefix: Prefix) -> "Committed | Damaged":
        """What stands where the manifest of this run belongs."""
        manifest = Manifest.from_dict(stored, prefix)
        if manifest is None:
            return Damaged(tuple(islice(complaints(stored, prefix), MOST_COMPLAINTS)))
        planned = (manifest.drift or {}).get("planned", {}).get("count", manifest.rows)
        return cls(
            rows=manifest.rows,
            bytes=manifest.bytes,
            format=f"{manifest.format} {manifest.compression}".removesuffix(" none"),
            created_at=manifest.created_at[:40],
            batches=len(manifest.receipts),
            peak_rss_mb=max((receipt.peak_rss_mb for receipt in manifest.receipts), default=None),
            receipts=tuple(map(Copied.of, manifest.receipts)),
            grown=manifest.rows - planned,
            proof=points(manifest.proof),
            provenance=manifest.provenance[:MOST_PROVENANCE],
            generated=manifest.generated,
        )


@dataclass(frozen=True)
class Trouble:
    """A store that cannot be read: which, what happened, what to do."""

    conn_id: str
    bucket: str
    text: str


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
        self._owners: dict[str, str | None] = {}

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

    def manifests(self, prefixes: Iterable[Prefix]) -> dict[Prefix, Committed | Damaged]:
        """The manifests of those runs that have one, without receipts: a HEAD each, a GET for a new one."""
        wanted = list(prefixes)
        with ThreadPoolExecutor(_READERS) as readers:
            found = list(readers.map(self._summary, wanted))
        return {prefix: manifest for prefix, manifest in zip(wanted, found, strict=True) if manifest}

    def _summary(self, prefix: Prefix) -> Committed | Damaged | None:
        stored = self.bucket.head(prefix.manifest)
        if stored is None:
            return None
        known = (self.bucket.name, stored.key, stored.etag)
        if (manifest := _manifests.get(known)) is None:
            manifest = self.manifest(prefix)
            if isinstance(manifest, Committed):
                manifest = replace(manifest, receipts=())
            _manifests.put(known, manifest)
        return manifest

    def manifest(self, prefix: Prefix) -> Committed | Damaged:
        """What stands where the run's manifest belongs, whole: one GET."""
        return Committed.read(self.bucket.get_json(prefix.manifest), prefix)

    def writer(self, dataset: str) -> str | None:
        """The DAG that the store names as the writer of this dataset, None: nobody. It is asked once."""
        if dataset not in self._owners:
            self._owners[dataset] = owner_of(self.bucket, dataset)
        return self._owners[dataset]

    def is_written_by(self, dataset: str, dag_id: str) -> bool:
        """Whether the store names no other DAG as the writer of this dataset."""
        return self.writer(dataset) in (None, dag_id)

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
        for entry in listed[:MOST_LISTED] if isinstance(listed, list) else []:
            if isinstance(entry, Mapping):
                png, svg = there(entry.get("png")), there(entry.get("svg"))
                name = _text(entry.get("name"))
                if png or svg:
                    dark = there(entry.get("dark_svg")) or there(entry.get("dark_png"))
                    charts.append(Chart(name, _text(entry.get("title")) or name, png, svg, dark))
        marts = tuple(filter(None, (there(mart) for mart in _names(index.get("marts")))))
        page, docs = bool(there("index.html")), bool(there("docs.html"))
        return Report(_text(index.get("created_at")), tuple(charts), marts, page, docs)


def _names(marts: Any) -> list[str]:
    """Objects' names, whether the index lists names or describes each mart."""
    if not isinstance(marts, list):
        return []
    found = [
        mart.get("object") or mart.get("parquet") or mart.get("name")
        for mart in marts[:MOST_LISTED]
        if isinstance(mart, Mapping)
    ]
    return [name for name in [*found, *marts[:MOST_LISTED]] if isinstance(name, str)]


def _text(value: Any) -> str:
    """A caption that a report's index may hold."""
    return value[:MOST_CAPTION] if isinstance(value, str) else ""


def is_object_name(name: str) -> bool:
    """Whether this may be fetched below a run's prefix: its data, receipts, plan and manifest alone."""
    return _OBJECT_NAME.fullmatch(name) is not None


def is_report_name(name: str) -> bool:
    """Whether this may be fetched below a run's `_report/`."""
    return _REPORT_NAME.fullmatch(name) is not None


_manifests: Kept[Committed | Damaged] = Kept()
