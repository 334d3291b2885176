"""One snapshot of a table: files added and removed at once, in one commit of its metadata."""

import logging
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from include.transfer.publish.columns import evolve
from include.transfer.publish.partitions import Partition, Unplaced, leave, placed

if TYPE_CHECKING:
    from pyiceberg.manifest import DataFile, ManifestFile
    from pyiceberg.table import Table, Transaction
    from pyiceberg.table.snapshots import Snapshot

log = logging.getLogger(__name__)

_READERS = 8  # footers that are read at once


@dataclass(frozen=True)
class Change:
    """What the next snapshot brings. `added`: URIs; `contracts`: the columns of these.

    `properties`: of the snapshot; `partition`: of a table that has no snapshot yet.
    """

    added: Collection[str]
    removed: "Collection[DataFile]"
    contracts: Collection[Mapping[str, str]]
    properties: Mapping[str, str]
    partition: Partition | None = None


def holds_files(manifest: "ManifestFile") -> bool:
    """Whether it names files that are there; others tell what a snapshot removed."""
    return bool(manifest.has_added_files() or manifest.has_existing_files())


def files_of(table: "Table", snapshot: "Snapshot | None") -> "dict[str, DataFile]":
    """The files that a snapshot names, by their URI."""
    manifests = snapshot.manifests(table.io) if snapshot else []
    entries = (
        entry
        for manifest in manifests
        if holds_files(manifest)
        for entry in manifest.fetch_manifest_entry(table.io)
    )
    return {entry.data_file.file_path: entry.data_file for entry in entries}


def commit(table: "Table", change: Change) -> None:
    """Commit it as one snapshot. Raises CommitFailedException where another commit came first.

    Where an object has rows of several partitions, the table is not partitioned from then on.
    """
    try:
        _commit(table, change, parted=True)
    except Unplaced as error:
        log.warning("the table is not partitioned from now on: %s", error)
        _commit(table, change, parted=False)


def _commit(table: "Table", change: Change, *, parted: bool) -> None:
    from pyiceberg.table import TableProperties

    with table.transaction() as transaction:
        evolve(transaction, change.contracts)
        if not parted:
            leave(transaction)
        elif change.partition and table.current_snapshot() is None:
            change.partition.add_to(transaction)
        if transaction.table_metadata.name_mapping() is None:  # the objects' columns have names and no ids
            mapping = transaction.table_metadata.schema().name_mapping.model_dump_json()
            transaction.set_properties({TableProperties.DEFAULT_NAME_MAPPING: mapping})
        files = _described(table, transaction, change.added)
        with _snapshot(table, transaction, change.properties) as snapshot:
            for file in change.removed:
                snapshot.delete_data_file(file)
            for file in files:
                snapshot.append_data_file(file)


def _described(table: "Table", transaction: "Transaction", uris: Iterable[str]) -> "list[DataFile]":
    """Objects as Iceberg describes them, from their footers."""
    from concurrent.futures import ThreadPoolExecutor

    from pyiceberg.io.pyarrow import parquet_file_to_data_file

    metadata = transaction.table_metadata

    def described(uri: str) -> "DataFile":
        with placed(metadata, uri) as checked:
            return checked(parquet_file_to_data_file(table.io, metadata, uri))

    with ThreadPoolExecutor(_READERS) as pool:
        return list(pool.map(described, sorted(uris)))


def _snapshot(table: "Table", transaction: "Transaction", properties: Mapping[str, str]) -> Any:
    from pyiceberg.exceptions import CommitFailedException
    from pyiceberg.table.snapshots import Operation
    from pyiceberg.table.update.snapshot import _MergeAppendFiles, _OverwriteFiles

    class Replacement(_OverwriteFiles, _MergeAppendFiles):
        """As pyiceberg's overwrite, and its manifests are merged as those of an append are.

        An overwrite alone adds one or two at each commit, and reads all of them at the next.
        """

        def _existing_manifests(self) -> Any:
            return [each for each in super()._existing_manifests() if holds_files(each)]

        def _build_manifest_evaluator(self, spec_id: int) -> Any:
            """One for each manifest: pyiceberg asks one in several threads, and it has a state."""
            build = super()._build_manifest_evaluator

            def evaluate(manifest: "ManifestFile") -> bool:
                return build(spec_id)(manifest)

            return evaluate

        def _validate_concurrency(self) -> None:
            """Before it is tried once more: what to add and to remove must be found out anew."""
            raise CommitFailedException("the table has changed meanwhile")

    standing = transaction.table_metadata.current_snapshot()
    operation = Operation.OVERWRITE if standing else Operation.APPEND
    return Replacement(operation, transaction, table.io, snapshot_properties=dict(properties))
