"""What the tasks of runs did and returned, as Airflow's database has it: three queries a page.

Values are read here, not by the database's driver: one that cannot be decoded would fail the query of all.
"""

from collections import defaultdict
from collections.abc import Sequence
from functools import reduce
from typing import Any

from airflow.models.taskinstance import TaskInstance
from airflow.models.xcom import XCOM_RETURN_KEY, XComModel
from sqlalchemy import Text, case, cast, func, select, tuple_
from sqlalchemy.orm import Session

from include.lake_page.runs import AirflowRun, Attempt, Copied, Progress, RunKey, read_plan
from include.tasks.context import ERROR_KEY, FINDINGS_KEY, MOST_FINDINGS, UNCHANGED_KEY
from include.transfer import documents

# Characters: of what a task returned, of the part of a receipt that is read, of a finding.
MOST_XCOM = 16 << 20
MOST_RECEIPT = 4_000
MOST_FINDING = 2_000
MOST_ERRORS = 200
_RECEIPT = ("start", "rows", "bytes", "seconds", "peak_rss_mb", "reused", "key")


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


def errors(session: Session, run: AirflowRun) -> dict[tuple[str, int], str]:
    """Task id and map index → what the task said before it failed."""
    x = XComModel
    query = (
        select(x.task_id, x.map_index, text_of(x.value, MOST_XCOM)[1])
        .where(x.dag_id == run.dag.dag_id, x.run_id == run.run_id, x.key == ERROR_KEY)
        .limit(MOST_ERRORS)
    )
    said = ((task_id, index, _read(text)) for task_id, index, text in session.execute(query))
    return {
        (task_id, index): error[:MOST_FINDING] for task_id, index, error in said if isinstance(error, str)
    }


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
        asked = {run.dag.copy_task, run.dag.plan_task, run.dag.verify_task, *run.dag.may_find_nothing}
        for task_id in asked - {None}:
            by_task[run.dag.dag_id, run.run_id, str(task_id)].append(run)
    x = XComModel
    copies = sorted({run.dag.copy_task for run in wanted})
    receipts = select(x.dag_id, x.run_id, x.task_id, x.map_index, _receipt(session)).where(
        tuple_(x.dag_id, x.run_id).in_(dag_runs), x.task_id.in_(copies), x.key == XCOM_RETURN_KEY
    )
    found = _Returned()
    for dag_id, run_id, task_id, index, text in session.execute(receipts):
        copied = Copied.from_receipt(dict(zip(_RECEIPT, _read(text) or [None] * len(_RECEIPT), strict=True)))
        for run in by_task[dag_id, run_id, task_id]:
            if copied and task_id == run.dag.copy_task:
                found.copied[run.key][index] = copied
    others = select(x.dag_id, x.run_id, x.task_id, x.key, text_of(x.value, MOST_XCOM)[1]).where(
        tuple_(x.dag_id, x.run_id).in_(dag_runs),
        x.map_index == -1,
        x.key.in_((XCOM_RETURN_KEY, FINDINGS_KEY, UNCHANGED_KEY)),
        x.task_id.in_(sorted({task_id for _, _, task_id in by_task} - set(copies))),
    )
    for dag_id, run_id, task_id, key, text in session.execute(others):
        value = _read(text)
        for run in by_task[dag_id, run_id, task_id]:
            if key == FINDINGS_KEY and task_id == run.dag.verify_task and isinstance(value, list):
                said = (finding for finding in value[: MOST_FINDINGS + 1] if isinstance(finding, str))
                found.findings[run.key] = tuple(finding[:MOST_FINDING] for finding in said)
            elif key == UNCHANGED_KEY and isinstance(value, dict):
                standing = run.prefix.of(value.get("run") or "")
                found.unchanged[run.key] = standing.run if standing else ""
            elif key == XCOM_RETURN_KEY and task_id == run.dag.plan_task:
                found.plans[run.key] = read_plan(value)
    return found


def _receipt(session: Session) -> Any:
    """The text of what a page shows of a receipt, as a JSON array: its lists of columns are most of it.

    None where it is too long to be one.
    """
    value = XComModel.value
    parts: list[Any] = [func.coalesce(cast(value[name], Text), "null") for name in _RECEIPT]
    text: Any = "[" + reduce(lambda before, part: before + "," + part, parts) + "]"
    readable = func.length(text) <= MOST_RECEIPT
    if session.get_bind().dialect.name == "sqlite":  # which fails on a text that is no JSON
        return case((func.json_valid(cast(value, Text)) == 1, case((readable, text))))
    return case((readable, text))


def _read(text: str | None) -> Any:
    """The value of a text that a task left; None where it is none, or too long."""
    try:
        return documents.read(text) if text else None
    except documents.BadDocument:
        return None


def text_of(column: Any, most: int) -> tuple[Any, Any]:
    """The length of a JSON column, and its text where that is no longer than `most`: not decoded here.

    What a database or its driver fails to decode would fail the query of all rows.
    """
    text = cast(column, Text)
    return func.length(text), case((func.length(text) <= most, text))
