"""Snapshots that are expired, so that the objects they name may go. No object is removed here."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from include.transfer.publish.change import holds_files

if TYPE_CHECKING:
    from pyiceberg.manifest import ManifestFile
    from pyiceberg.table import Table
    from pyiceberg.table.snapshots import Snapshot


def expire(table: "Table", is_due: "Callable[[Snapshot], bool]") -> int:
    """Expire the snapshots that are due, but those that a branch or a tag names; returns how many went."""
    named = {reference.snapshot_id for reference in table.refs().values()}
    due = [each.snapshot_id for each in table.snapshots() if each.snapshot_id not in named and is_due(each)]
    if due:
        table.maintenance.expire_snapshots().by_ids(due).commit()
    return len(due)


def named_by(
    table: "Table", key_of: Callable[[str], str], is_wanted: Callable[[str], bool]
) -> dict[int, set[str]]:
    """The keys among the wanted that each snapshot names. A manifest of several snapshots is read once."""
    read: dict[str, set[str]] = {}

    def within(manifest: "ManifestFile") -> set[str]:
        if manifest.manifest_path not in read:
            entries = manifest.fetch_manifest_entry(table.io) if holds_files(manifest) else []
            keys = (key_of(entry.data_file.file_path) for entry in entries)
            read[manifest.manifest_path] = set(filter(is_wanted, keys))
        return read[manifest.manifest_path]

    return {
        snapshot.snapshot_id: set().union(*map(within, snapshot.manifests(table.io)))
        for snapshot in table.snapshots()
    }
