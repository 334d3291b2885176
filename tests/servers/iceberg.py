"""Datasets with a table in an Iceberg catalog, and what a reader of that sees."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from include.transfer import run as steps
from include.transfer.policy import Policy
from include.transfer.publish.catalog import CatalogSettings
from include.transfer.publish.storage import with_storage
from include.transfer.publish.table import LOG, LakeTable
from include.transfer.store.bucket import Bucket
from include.transfer.store.options import Settings
from include.transfer.windowed.due import Interval
from tests.servers.windowed_source import WindowedSource

if TYPE_CHECKING:
    from tests.servers.seaweedfs import Store

START = datetime(2026, 1, 1, tzinfo=UTC)
ROWS = [{"id": n, "name": f"fire {n}", "acres": n / 2} for n in range(25)]
NAMES = [f"2026010{day}T000000-{day}" for day in range(1, 7)]


class Watched(Bucket):
    """A bucket from which nothing goes that a snapshot names."""

    catalog: CatalogSettings
    gone = 0

    def delete(self, key, etag=""):
        if "/data_" in key and "_receipts" not in key:
            for snapshot in self.catalog.catalog.load_table("lake.things").snapshots():
                assert self.uri(key) not in files(self.catalog, snapshot.snapshot_id)
            self.gone += 1
        super().delete(key, etag)


def catalog_in(folder: Path, store: "Store") -> CatalogSettings:
    """A catalog in a database of its own, and the store for all files."""
    own = {"type": "sql", "uri": f"sqlite:///{folder}/catalog.db"}
    keys = (store.access_key, store.secret_key, None)
    return CatalogSettings(with_storage(own, Settings(store.endpoint, None, keys)))


def files(catalog, snapshot_id=None):
    scan = catalog.catalog.load_table("lake.things").scan(snapshot_id=snapshot_id)
    return {task.file.file_path for task in scan.plan_files()}


def read(catalog, snapshot_id=None):
    """The table's rows, by their id."""
    scan = catalog.catalog.load_table("lake.things").scan(snapshot_id=snapshot_id)
    return sorted(scan.to_arrow().to_pylist(), key=lambda row: row["id"])


def shown(catalog):
    """The entry of the log that each snapshot shows, in the order of their commits."""
    table = catalog.catalog.load_table("lake.things")
    return [int(each.summary.additional_properties[LOG]) for each in table.snapshots()]


def spec(catalog):
    return [str(field.transform) for field in catalog.catalog.load_table("lake.things").spec().fields]


class Days:
    """A source by days, in a lake whose table has one, too."""

    def __init__(self, bucket, catalog):
        self.rows, self.bucket, self.catalog = [], bucket, catalog
        self.api = WindowedSource(self.rows).api(format="parquet", table="lake.things")
        self.table = LakeTable(self.api.dataset, bucket, catalog)
        self.runs = 0

    def add(self, *days):
        for day in days:
            at = START + timedelta(days=day, hours=len(self.rows) % 24)
            self.rows.append({"id": len(self.rows), "at": at.isoformat(), "acres": 1})

    def run(self, since, until, **policy):
        """Copy these days, in a run of its own."""
        self.runs += 1
        ends = ((START + timedelta(days=day)).isoformat() for day in (since, until))
        run = f"20260101T{self.runs:06d}-aaaa"
        interval = Interval(*ends)
        return steps.run(self.api, self.bucket, run, Policy(**policy), interval=interval, table=self.table)
