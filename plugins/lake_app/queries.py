"""Which DAGs copy, and their runs, as Airflow's database has them."""

import logging
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from airflow.models.dag_version import DagVersion
from airflow.models.dagrun import DagRun
from airflow.models.serialized_dag import SerializedDagModel
from sqlalchemy import select
from sqlalchemy.orm import Session

from include.lake_page.runs import AirflowRun, CopyDag, find_copies
from include.transfer import documents
from include.transfer.dataset import Dataset
from include.transfer.errors import TransferError
from plugins.lake_app.returned import text_of

log = logging.getLogger(__name__)

MOST_RUNS = 2_000  # the newest; older ones are listed by their folders in the store alone
MOST_VERSIONS = 5_000
# Characters of a run's conf, and of what is said about it.
MOST_CONF = 1 << 16
MOST_PROBLEM = 1_000
_looked_into: dict[tuple[Any, str], list[CopyDag]] = {}


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
            _looked_into[version] = _copies_in(dag_id, row.data if row else None)
    found = (copy for version in newest.values() for copy in _looked_into[version])
    return sorted(found, key=lambda dag: (dag.dag_id, dag.copy_task))


def _copies_in(dag_id: str, serialized: Any) -> list[CopyDag]:
    """The copies of a DAG; none where it is not what a DAG of this project is."""
    try:
        return find_copies(dag_id, serialized or {})
    except Exception:  # whatever one DAG's author wrote must not take the page from everybody
        log.exception("%s cannot be looked into for copies", dag_id)
        return []


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
            *text_of(DagRun.conf, MOST_CONF),
        )
        .where(DagRun.dag_id.in_(sorted(by_id)))
        .order_by(DagRun.run_after.desc())
        .limit(MOST_RUNS)
    )
    found = []
    known: dict[tuple[str, str, Any], tuple[Dataset | None, str]] = {}  # most runs of a DAG have one form
    for dag_id, run_id, state, run_after, started, ended, size, conf in session.execute(query):
        for dag in by_id[dag_id]:
            form = (dag_id, dag.copy_task, conf if size is None or conf else size)
            if form not in known:
                known[form] = _dataset_of_run(dag, size, conf)
            dataset, problem = known[form]
            if dataset is not None:
                run = AirflowRun(dag, run_id, str(state or ""), run_after, started, ended, dataset, problem)
                found.append(run)
    return found


def _dataset_of_run(dag: CopyDag, size: int | None, conf: str | None) -> tuple[Dataset | None, str]:
    """The run's dataset; where its conf names none, the one that the DAG declares, and why."""
    if size and conf is None:
        return dataset_or_why(dag, None)[
            0
        ], f"its conf has {size:,} characters, and {MOST_CONF:,} are the most"
    try:
        dataset, problem = dataset_or_why(dag, documents.read(conf) if conf else None)
    except documents.BadDocument as error:
        return dataset_or_why(dag, None)[0], f"its conf is none: {error}"
    return (dataset, "") if dataset else (dataset_or_why(dag, None)[0], f"its conf is none: {problem}")


def dataset_or_why(dag: CopyDag, conf: Any) -> tuple[Dataset | None, str]:
    """The dataset that the DAG copies with this conf, or None and what is wrong."""
    try:
        return dag.dataset_of(conf), ""
    except TransferError as error:
        return None, str(error)[:MOST_PROBLEM]
    except Exception as error:  # whatever one run was given must not take the page from everybody
        log.exception("%s cannot be given this conf", dag.dag_id)
        return None, type(error).__name__
