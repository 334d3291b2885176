"""One window of a dataset's, named as its label or an Airflow partition does (`2015-01`), or by its start."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from include.report.errors import RunGone
from include.transfer.commit.live import Live
from include.transfer.commit.live_windows import live_windows
from include.transfer.commit.manifest import Manifest
from include.transfer.dataset import Dataset
from include.transfer.errors import BadSettings
from include.transfer.source.count import Count
from include.transfer.source.windows import Window


def window_of(dataset: Dataset, partition: str) -> Window | None:
    """The dataset's window, or None where all of a run is meant.

    Raises BadSettings for a partition of a dataset without windows; and without one of a dataset with them,
    whose newest run has the newest windows alone.
    """
    where = f"dataset {dataset.name!r}"
    if partition and dataset.window is None:
        raise BadSettings("it has no windows", where=where, fix="leave partition empty")
    if dataset.window and not partition:
        fix = "name one window as its partition, such as 2015-01"
        raise BadSettings("it is copied by windows, and none is named", where=where, fix=fix)
    return dataset.window


def narrowed(manifest: Manifest, window: Window, partition: str) -> Manifest:
    """The manifest as if the run had copied this window alone. Raises RunGone where it has no such window."""
    mark = mark_of(window, partition)
    for each in manifest.windows or []:
        span = window.span(each["since"], each["until"])
        if span.since == mark and partition in (window.label(span), each["since"]):
            return _of(manifest, each)
    got = f"it has no window {partition}"
    raise RunGone(got, where=manifest.prefix.manifest, fix="name a window that the run has, or another run")


def _of(manifest: Manifest, ends: Mapping[str, Any]) -> Manifest:
    line = Live(ends["since"], ends["until"], manifest.prefix.run)
    receipts = [receipt for each in live_windows(manifest, [line]) for receipt in each.receipts]
    source = Count(sum(receipt.rows for receipt in receipts), manifest.source.version)
    return replace(manifest, receipts=receipts, source=source, windows=[dict(ends)])


def mark_of(window: Window, partition: str) -> int:
    """Where the window begins. Raises BadSettings for what begins none."""
    for rest in ("", "-01", "-01-01"):
        try:
            return window.axis.read(partition + rest)
        except (ValueError, OverflowError):
            continue
    raise BadSettings(
        f"{partition[:80]!r} begins no window", where="partition", fix="name one such as 2015-01"
    )
