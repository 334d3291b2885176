"""What Airflow's database knows of the copies, a few queries a page, whatever the number of batches."""

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from airflow.models.dag_version import DagVersion
from airflow.models.dagrun import DagRun
from airflow.models.serialized_dag import SerializedDagModel
from airflow.models.taskinstance import TaskInstance
from airflow.models.xcom import XCOM_RETURN_KEY, XComModel
from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from include.lake_page.runs import (
    AirflowRun,
    Attempt,
    Copied,
    CopyDag,
    Progress,
    RunKey,
    find_copies,
    read_plan,
)
from include.tasks.context import FINDINGS_KEY, UNCHANGED_KEY
from include.transfer.dataset import Dataset

MOST_RUNS = 2_000  # the newest; older ones are listed by their folders in the store alone
MOST_VERSIONS = 5_000
_looked_into: dict[tuple[Any, str], list[CopyDag]] = {}
_RECEIPT = ("start", "rows", "bytes", "seconds", "peak_rss_mb", "reused", "key")


def copy_dags(session: Session, readable: Iterable[str]) -> list[CopyDag]:
    """The copies in the readable DAGs, one a dataset. A DAG is looked into once a version."""
    query = (
        select(SerializedDagModel.dag_id, SerializedDagModel.id, SerializedDagModel.dag_hash)
        .join(DagVersion, SerializedDagModel.dag_version_id == DagVersion.id)
        .where(SerializedDagModel.dag_id.in_(sorted(readable)))
        .order_by(DagVersion.version_number)
    )
    newest = {dag_id: (row_id, digest) for dag_id, row_id, digest in session.execute(query)}
    if len(_looked_into) > MOST_VERSIONS:
        _looked_into.clear()
    for dag_id, version in newest.items():
        if version not in _looked_into:
            row = session.get(SerializedDagModel, version[0])
            _looked_into[version] = find_copies(dag_id, (row.data if row else None) or {})
    found = (copy for version in newest.values() for copy in _looked_into[version])
    return sorted(found, key=lambda dag: (dag.dag_id, dag.copy_task))


def runs(session: Session, dags: Sequence[CopyDag]) -> list[AirflowRun]:
    """The newest runs of these DAGs."""
    by_id: dict[str, list[CopyDag]] = defaultdict(list)
    for copy in dags:
        by_id[copy.dag_id].append(copy)
    query = (
        select(
            DagRun.dag_id,
            DagRun.run_id,
            DagRun.state,
            DagRun.run_after,
            DagRun.start_date,
            DagRun.end_date,
            DagRun.conf,
        )
        .where(DagRun.dag_id.in_(sorted(by_id)))
        .order_by(DagRun.run_after.desc())
        .limit(MOST_RUNS)
    )
    found = []
    datasets: dict[tuple[str, str, str], Dataset | None] = {}  # most runs of a DAG have the same form
    for dag_id, run_id, state, run_after, started, ended, conf in session.execute(query):
        for dag in by_id[dag_id]:
            form = (dag.dag_id, dag.copy_task, json.dumps(conf, default=str))
            if form not in datasets:
                datasets[form] = dag.dataset_of(conf)
            if (dataset := datasets[form]) is not None:
                found.append(AirflowRun(dag, run_id, str(state or ""), run_after, started, ended, dataset))
    return found


def progress(session: Session, wanted: Sequence[AirflowRun]) -> dict[RunKey, Progress]:
    """What the tasks of these runs say, by `AirflowRun.key`: three queries."""
    if not wanted:
        return {}
    dag_runs = sorted({(run.dag.dag_id, run.run_id) for run in wanted})
    attempts = _attempts(session, dag_runs)
    returned = _returned(session, wanted, dag_runs)
    return {
        run.key: Progress(
            planned=returned.plans.get(run.key),
            attempts=tuple(attempts[run.dag.dag_id, run.run_id]),
            copied=returned.copied[run.key],
            findings=returned.findings.get(run.key, ()),
            unchanged=returned.unchanged.get(run.key, ""),
        )
        for run in wanted
    }


def _attempts(session: Session, keys: list[tuple[str, str]]) -> dict[tuple[str, str], list[Attempt]]:
    ti = TaskInstance
    query = select(
        ti.dag_id, ti.run_id, ti.task_id, ti.map_index, ti.state, ti.try_number, ti.start_date, ti.end_date
    ).where(tuple_(ti.dag_id, ti.run_id).in_(keys))
    found: dict[tuple[str, str], list[Attempt]] = defaultdict(list)
    for dag_id, run_id, task_id, index, state, number, started, ended in session.execute(query):
        found[dag_id, run_id].append(Attempt(task_id, index, str(state or ""), number, started, ended))
    return found


class _Returned:
    """What tasks of several runs returned."""

    def __init__(self) -> None:
        self.plans: dict[RunKey, Any] = {}
        self.copied: dict[RunKey, dict[int, Copied]] = defaultdict(dict)
        self.findings: dict[RunKey, tuple[str, ...]] = {}
        self.unchanged: dict[RunKey, str] = {}


def _returned(
    session: Session, wanted: Sequence[AirflowRun], dag_runs: Sequence[tuple[str, str]]
) -> _Returned:
    by_task: dict[tuple[str, str, str], list[AirflowRun]] = defaultdict(list)
    for run in wanted:
        for task_id in {run.dag.copy_task, run.dag.plan_task, run.dag.verify_task} - {None}:
            by_task[run.dag.dag_id, run.run_id, str(task_id)].append(run)
    x = XComModel
    # Of a receipt only what a page shows: its lists of columns are most of it.
    parts = [x.value[name] for name in _RECEIPT]
    copies = sorted({run.dag.copy_task for run in wanted})
    receipts = select(x.dag_id, x.run_id, x.task_id, x.map_index, *parts).where(
        tuple_(x.dag_id, x.run_id).in_(dag_runs), x.task_id.in_(copies), x.key == XCOM_RETURN_KEY
    )
    found = _Returned()
    for dag_id, run_id, task_id, index, *values in session.execute(receipts):
        copied = Copied.from_receipt(dict(zip(_RECEIPT, values, strict=True)))
        for run in by_task[dag_id, run_id, task_id]:
            if copied and task_id == run.dag.copy_task:
                found.copied[run.key][index] = copied
    others = select(x.dag_id, x.run_id, x.task_id, x.key, x.value).where(
        tuple_(x.dag_id, x.run_id).in_(dag_runs),
        x.map_index == -1,
        x.key.in_((XCOM_RETURN_KEY, FINDINGS_KEY, UNCHANGED_KEY)),
        x.task_id.in_(sorted({task_id for _, _, task_id in by_task} - set(copies))),
    )
    for dag_id, run_id, task_id, key, value in session.execute(others):
        for run in by_task[dag_id, run_id, task_id]:
            if key == FINDINGS_KEY and task_id == run.dag.verify_task and isinstance(value, list):
                found.findings[run.key] = tuple(str(finding) for finding in value)
            elif key == UNCHANGED_KEY and task_id == run.dag.plan_task and isinstance(value, dict):
                found.unchanged[run.key] = str(value.get("run") or "")
            elif key == XCOM_RETURN_KEY and task_id == run.dag.plan_task:
                found.plans[run.key] = read_plan(value)
    return found
