"""What Airflow knows of a copy's runs, as plain values: which DAGs copy, their runs, tasks and receipts."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from operator import attrgetter
from typing import Any

from include.transfer.batches import Batch
from include.transfer.commit.receipt import Receipt
from include.transfer.dataset import Dataset
from include.transfer.documents import fits
from include.transfer.store.keys import Prefix

MOST_MARK = 40  # characters of an end of a window
MOST_KEY = 1_024  # characters, as S3 has it
MOST_BATCHES = 100_000
FORMER_LENGTH = 24  # of a run's name in the first releases: its time and 8 digits of its mark
RunKey = tuple[str, str, str]  # DAG id, run id, id of the task that copies


@dataclass(frozen=True)
class CopyDag:
    """A copy of a dataset in a DAG, and its tasks' ids; `settings`: the dataset's, before a run's form.

    `form`: the fields that a run's conf may set.
    """

    dag_id: str
    settings: Mapping[str, Any]
    copy_task: str
    plan_task: str | None
    verify_task: str | None
    form: frozenset[str] = frozenset()

    @property
    def may_find_nothing(self) -> frozenset[str]:
        """The tasks that may say that there is nothing to copy: plan, and of windows its neighbours."""
        group = (self.plan_task or "").removesuffix("plan")
        return frozenset(f"{group}{name}" for name in ("count_rows", "plan", "commit"))

    def dataset_of(self, conf: Any) -> Dataset:
        """The dataset that a run with this conf copies. Raises BadSettings; such a run fails."""
        values = conf if isinstance(conf, Mapping) else {}
        return Dataset.of_run(self.settings, {name: values[name] for name in self.form & set(values)})


@dataclass(frozen=True)
class Attempt:
    """The newest attempt of one task, or of one map of it."""

    task_id: str
    map_index: int
    state: str  # as Airflow names it; "" before it is scheduled
    try_number: int
    started: datetime | None
    ended: datetime | None


@dataclass(frozen=True)
class Copied:
    """What a copy returned: the part of its receipt that a page shows. None: not known."""

    start: int
    rows: int
    bytes: int
    seconds: float
    peak_rss_mb: float
    reused: bool
    key: str

    @classmethod
    def from_receipt(cls, receipt: Any) -> "Copied | None":
        """None if it is no receipt."""
        if not isinstance(receipt, Mapping):
            return None
        known: dict[str, Any] = {f.name: receipt.get(f.name) for f in fields(cls)}
        if not all(fits(known[name], kind) for name, kind in _COPIED.items()) or len(known["key"]) > MOST_KEY:
            return None
        return cls(**{**known, "reused": bool(known["reused"])})

    @classmethod
    def of(cls, receipt: Receipt) -> "Copied":
        return cls(*_TAKEN(receipt))


_COPIED: dict[str, Any] = {
    "start": int,
    "rows": int,
    "bytes": int,
    "seconds": int | float,
    "peak_rss_mb": int | float,
    "key": str,
}
_TAKEN = attrgetter(*(f.name for f in fields(Copied)))


@dataclass(frozen=True)
class AirflowRun:
    """One DAG run that copies a dataset; `problem`: why it is not known which, and the DAG's own is named."""

    dag: CopyDag
    run_id: str
    state: str
    run_after: datetime
    started: datetime | None
    ended: datetime | None
    dataset: Dataset
    problem: str = ""

    @property
    def key(self) -> RunKey:
        return self.dag.dag_id, self.run_id, self.dag.copy_task

    @property
    def prefix(self) -> Prefix:
        return Prefix(self.dataset.name, run_name(self.dag.dag_id, self.run_id, self.run_after))

    @property
    def former(self) -> Prefix:
        """Where the run's folder is if a first release copied it."""
        return Prefix(self.dataset.name, self.prefix.run[:FORMER_LENGTH])

    @property
    def at_work(self) -> bool:
        return self.state in ("queued", "running")


@dataclass(frozen=True)
class Progress:
    """What the tasks of one run say; keys of `copied`: map indexes."""

    planned: tuple[Batch, ...] | None = None  # None: not planned yet, or not known any more
    attempts: tuple[Attempt, ...] = ()
    copied: Mapping[int, Copied] = field(default_factory=dict)
    findings: tuple[str, ...] = ()
    unchanged: str = ""  # the committed run that holds what the source has, where this one copied nothing


def run_name(dag_id: str, run_id: str, run_after: datetime) -> str:
    """The run's folder, as the template `RUN` of include/tasks/context.py renders it."""
    return f"{run_after.astimezone(UTC):%Y%m%dT%H%M%S}-{run_mark(dag_id, run_id)}"


def run_mark(dag_id: str, run_id: str) -> str:
    """What a run's name ends with: 40 hexadecimal digits."""
    oid, url = (
        uuid.uuid5(space, f"{dag_id}/{run_id}").hex for space in (uuid.NAMESPACE_OID, uuid.NAMESPACE_URL)
    )
    return oid + url[:8]


def find_copies(dag_id: str, serialized: Mapping[str, Any]) -> list[CopyDag]:
    """The copies of a DAG: tasks of the function `copy` with a dataset and a run.

    `serialized`: what Airflow stores of a parsed DAG.
    """
    dag = _plain(serialized).get("dag", {})
    encoded = [task for task in dag.get("tasks", []) if isinstance(task, Mapping)]
    tasks = {str(task.get("task_id")): task for task in encoded}
    form = frozenset(map(str, _names(dag.get("params"))))
    found = []
    for task_id, task in tasks.items():
        values = task.get("partial_kwargs", task).get("op_kwargs")
        right = isinstance(values, Mapping) and {"dataset", "run"} <= set(values)
        if task.get("python_callable_name") == "copy" and right and isinstance(values["dataset"], Mapping):
            plan, verify = (_nearest(tasks, task_id, function) for function in ("plan", "verify"))
            found.append(CopyDag(dag_id, values["dataset"], task_id, plan, verify, form))
    return found


def _nearest(tasks: Mapping[str, Mapping[str, Any]], task_id: str, function: str) -> str | None:
    """The task of this function in the innermost group around `task_id`: groups are the parts of an id."""
    group = task_id
    while True:
        group = group.rpartition(".")[0]
        for other, task in tasks.items():
            if task.get("python_callable_name") == function and other.rpartition(".")[0] == group:
                return other
        if not group:
            return None


def _names(params: Any) -> list[Any]:
    """Names of a DAG's params, which Airflow stores as pairs."""
    if isinstance(params, Mapping):
        return list(params)
    return [pair[0] for pair in params or [] if isinstance(pair, list | tuple) and pair]


def _plain(value: Any) -> Any:
    """A serialized value without Airflow's wrapping of types."""
    if isinstance(value, Mapping):
        if set(value) == {"__var", "__type"}:
            return _plain(value["__var"])
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return value


def read_plan(value: Any) -> tuple[Batch, ...] | None:
    """The batches that `plan` returned; None if that is not what it is."""
    if not isinstance(value, list) or len(value) > MOST_BATCHES:
        return None
    right = all(
        isinstance(batch, Mapping)
        and fits(batch.get("start"), int)
        and fits(batch.get("limit"), int)
        and all(len(str(batch.get(name, ""))) <= MOST_MARK for name in ("since", "until"))
        for batch in value
    )
    return tuple(map(Batch.from_dict, value)) if right else None
