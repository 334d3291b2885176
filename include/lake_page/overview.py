"""The list of runs: what Airflow knows of each, and what the store says, put side by side."""

import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from include.lake_page.runs import AirflowRun, Attempt, Copied, Progress, RunKey
from include.lake_page.stored_runs import Committed, Damaged, Trouble
from include.transfer.store.keys import Prefix

log = logging.getLogger(__name__)

# What a run is to a reader of the lake. Only a manifest makes it committed.
COMMITTED, RUNNING, QUEUED, FAILED = "committed", "running", "queued", "failed"
UNCHANGED = "unchanged"  # the source was what an earlier run holds: nothing was copied
MISSING = "no manifest"  # the DAG run succeeded, or nobody knows of it, and there is no manifest
UNCHECKED = "not checked"  # the store cannot be asked
UNREADABLE = "unreadable"  # what is known of it makes no sense


@dataclass(frozen=True)
class RunRow:
    """One run as a line. None: not known, shown as a dash."""

    prefix: Prefix
    state: str
    airflow: AirflowRun | None
    moment: str  # ISO 8601
    took: float | None  # seconds
    done: int
    planned: int | None
    rows: int
    bytes: int
    rows_per_second: float | None
    peak_rss_mb: float | None
    retries: int | None
    reused: int | None
    problem: str = ""  # what is wrong with what is known of it

    @property
    def live(self) -> bool:
        return self.state in (RUNNING, QUEUED)


@dataclass(frozen=True)
class DatasetRuns:
    """One dataset and its runs, newest first; `total`: of all its runs, of which `rows` may be a page."""

    name: str
    dags: tuple[str, ...]
    rows: tuple[RunRow, ...]
    total: int
    trouble: Trouble | None = None  # with the store that the newest run needs


def state_of(
    run: AirflowRun | None, progress: Progress, stored: Committed | Damaged | None, *, checked: bool
) -> str:
    """What the run is to a reader of the lake."""
    if isinstance(stored, Damaged):
        return UNREADABLE
    if stored:
        return COMMITTED
    if run is not None and run.at_work:
        return RUNNING if run.state == "running" else QUEUED
    if run is not None and run.state == "failed":
        return FAILED
    if progress.unchanged:
        return UNCHANGED
    return MISSING if checked else UNCHECKED


def run_row(
    prefix: Prefix,
    run: AirflowRun | None,
    progress: Progress,
    stored: Committed | Damaged | None,
    now: datetime,
    *,
    checked: bool = True,
) -> RunRow:
    """One line; the manifest's figures where there is one, else those of the copies that returned so far."""
    manifest = stored if isinstance(stored, Committed) else None
    copies = copies_of(run, progress)
    copied = list(progress.copied.values())
    fresh = [receipt for receipt in copied if not receipt.reused]
    planned = manifest.batches if manifest else _planned(copies, progress)
    peaks = [receipt.peak_rss_mb for receipt in copied]
    return RunRow(
        prefix=prefix,
        state=state_of(run, progress, stored, checked=checked),
        airflow=run,
        moment=_moment(prefix, run),
        took=_took(run, now),
        done=manifest.batches if manifest else sum(attempt.state == "success" for attempt in copies),
        planned=planned,
        rows=manifest.rows if manifest else sum(receipt.rows for receipt in copied),
        bytes=manifest.bytes if manifest else sum(receipt.bytes for receipt in copied),
        rows_per_second=speed(fresh, copies, now),
        peak_rss_mb=manifest.peak_rss_mb if manifest else max(peaks, default=None),
        retries=sum(max(each.try_number - 1, 0) for each in attempts_of(run, progress)) if run else None,
        reused=sum(receipt.reused for receipt in copied) if copied else (0 if run else None),
        problem=_problem(run, stored),
    )


def _problem(run: AirflowRun | None, stored: Committed | Damaged | None) -> str:
    if isinstance(stored, Damaged):
        return f"its manifest is none: {stored.complaints[0]}"
    return run.problem if run else ""


def copies_of(run: AirflowRun | None, progress: Progress) -> list[Attempt]:
    """The mapped copies' newest attempts, in the order of their batches."""
    if run is None:
        return []
    found = [each for each in progress.attempts if each.task_id == run.dag.copy_task and each.map_index >= 0]
    return sorted(found, key=lambda attempt: attempt.map_index)


def attempts_of(run: AirflowRun, progress: Progress) -> list[Attempt]:
    """The attempts of this copy's tasks: a DAG may have other copies, each in a group of its own."""
    group = run.dag.copy_task.rpartition(".")[0]
    return [each for each in progress.attempts if not group or each.task_id.startswith(f"{group}.")]


def speed(copied: Sequence[Copied], attempts: Iterable[Attempt], now: datetime) -> float | None:
    """Rows copied in a second, over the time in which at least one copy was at work.

    Not from the first start to the last end: hours may lie between a run and the clearing of one of its maps.
    """
    seconds = busy_seconds((each.started, each.ended or now) for each in attempts if each.started)
    rows = sum(receipt.rows for receipt in copied)
    return rows / seconds if rows and seconds > 0 else None


def busy_seconds(spans: Iterable[tuple[datetime | None, datetime]]) -> float:
    """The length of the spans' union."""
    total = 0.0
    reached: datetime | None = None
    for start, end in sorted((start, end) for start, end in spans if start is not None):
        begin = start if reached is None or start > reached else reached
        if end > begin:
            total += (end - begin).total_seconds()
            reached = end
    return total


def _planned(copies: Sequence[Attempt], progress: Progress) -> int | None:
    if progress.planned is not None:
        return len(progress.planned)
    return len(copies) or None


def _moment(prefix: Prefix, run: AirflowRun | None) -> str:
    if run is not None:
        return run.run_after.astimezone(UTC).isoformat(timespec="seconds")
    try:  # the folder's name begins with the moment
        moment = datetime.strptime(prefix.run[:15], "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return ""
    return moment.isoformat(timespec="seconds")


def _took(run: AirflowRun | None, now: datetime) -> float | None:
    if run is None or run.started is None:
        return None
    return max(((run.ended or now) - run.started).total_seconds(), 0.0)


@dataclass(frozen=True)
class Listed:
    """A run that exists somewhere: in Airflow, in the store, or in both."""

    prefix: Prefix
    run: AirflowRun | None


def list_runs(runs: Iterable[AirflowRun], folders: Iterable[Prefix]) -> dict[str, list[Listed]]:
    """Every dataset's runs, newest first: those Airflow knows, and folders of the store it does not know."""
    stored = set(folders)
    known = {}
    for run in runs:
        former = run.former in stored and run.prefix not in stored
        known[run.former if former else run.prefix] = run
    found: dict[str, list[Listed]] = defaultdict(list)
    for prefix in {*known, *stored}:
        found[prefix.dataset].append(Listed(prefix, known.get(prefix)))
    return {
        name: sorted(found[name], key=lambda listed: listed.prefix.run, reverse=True)
        for name in sorted(found)
    }


def dags_of(listed: Iterable[Listed]) -> tuple[str, ...]:
    """The DAGs that wrote these runs."""
    return tuple(sorted({each.run.dag.dag_id for each in listed if each.run}))


def rows_of(
    listed: Iterable[Listed],
    progress: Mapping[RunKey, Progress],
    manifests: Mapping[Prefix, Committed | Damaged],
    unchecked: set[Prefix],
    now: datetime,
) -> tuple[RunRow, ...]:
    """The lines of these runs; keys of `progress`: `AirflowRun.key`."""
    return tuple(
        _row_or_what_is_wrong(
            each,
            progress.get(each.run.key, Progress()) if each.run else Progress(),
            manifests.get(each.prefix),
            now,
            checked=each.prefix not in unchecked,
        )
        for each in listed
    )


def _row_or_what_is_wrong(
    each: Listed, progress: Progress, stored: Committed | Damaged | None, now: datetime, *, checked: bool
) -> RunRow:
    """A run's line: one that cannot be made must not take the list from everybody."""
    try:
        return run_row(each.prefix, each.run, progress, stored, now, checked=checked)
    except Exception as error:
        log.exception("%s cannot be shown", each.prefix)
        problem = f"it cannot be shown ({type(error).__name__}): see the API server's log"
        unknown = dict.fromkeys(("took", "planned", "rows_per_second", "peak_rss_mb", "retries", "reused"))
        return RunRow(
            each.prefix, UNREADABLE, each.run, "", done=0, rows=0, bytes=0, problem=problem, **unknown
        )
