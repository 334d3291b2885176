"""What the tests of a copy share: an API behind a scripted source, and a bucket of a real store."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests

from include.transfer import run as steps
from include.transfer.batches import Batch, plan_batches
from include.transfer.commit.receipt import Receipt
from include.transfer.copy import copy_batch
from include.transfer.dataset import Dataset
from include.transfer.payloads import CommittedRun, PlannedBatch, VerifiedRun
from include.transfer.policy import Policy
from include.transfer.publish.catalog import CatalogSettings
from include.transfer.publish.table import LakeTable
from include.transfer.source.api import Api
from include.transfer.source.pace import Patience
from include.transfer.store.bucket import Bucket
from include.transfer.store.keys import Prefix
from tests.lake_keys import unmarked
from tests.servers.iceberg import NAMES, ROWS, Days, Watched, catalog_in
from tests.servers.scripted_http import ScriptedSource

if TYPE_CHECKING:
    from tests.servers.seaweedfs import Store

IMPATIENT = Patience(
    attempts=4, first_wait=0.001, longest_wait=0.002, longest_retry_after=0.05, connect=2, read=5
)


def open_api(source: ScriptedSource, patience: Patience = IMPATIENT, **settings: Any) -> Api:
    """An Api of `source`, reached by a session of its own."""
    session = requests.Session()
    session.trust_env = False
    return Api(session, source.url, Dataset(**{"name": "things", **settings}), patience)


def rows_of(api: Api, start: int, limit: int) -> list[dict[str, Any]]:
    return [row for block in api.rows(Batch(start, limit)) for row in block.rows]


@dataclass
class Run:
    """One run of copies from a source to a bucket."""

    source: ScriptedSource
    bucket: Bucket
    dataset: Dataset
    prefix: Prefix

    @property
    def api(self) -> Api:
        return open_api(self.source, **self.dataset.to_dict())

    def batches(self) -> list[Batch]:
        return plan_batches(self.source.total, self.dataset.batch_size, 1000)

    def copy(self, start: int = 0, limit: int | None = None) -> Receipt:
        limit = self.dataset.batch_size if limit is None else limit
        return copy_batch(self.api, self.bucket, self.prefix, Batch(start, limit))

    def copy_all(self) -> list[Receipt]:
        return [self.copy(batch.start, batch.limit) for batch in self.batches()]

    def plan(self) -> list[PlannedBatch]:
        """What the plan task hands on."""
        return steps.plan(self.dataset, steps.count(self.api))

    def verify(self, planned: list[PlannedBatch] | None = None, **policy: Any) -> VerifiedRun:
        planned = self.plan() if planned is None else planned
        return steps.verify(self.api, self.bucket, planned, [], self.prefix.run, Policy(**policy))

    def commit(self, planned: list[PlannedBatch] | None = None, **policy: Any) -> CommittedRun:
        """Verify and commit what is there."""
        verified = self.verify(planned, **policy)
        return steps.commit(self.dataset, self.bucket, verified, self.prefix.run, Policy(**policy))

    def whole(self, table: "LakeTable | None" = None, **policy: Any) -> CommittedRun:
        """The run from its count to its commit, whether the source has changed or not."""
        policy = {"force": True, **policy}
        return steps.run(self.api, self.bucket, self.prefix.run, Policy(**policy), table=table)  # type: ignore[return-value]

    def key(self, start: int) -> str:
        """The object that the receipt of the batch from `start` on names."""
        stored = self.bucket.get_json(self.prefix.receipt(Batch(start, 1)))
        return str(stored["key"])  # type: ignore[index]

    def hashes(self, start: int) -> str:
        """The hashes that belong to it."""
        return self.prefix.hashes(self.key(start))

    def manifest(self) -> dict[str, Any] | None:
        return self.bucket.get_json(self.prefix.manifest)

    def bytes_of(self, key: str) -> bytes:
        return b"".join(self.bucket.get(key))

    def stored_keys(self) -> list[str]:
        return [stored.key for stored in self.bucket.objects("")]

    def names(self) -> list[str]:
        """Keys without the marks of attempts."""
        return [unmarked(key) for key in self.stored_keys()]


@pytest.fixture
def bucket(store: "Store") -> Bucket:
    """One bucket for all these tests, empty: each bucket takes volumes of a small store for itself."""
    if not store.client().bucket_exists("transfer"):
        store.client().make_bucket("transfer")
    emptied = Bucket(store.client(), "transfer")
    for stored in list(emptied.objects("")):
        emptied.delete(stored.key)
    return emptied


@pytest.fixture
def make_run(bucket: Bucket) -> Callable[..., Run]:
    def make(source: ScriptedSource, run: str = "20260101T000000-aaaa", **settings: Any) -> Run:
        dataset = Dataset(**{"name": "things", "batch_size": 10, **settings})
        return Run(source, bucket, dataset, Prefix(dataset.name, run))

    return make


@pytest.fixture(autouse=True)
def _logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)


@pytest.fixture
def catalog(store: "Store", tmp_path: Path) -> CatalogSettings:
    return catalog_in(tmp_path, store)


@pytest.fixture
def watched(bucket: Bucket, catalog: CatalogSettings) -> Watched:
    found = Watched(bucket._client, bucket.name)
    found.catalog = catalog
    return found


@pytest.fixture
def commit(source: Any, make_run: Any, catalog: CatalogSettings, watched: Watched) -> Callable[..., Run]:
    """Copies rows in a run of a dataset with a table; returns the run."""

    def whole(rows: Any = ROWS, run: str = NAMES[0], policy: Any = None, **settings: Any) -> Run:
        made: Run = make_run(source(rows), run=run, format="parquet", table="lake.things", **settings)
        made.bucket = watched
        made.whole(table=LakeTable(made.dataset, watched, catalog), **(policy or {}))
        return made

    return whole


@pytest.fixture
def days(watched: Watched, catalog: CatalogSettings) -> Days:
    return Days(watched, catalog)
