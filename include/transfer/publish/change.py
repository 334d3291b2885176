"""One snapshot of a table: files added and removed at once, in one commit of its metadata."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from include.transfer.publish.columns import evolve

if TYPE_CHECKING:
    from pyiceberg.manifest import DataFile, ManifestFile
    from pyiceberg.table import Table, Transaction
    from pyiceberg.table.snapshots import Snapshot


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


def holds_files(manifest: "ManifestFile") -> bool:
    """Whether it names files that are there; others tell what a snapshot removed."""
    return bool(manifest.has_added_files() or manifest.has_existing_files())


def replace_files(
    table: "Table",
    added: Collection[str],
    removed: "Iterable[DataFile]",
    contracts: Iterable[Mapping[str, str]],
    properties: Mapping[str, str],
) -> None:
    """Commit one snapshot. `added`: URIs; `contracts`: their columns. Raises CommitFailedException."""
    from pyiceberg.table import TableProperties

    with table.transaction() as change:
        evolve(change, contracts)
        if change.table_metadata.name_mapping() is None:  # the objects' columns have names and no ids
            mapping = change.table_metadata.schema().name_mapping.model_dump_json()
            change.set_properties({TableProperties.DEFAULT_NAME_MAPPING: mapping})
        with _snapshot(table, change, properties) as snapshot:
            for file in removed:
                snapshot.delete_data_file(file)
            for file in _described(table, change, added):
                snapshot.append_data_file(file)


def _described(table: "Table", change: "Transaction", uris: Iterable[str]) -> "Iterator[DataFile]":
    """Objects as Iceberg describes them, from their footers."""
    from concurrent.futures import ThreadPoolExecutor

    from pyiceberg.io.pyarrow import parquet_file_to_data_file

    metadata = change.table_metadata
    with ThreadPoolExecutor(8) as pool:
        yield from pool.map(lambda uri: parquet_file_to_data_file(table.io, metadata, uri), sorted(uris))


def _snapshot(table: "Table", change: "Transaction", properties: Mapping[str, str]) -> Any:
    from pyiceberg.exceptions import CommitFailedException
    from pyiceberg.table.snapshots import Operation
    from pyiceberg.table.update.snapshot import _MergeAppendFiles, _OverwriteFiles

    class Replacement(_OverwriteFiles, _MergeAppendFiles):
        """As pyiceberg's overwrite, and its manifests are merged as those of an append are.

        An overwrite alone adds one or two at each commit, and reads all of them at the next.
        """

        def _existing_manifests(self) -> Any:
            return [each for each in super()._existing_manifests() if holds_files(each)]

        def _validate_concurrency(self) -> None:
            """Before it is tried once more: what to add and to remove must be found out anew."""
            raise CommitFailedException("the table has changed meanwhile")

    standing = change.table_metadata.current_snapshot()
    operation = Operation.OVERWRITE if standing else Operation.APPEND
    return Replacement(operation, change, table.io, snapshot_properties=dict(properties))
