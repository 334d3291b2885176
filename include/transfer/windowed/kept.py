"""Windows that were copied again and hold the same rows: their old objects stay the dataset's."""

import logging
from collections.abc import Mapping, Sequence

from include.transfer.commit.entry import Entry
from include.transfer.commit.live import Live
from include.transfer.commit.log import newest
from include.transfer.commit.manifest import Manifest
from include.transfer.commit.receipt import Receipt
from include.transfer.dataset import Dataset
from include.transfer.payloads import VerifiedWindow
from include.transfer.store.bucket import Bucket
from include.transfer.store.keys import Prefix
from include.transfer.windowed.due import window_of
from include.transfer.windowed.plan import Part, Planned, key_of

log = logging.getLogger(__name__)


def kept_by(
    bucket: Bucket,
    prefix: Prefix,
    dataset: Dataset,
    planned: Planned,
    receipts: Mapping[Part, Sequence[Receipt]],
) -> list[VerifiedWindow]:
    """The windows of a run, each with the run whose objects already hold the same rows, or "" for none."""
    runs = _LiveRuns(bucket, prefix, newest(bucket, prefix))
    windows: list[VerifiedWindow] = []
    for part in planned.parts:
        own, run = receipts[part], runs.holding(dataset, part.since, part.until)
        rows = sum(receipt.rows for receipt in own)
        key = key_of(dataset, part.since, part.until)
        before = [receipt for receipt in run.receipts if receipt.window == key] if run else []
        same = run is not None and _content(own) == _content(before) and _there(bucket, before)
        kept = run.prefix.run if run and same else ""
        windows.append({"since": part.since, "until": part.until, "rows": rows, "kept": kept})
    if count := sum(bool(window["kept"]) for window in windows):
        log.info("%d of %d windows have the same rows as before, and keep their objects", count, len(windows))
    return windows


def _content(receipts: Sequence[Receipt]) -> list[tuple[int, int, str, str]]:
    return [(each.start, each.rows, each.sha256, each.fingerprint) for each in receipts]


def _there(bucket: Bucket, receipts: Sequence[Receipt]) -> bool:
    found = [bucket.head(receipt.key) for receipt in receipts]
    return [each and (each.bytes, each.etag) for each in found] == [(r.bytes, r.etag) for r in receipts]


def still_live(bucket: Bucket, prefix: Prefix, dataset: Dataset, windows: Sequence[VerifiedWindow]) -> bool:
    """Whether the kept windows are still of the runs that they were of."""
    runs = _LiveRuns(bucket, prefix, newest(bucket, prefix))
    return all(
        (run := runs.holding(dataset, each["since"], each["until"])) is not None
        and run.prefix.run == each["kept"]
        for each in windows
        if each["kept"]
    )


class _LiveRuns:
    """The runs whose windows are live, each read once."""

    def __init__(self, bucket: Bucket, any_run: Prefix, entry: Entry | None) -> None:
        self._bucket, self._any_run = bucket, any_run
        self._lines: Sequence[Live] = entry.windows if entry else []
        self._read: dict[str, Manifest | None] = {}

    def holding(self, dataset: Dataset, since: str, until: str) -> Manifest | None:
        """The run of which just this window is live, if one is; another run's own is none."""
        window = window_of(dataset)
        span = window.span(since, until)
        for line in self._lines:
            live = window.span(line.since, line.until)
            if live.since <= span.since and span.until <= live.until and line.run != self._any_run.run:
                run = self._manifest(line.run)
                ends = [(each["since"], each["until"]) for each in (run.windows or [])] if run else []
                return run if (since, until) in ends else None
        return None

    def _manifest(self, run: str) -> Manifest | None:
        if run not in self._read:
            prefix = self._any_run.of(run)
            stored = self._bucket.get_json(prefix.manifest) if prefix else None
            self._read[run] = Manifest.from_dict(stored, prefix) if prefix else None
        return self._read[run]
