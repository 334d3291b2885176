"""One run, batch by batch."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

from include.lake_page.figures import copies_of
from include.lake_page.runs import AirflowRun, Attempt, Copied, Progress
from include.lake_page.stored_runs import Committed
from include.transfer.batches import Batch
from include.transfer.store.keys import Prefix, window_in

# A batch's state, by the newest attempt of its copy.
STATES = {
    "success": "copied",
    "running": "running",
    "failed": "failed",
    "up_for_retry": "waiting to retry",
    "upstream_failed": "not reached",
    "skipped": "skipped",
    "removed": "removed",
    "queued": "queued",
    "scheduled": "queued",
    "restarting": "running",
}
SLOW = 2.0  # times the median
SORTS = ("start", "rows", "bytes", "seconds", "speed", "peak", "attempts", "state")


@dataclass(frozen=True)
class BatchRow:
    """One batch. None: not known, or not yet."""

    number: int  # its map index, or its place in the manifest
    batch: Batch | None
    state: str
    key: str
    in_store: bool
    rows: int | None
    bytes: int | None
    seconds: float | None
    peak_rss_mb: float | None
    attempts: int
    mapped: bool  # Airflow has a task, so a log, for it
    slow: bool = False

    @property
    def rows_per_second(self) -> float | None:
        if self.rows is None or not self.seconds or self.state == "reused":
            return None
        return self.rows / self.seconds

    @property
    def name(self) -> str:
        return str(self.batch) if self.batch else f"map {self.number}"


@dataclass(frozen=True)
class Failure:
    """A task of the run that failed; `again`: it waits for its next attempt."""

    task_id: str
    map_index: int
    attempts: int
    error: str = ""  # what it said of itself, without secrets
    again: bool = False


@dataclass(frozen=True)
class Batches:
    """All batches of a run in the order of their rows, and what stands out among them."""

    rows: tuple[BatchRow, ...]
    median_seconds: float | None
    findings: tuple[str, ...]
    failures: tuple[Failure, ...]

    @property
    def slow(self) -> list[BatchRow]:
        return sorted((row for row in self.rows if row.slow), key=lambda row: -(row.seconds or 0))


def batches(
    prefix: Prefix,
    run: AirflowRun | None,
    progress: Progress,
    manifest: Committed | None,
    objects: Mapping[str, int] | None,
    now: datetime,
    errors: Mapping[tuple[str, int], str] = MappingProxyType({}),
) -> Batches:
    """Every batch of the run. `objects`: key → bytes of what the store holds, None: not known.

    `errors`: task id and map index → what the task said before it failed.
    """
    rows = _rows(prefix, run, progress, manifest, objects or {}, now)
    measured = [row.seconds for row in rows if row.state == "copied" and row.seconds]
    median = statistics.median(measured) if measured else None
    # Of fewer than four no one can be said to stand out.
    limit = SLOW * median if median and len(measured) >= 4 else float("inf")
    rows = [_marked(row, (row.seconds or 0.0) > limit and row.state in ("copied", "running")) for row in rows]
    findings = [*progress.findings, *_disagreements(manifest, objects)]
    return Batches(tuple(rows), median, tuple(findings), _failures(progress, errors))


def _marked(row: BatchRow, slow: bool) -> BatchRow:
    return BatchRow(**{**row.__dict__, "slow": slow}) if slow else row


def _rows(
    prefix: Prefix,
    run: AirflowRun | None,
    progress: Progress,
    manifest: Committed | None,
    objects: Mapping[str, int],
    now: datetime,
) -> list[BatchRow]:
    committed = {_place(_batch(each)): each for each in manifest.receipts} if manifest else {}
    attempts = {attempt.map_index: attempt for attempt in copies_of(run, progress)}
    planned = dict(enumerate(progress.planned or ()))
    if not planned:  # Airflow has forgotten the plan, and the manifest is in its order
        planned = {n: _batch(each) for n, each in enumerate(committed.values())}
    rows = []
    for number in sorted({*planned, *attempts}):
        told = progress.copied.get(number)
        batch = planned.get(number) or (_batch(told) if told else None)
        receipt = (committed.get(_place(batch)) if batch else None) or told
        key = receipt.key if receipt else ""  # an attempt's own until its receipt names it
        rows.append(_row(number, batch, attempts.get(number), told, receipt, key, objects, now))
        committed.pop(_place(batch) if batch else ("", -1), None)
    # What is left was appended: the source grew during the run, and no map was planned for it.
    for number, receipt in enumerate(committed.values(), len(rows)):
        batch = _batch(receipt)
        rows.append(_row(number, batch, None, None, receipt, receipt.key, objects, now))
    return rows


def _batch(told: Copied) -> Batch:
    return Batch(told.start, told.rows, window=window_in(told.key))


def _place(batch: Batch) -> tuple[str, int]:
    return batch.window, batch.start


def _row(
    number: int,
    batch: Batch | None,
    attempt: Attempt | None,
    told: Copied | None,
    receipt: Copied | None,
    key: str,
    objects: Mapping[str, int],
    now: datetime,
) -> BatchRow:
    state = STATES.get(attempt.state, attempt.state or "planned") if attempt else "planned"
    if attempt is None and receipt:
        state = "copied"
    if state == "copied" and told and told.reused:
        state = "reused"
    seconds = receipt.seconds if receipt and state == "copied" else None
    if state == "running" and attempt and attempt.started:
        seconds = max((now - attempt.started).total_seconds(), 0.0)
    done = state in ("copied", "reused")
    return BatchRow(
        number=number,
        batch=batch,
        state=state,
        key=key,
        in_store=key in objects,
        rows=receipt.rows if receipt and done else batch.limit if batch else None,
        bytes=receipt.bytes if receipt and done else None,
        seconds=seconds,
        peak_rss_mb=receipt.peak_rss_mb if receipt and done else None,
        attempts=attempt.try_number if attempt else 0,
        mapped=attempt is not None,
    )


def _disagreements(manifest: Committed | None, objects: Mapping[str, int] | None) -> list[str]:
    """What the manifest names and the store does not hold so, now."""
    if manifest is None or objects is None:
        return []
    found = []
    for receipt in manifest.receipts:
        size = objects.get(receipt.key)
        if size is None:
            found.append(f"{receipt.key}: the manifest names it and the store has no such object")
        elif size != receipt.bytes:
            found.append(f"{receipt.key}: {size:,} bytes in the store; the manifest says {receipt.bytes:,}")
    return found


def _failures(progress: Progress, errors: Mapping[tuple[str, int], str]) -> tuple[Failure, ...]:
    # What an attempt said goes when the next one begins.
    failed = [
        attempt
        for attempt in progress.attempts
        if attempt.state == "failed" or (attempt.task_id, attempt.map_index) in errors
    ]
    failed.sort(key=lambda attempt: (attempt.started is None, attempt.started, attempt.map_index))
    return tuple(
        Failure(
            each.task_id,
            each.map_index,
            each.try_number,
            errors.get((each.task_id, each.map_index), ""),
            again=each.state == "up_for_retry",
        )
        for each in failed
    )


def sorted_by(rows: Sequence[BatchRow], column: str, *, descending: bool) -> list[BatchRow]:
    """The rows in the order of a column of `SORTS`; what is not known comes last either way."""
    values: dict[str, Callable[[BatchRow], Any]] = {
        "start": lambda row: row.number,
        "rows": lambda row: row.rows,
        "bytes": lambda row: row.bytes,
        "seconds": lambda row: row.seconds,
        "speed": lambda row: row.rows_per_second,
        "peak": lambda row: row.peak_rss_mb,
        "attempts": lambda row: row.attempts,
        "state": lambda row: row.state,
    }
    value = values.get(column, values["start"])
    known = [row for row in rows if value(row) is not None]
    unknown = [row for row in rows if value(row) is None]
    return sorted(known, key=value, reverse=descending) + unknown
