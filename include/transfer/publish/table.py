"""The table of a dataset: brought up to the dataset's commit log after each commit.

Each snapshot names, in its properties, the run and the number of the log's entry that it shows. A commit goes
from there to the log's last entry in one step, whatever lies between: so twice is once, and what a crash left
behind is done by whoever commits next.
"""

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from include.transfer.commit.entry import Entry
from include.transfer.commit.log import newest
from include.transfer.dataset import Dataset
from include.transfer.errors import Overtaken
from include.transfer.publish.catalog import CATALOG, CatalogSettings, TableRefused, named
from include.transfer.publish.change import Change, commit, files_of
from include.transfer.publish.columns import schema_of
from include.transfer.publish.expiry import expire, named_by
from include.transfer.publish.live_keys import live_keys
from include.transfer.publish.partitions import partition_of
from include.transfer.store.bucket import Bucket
from include.transfer.store.keys import Prefix

if TYPE_CHECKING:
    from pyiceberg.table import Table
    from pyiceberg.table.snapshots import Snapshot

log = logging.getLogger(__name__)

# Of a snapshot: which run and entry of the log it shows; of the table: whose it is.
DATASET, RUN, LOG = "wildfire-lake.dataset", "wildfire-lake.run", "wildfire-lake.log"
_PROPERTIES = {
    "format-version": "2",
    "gc.enabled": "false",  # an engine that expires snapshots must not delete the lake's objects with them
    "commit.manifest-merge.enabled": "true",
    "commit.manifest.min-count-to-merge": "20",  # a commit reads each, and replacing a file may rewrite one
    "write.metadata.delete-after-commit.enabled": "true",
}
_ROUNDS = 20  # each lost one is another run's commit


class LakeTable:
    """The table that a dataset names, in the catalog behind `settings`."""

    def __init__(self, dataset: Dataset, bucket: Bucket, settings: CatalogSettings) -> None:
        self.name, self._window = dataset.table, dataset.window
        self._bucket, self._settings = bucket, settings
        self._folder = bucket.uri(f"{dataset.name}/")

    def bring_up(self, any_run: Prefix) -> None:
        """Bring the table to the log's last entry, in one snapshot; nothing where it is there already.

        Raises CatalogUnavailable or Overtaken where another try may do it, TableRefused where it cannot.
        """
        from pyiceberg.exceptions import CommitFailedException

        with named(self._settings, self.name):
            for _ in range(_ROUNDS):
                table = self._opened()  # before the log is read: then that is not behind the table
                entry = newest(self._bucket, any_run)
                try:
                    if entry is None or self._is_at(table, entry):
                        return
                    self._replace(table, any_run, entry)
                except CommitFailedException:
                    continue
                return
            raise Overtaken("another run committed first at each try")

    def expire_before(self, first: int) -> None:
        """Expire the snapshots that show entries before this one, or none; not what a branch or tag names."""

        def is_due(snapshot: "Snapshot") -> bool:
            return (number_of(snapshot) or 0) < first

        self._expired(lambda table: expire(table, is_due))

    def release(self, going: Callable[[str], bool]) -> set[str]:
        """Expire every snapshot that names an object that is to go; returns the keys that must stay.

        Those are of the current snapshot, and of what a branch or a tag names.
        """
        held: set[str] = set()

        def release_in(table: "Table") -> None:
            held.clear()
            found = named_by(table, self._key, going)
            if expire(table, lambda snapshot: bool(found[snapshot.snapshot_id])):
                found = named_by(table, self._key, going)
            held.update(*found.values())

        self._expired(release_in)
        if held:
            log.warning(
                "%d objects stay: a branch or a tag of the table %s names them, such as %s",
                *(len(held), self.name, min(held)),
            )
        return held

    def _expired(self, expire_in: "Callable[[Table], object]") -> None:
        """Do it with the table as it is; anew where another commit came first."""
        from pyiceberg.exceptions import CommitFailedException

        with named(self._settings, self.name):
            for _ in range(_ROUNDS):
                try:
                    expire_in(self._opened())
                except CommitFailedException:
                    continue
                return
            raise Overtaken("another run committed first at each try")

    def _opened(self) -> "Table":
        """The table, made where there is none. Raises TableRefused for another one's."""
        from pyiceberg.exceptions import NoSuchTableError, TableAlreadyExistsError

        catalog = self._settings.catalog
        try:
            table = catalog.load_table(self.name)
        except NoSuchTableError:
            catalog.create_namespace_if_not_exists(self.name.rpartition(".")[0])
            location = None if self._settings.chooses_location else f"{self._folder}_table"
            own = {**_PROPERTIES, DATASET: self._folder}
            try:
                table = catalog.create_table(self.name, schema_of({}), location, properties=own)
                log.info("made the table %s in %s", self.name, CATALOG)
            except TableAlreadyExistsError:
                table = catalog.load_table(self.name)
        self._refuse_foreign(table)
        return table

    def _refuse_foreign(self, table: "Table") -> None:
        owner, snapshot = table.properties.get(DATASET), table.current_snapshot()
        if owner != self._folder:
            raise TableRefused(
                f"the table is {'of ' + owner if owner else 'not of this project'}, not of {self._folder}",
                fix="name another table in the dataset, or drop this one; then clear this task",
            )
        if snapshot and number_of(snapshot) is None:
            raise TableRefused(
                f"somebody else wrote snapshot {snapshot.snapshot_id} into the table",
                fix="roll it back to the snapshot before, or drop it without purging it, then clear this "
                "task; write to a table of your own",
            )

    def _is_at(self, table: "Table", entry: Entry) -> bool:
        """Raises TableRefused where the log is not the one that the table was brought up to."""
        snapshot = table.current_snapshot()
        number = number_of(snapshot) if snapshot else 0
        same = snapshot is not None and number == entry.number
        if number is None or number > entry.number or (same and _run_of(snapshot) != entry.run):
            raise TableRefused(
                f"the table shows entry {number} of the dataset's log, which is not the log's any more",
                fix="drop the table without purging it, then clear this task: it is made anew",
            )
        return same

    def _replace(self, table: "Table", any_run: Prefix, entry: Entry) -> None:
        snapshot = table.current_snapshot()
        held = files_of(table, snapshot)
        known = (number_of(snapshot) if snapshot else 0) or 0
        live = live_keys(self._bucket, any_run, entry, known, map(self._key, held))
        wanted = {self._bucket.uri(key) for key in live.keys}
        added, removed = wanted - held.keys(), [held[uri] for uri in held.keys() - wanted]
        properties = {RUN: entry.run, LOG: str(entry.number)}
        contracts = [run.types for run in live.runs]
        types = {name: kind for contract in contracts for name, kind in contract.items()}
        commit(table, Change(added, removed, contracts, properties, partition_of(self._window, types)))
        log.info(
            "the table %s shows entry %d of the log: %d objects added, %d removed",
            *(self.name, entry.number, len(added), len(removed)),
        )

    def _key(self, uri: str) -> str:
        return uri.removeprefix(self._bucket.uri(""))


def number_of(snapshot: "Snapshot") -> int | None:
    """The entry of the log that a snapshot shows; None: somebody else wrote it."""
    said = snapshot.summary.additional_properties.get(LOG, "") if snapshot.summary else ""
    return int(said) if said.isdecimal() else None


def _run_of(snapshot: "Snapshot | None") -> str | None:
    return snapshot.summary.additional_properties.get(RUN) if snapshot and snapshot.summary else None
