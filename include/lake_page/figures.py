"""What a list of runs shows of each run's tasks: a few figures, whatever the number of its batches."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from include.lake_page.runs import AirflowRun, Attempt, Copied, Progress


@dataclass(frozen=True)
class Figures:
    """Of the copies that returned so far. None: not known, or nothing to tell."""

    done: int = 0  # batches
    planned: int | None = None
    rows: int = 0
    bytes: int = 0
    rows_per_second: float | None = None
    peak_rss_mb: float | None = None
    retries: int | None = None
    reused: int | None = None  # batches
    unchanged: str = ""  # as of Progress


def figures_of(run: AirflowRun | None, progress: Progress, now: datetime) -> Figures:
    """The figures of a run; without one that Airflow knows, none."""
    if run is None:
        return Figures()
    copies, copied = copies_of(run, progress), list(progress.copied.values())
    fresh = [receipt for receipt in copied if not receipt.reused]
    return Figures(
        done=sum(attempt.state == "success" for attempt in copies),
        planned=_planned(copies, progress),
        rows=sum(receipt.rows for receipt in copied),
        bytes=sum(receipt.bytes for receipt in copied),
        rows_per_second=speed(fresh, copies, now),
        peak_rss_mb=max((receipt.peak_rss_mb for receipt in copied), default=None),
        retries=sum(max(each.try_number - 1, 0) for each in attempts_of(run, progress)),
        reused=sum(receipt.reused for receipt in copied),
        unchanged=progress.unchanged,
    )


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
