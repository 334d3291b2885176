"""Which committed runs a report is to be made of."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from include.report.errors import RunGone
from include.report.loadable import Address, reported
from include.report.partition import mark_of, window_of
from include.transfer.commit import log
from include.transfer.commit.history import newest_run
from include.transfer.dataset import Dataset
from include.transfer.source.windows import Window
from include.transfer.store.bucket import Bucket
from include.transfer.store.keys import Prefix


def choose(
    events: Iterable[Mapping[str, Any]],
    manifest: str | None,
    dataset: str,
    newest: Callable[[str], str | None],
) -> list[str]:
    """URIs of manifests, one a dataset, the latest event's first.

    `events`: the extras of the asset events that started the run, oldest first; none: started by hand, for
    `manifest`, or for the newest committed run of `dataset`. Two events of one dataset: the later run has the
    earlier one's rows, or newer ones. Raises RunGone where nothing is committed.
    """
    if manifest:
        return [Address.parse(manifest).uri]
    by_dataset: dict[str, str] = {}
    for event in events:
        address = Address.parse(event.get("manifest"))
        by_dataset.pop(address.prefix.dataset, None)
        by_dataset[address.prefix.dataset] = address.uri
    if by_dataset:
        return list(by_dataset.values())[::-1]
    if found := newest(reported(dataset).name):
        return [found]
    raise RunGone(f"no run of {dataset} is committed", fix="run the DAG that copies it first")


def newest(bucket: Bucket, dataset: Dataset, partition: str = "") -> str | None:
    """The manifest of the dataset's newest committed run, by the store itself, not by `_latest.json`.

    `partition`: of the run that holds this window of it. Raises BadSettings as `partition.window_of` does.
    """
    if window := window_of(dataset, partition):
        run = _holder(bucket, dataset, window, partition)
    else:
        found = newest_run(bucket, Prefix(dataset.name, "any"))
        run = found.prefix if found else None
    return bucket.uri(run.manifest) if run else None


def _holder(bucket: Bucket, dataset: Dataset, window: Window, partition: str) -> Prefix | None:
    """The run that holds the window's rows, by the newest entry of the dataset's log."""
    any_run, mark = Prefix(dataset.name, "any"), mark_of(window, partition)
    entry = log.newest(bucket, any_run)
    for line in entry.windows if entry else ():
        if window.read(line.since) <= mark < window.read(line.until):
            return any_run.of(line.run)
    return None
