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

from include.lake_page.facts import AirflowRun, Attempt, Copied, CopyDag, Progress, find_copy_dag, read_plan
from include.tasks.context import FINDINGS_KEY, UNCHANGED_KEY
from include.transfer.dataset import Dataset

MOST_RUNS = 2_000  # the newest; older ones are listed by their folders in the store alone
MOST_VERSIONS = 5_000
_looked_into: dict[tuple[Any, str], CopyDag | None] = {}
_RECEIPT = ("start", "rows", "bytes", "seconds", "peak_rss_mb", "reused", "key")


def copy_dags(session: Session, readable: Iterable[str]) -> list[CopyDag]:
    """The readable DAGs that copy a dataset. A DAG is looked into once a version."""
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
            _looked_into[version] = find_copy_dag(dag_id, (row.data if row else None) or {})
    found = (_looked_into[version] for version in newest.values())
    return sorted((dag for dag in found if dag), key=lambda dag: dag.dag_id)


def runs(session: Session, dags: Sequence[CopyDag]) -> list[AirflowRun]:
    """The newest runs of these DAGs."""
    by_id = {dag.dag_id: dag for dag in dags}
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
    datasets: dict[tuple[str, str], Dataset | None] = {}  # most runs of a DAG have the same form
    for dag_id, run_id, state, run_after, started, ended, conf in session.execute(query):
        dag, form = by_id[dag_id], (dag_id, json.dumps(conf, default=str))
        if form not in datasets:
            datasets[form] = dag.dataset_of(conf)
        if (dataset := datasets[form]) is not None:
            found.append(AirflowRun(dag, run_id, str(state or ""), run_after, started, ended, dataset))
    return found


def progress(session: Session, wanted: Sequence[AirflowRun]) -> dict[tuple[str, str], Progress]:
    """What the tasks of these runs say, by DAG id and run id: two queries."""
    keys = [(run.dag.dag_id, run.run_id) for run in wanted]
    if not keys:
        return {}
    attempts = _attempts(session, keys)
    returned = _returned(session, wanted, keys)
    return {
        key: Progress(
            planned=returned.plans.get(key),
            attempts=tuple(attempts[key]),
            copied=returned.copied[key],
            findings=returned.findings.get(key, ()),
            unchanged=returned.unchanged.get(key, ""),
        )
        for key in keys
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
        self.plans: dict[tuple[str, str], Any] = {}
        self.copied: dict[tuple[str, str], dict[int, Copied]] = defaultdict(dict)
        self.findings: dict[tuple[str, str], tuple[str, ...]] = {}
        self.unchanged: dict[tuple[str, str], str] = {}


def _returned(session: Session, wanted: Sequence[AirflowRun], keys: list[tuple[str, str]]) -> _Returned:
    by_key = {(run.dag.dag_id, run.run_id): run.dag for run in wanted}
    x = XComModel
    # Of a receipt only what a page shows: its lists of columns are most of it.
    parts = [x.value[name] for name in _RECEIPT]
    copies = sorted({dag.copy_task for dag in by_key.values()})
    receipts = select(x.dag_id, x.run_id, x.task_id, x.map_index, *parts).where(
        tuple_(x.dag_id, x.run_id).in_(keys), x.task_id.in_(copies), x.key == XCOM_RETURN_KEY
    )
    found = _Returned()
    for dag_id, run_id, task_id, index, *values in session.execute(receipts):
        copied = Copied.from_receipt(dict(zip(_RECEIPT, values, strict=True)))
        if copied and task_id == by_key[dag_id, run_id].copy_task:
            found.copied[dag_id, run_id][index] = copied
    others = select(x.dag_id, x.run_id, x.task_id, x.key, x.value).where(
        tuple_(x.dag_id, x.run_id).in_(keys),
        x.map_index == -1,
        x.key.in_((XCOM_RETURN_KEY, FINDINGS_KEY, UNCHANGED_KEY)),
        x.task_id.in_(sorted({t for dag in by_key.values() for t in (dag.plan_task, dag.verify_task) if t})),
    )
    for dag_id, run_id, task_id, key, value in session.execute(others):
        dag = by_key[dag_id, run_id]
        if key == FINDINGS_KEY and task_id == dag.verify_task and isinstance(value, list):
            found.findings[dag_id, run_id] = tuple(str(finding) for finding in value)
        elif key == UNCHANGED_KEY and task_id == dag.plan_task and isinstance(value, dict):
            found.unchanged[dag_id, run_id] = str(value.get("run") or "")
        elif key == XCOM_RETURN_KEY and task_id == dag.plan_task:
            found.plans[dag_id, run_id] = read_plan(value)
    return found
