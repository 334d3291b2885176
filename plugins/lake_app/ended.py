"""Figures of runs, kept once a run has ended: a run of 1,000 batches has 1,000 receipts to read."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from airflow.models.taskinstance import TaskInstance
from sqlalchemy import func, select, tuple_
from sqlalchemy.orm import Session

from include.lake_page.figures import Figures, figures_of
from include.lake_page.runs import AirflowRun, RunKey
from plugins.lake_app import returned

MOST_KEPT = 5_000  # runs
# A run's figures, and its stamp when they were made: clearing the run, or a task of it, changes that.
_kept: dict[RunKey, tuple[Any, Figures]] = {}


def kept_figures(
    session: Session, runs: Sequence[AirflowRun], now: datetime
) -> Callable[[AirflowRun], Figures]:
    """Gives the figures of each of these runs; what their tasks returned is read unless it is known."""
    stamps = _stamps(session, runs)
    kept = {run.key: _kept.get(run.key, (None, None)) for run in runs}
    known = {key: figures for key, (stamp, figures) in kept.items() if figures and stamp == stamps[key]}
    progress = returned.progress(session, [run for run in runs if run.key not in known])

    def figures(run: AirflowRun) -> Figures:
        if run.key in known:
            return known[run.key]
        made = figures_of(run, progress[run.key], now)
        at_work = any(each.started and not each.ended for each in progress[run.key].attempts)
        if run.ended and not run.at_work and not at_work:
            if len(_kept) >= MOST_KEPT:
                _kept.clear()
            _kept[run.key] = stamps[run.key], made
        return made

    return figures


def _stamps(session: Session, runs: Sequence[AirflowRun]) -> dict[RunKey, Any]:
    """What changes with a run and its tasks; read before what it stands for, so that it is never newer."""
    ti = TaskInstance
    keys = sorted({(run.dag.dag_id, run.run_id) for run in runs})
    query = (
        select(ti.dag_id, ti.run_id, func.count(), func.max(ti.updated_at))
        .where(tuple_(ti.dag_id, ti.run_id).in_(keys))
        .group_by(ti.dag_id, ti.run_id)
    )
    tasks = {(dag_id, run_id): tuple(rest) for dag_id, run_id, *rest in session.execute(query)}
    return {run.key: (run.state, run.ended, tasks.get((run.dag.dag_id, run.run_id))) for run in runs}
