"""The list of runs: what Airflow knows of each, and what the store says, put side by side."""

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from include.lake_page.figures import Figures
from include.lake_page.runs import AirflowRun
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
    generated: bool = False  # its source says that its rows are made up

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
    run: AirflowRun | None, figures: Figures, stored: Committed | Damaged | None, *, checked: bool
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
    if figures.unchanged:
        return UNCHANGED
    return MISSING if checked else UNCHECKED


def run_row(
    prefix: Prefix,
    run: AirflowRun | None,
    figures: Figures,
    stored: Committed | Damaged | None,
    now: datetime,
    *,
    checked: bool = True,
) -> RunRow:
    """One line; the manifest's figures where there is one, else those of the copies that returned so far."""
    manifest = stored if isinstance(stored, Committed) else None
    return RunRow(
        prefix=prefix,
        state=state_of(run, figures, stored, checked=checked),
        airflow=run,
        moment=_moment(prefix, run),
        took=_took(run, now),
        done=manifest.batches if manifest else figures.done,
        planned=manifest.batches if manifest else figures.planned,
        rows=manifest.rows if manifest else figures.rows,
        bytes=manifest.bytes if manifest else figures.bytes,
        rows_per_second=figures.rows_per_second,
        peak_rss_mb=manifest.peak_rss_mb if manifest else figures.peak_rss_mb,
        retries=figures.retries,
        reused=figures.reused,
        problem=_problem(run, stored),
        generated=manifest.generated if manifest else False,
    )


def _problem(run: AirflowRun | None, stored: Committed | Damaged | None) -> str:
    if isinstance(stored, Damaged):
        return f"its manifest is none: {stored.complaints[0]}"
    return run.problem if run else ""


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
    figures: Callable[[AirflowRun], Figures],
    manifests: Mapping[Prefix, Committed | Damaged],
    unchecked: set[Prefix],
    now: datetime,
) -> tuple[RunRow, ...]:
    """The lines of these runs."""
    return tuple(
        _row_or_what_is_wrong(
            each,
            figures,
            manifests.get(each.prefix),
            now,
            checked=each.prefix not in unchecked,
        )
        for each in listed
    )


def _row_or_what_is_wrong(
    each: Listed,
    figures: Callable[[AirflowRun], Figures],
    stored: Committed | Damaged | None,
    now: datetime,
    *,
    checked: bool,
) -> RunRow:
    """A run's line: one that cannot be made must not take the list from everybody."""
    try:
        found = figures(each.run) if each.run else Figures()
        return run_row(each.prefix, each.run, found, stored, now, checked=checked)
    except Exception as error:
        log.exception("%s cannot be shown", each.prefix)
        problem = f"it cannot be shown ({type(error).__name__}): see the API server's log"
        unknown: dict[str, Any] = dict.fromkeys(
            ("took", "planned", "rows_per_second", "peak_rss_mb", "retries", "reused")
        )
        return RunRow(
            each.prefix, UNREADABLE, each.run, "", done=0, rows=0, bytes=0, problem=problem, **unknown
        )
