"""What Airflow knows of a copy's runs, as plain values: which DAGs copy, their runs, tasks and receipts."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from include.transfer.batches import Batch
from include.transfer.dataset import Dataset
from include.transfer.errors import BadSettings
from include.transfer.store.keys import Prefix


@dataclass(frozen=True)
class CopyDag:
    """A DAG that copies a dataset, and its tasks' ids; `settings`: the dataset's, before a run's form."""

    dag_id: str
    settings: Mapping[str, Any]
    copy_task: str
    plan_task: str | None
    verify_task: str | None

    def dataset_of(self, conf: Any) -> Dataset | None:
        """The dataset that a run with this conf copies; None where its settings are none (it then fails)."""
        try:
            return Dataset.from_dict(self.settings, conf if isinstance(conf, Mapping) else None)
        except (BadSettings, TypeError):
            return None


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
        try:
            return cls(
                start=int(receipt["start"]),
                rows=int(receipt["rows"]),
                bytes=int(receipt["bytes"]),
                seconds=float(receipt["seconds"]),
                peak_rss_mb=float(receipt["peak_rss_mb"]),
                reused=bool(receipt["reused"]),
                key=str(receipt["key"]),
            )
        except (KeyError, TypeError, ValueError):
            return None


@dataclass(frozen=True)
class AirflowRun:
    """One DAG run that copies a dataset."""

    dag: CopyDag
    run_id: str
    state: str
    run_after: datetime
    started: datetime | None
    ended: datetime | None
    dataset: Dataset

    @property
    def prefix(self) -> Prefix:
        return Prefix(self.dataset.name, run_name(self.dag.dag_id, self.run_id, self.run_after))

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
    mark = uuid.uuid5(uuid.NAMESPACE_OID, f"{dag_id}/{run_id}").hex[:8]
    return f"{run_after.astimezone(UTC):%Y%m%dT%H%M%S}-{mark}"


def find_copy_dag(dag_id: str, serialized: Mapping[str, Any]) -> CopyDag | None:
    """The DAG if it copies: it has a task of the function `copy` with a dataset and a run.

    `serialized`: what Airflow stores of a parsed DAG.
    """
    by_function: dict[str, str] = {}
    settings: Mapping[str, Any] | None = None
    for encoded in _plain(serialized).get("dag", {}).get("tasks", []):
        task = encoded if isinstance(encoded, Mapping) else {}
        function, task_id = task.get("python_callable_name"), task.get("task_id")
        if not isinstance(function, str) or not isinstance(task_id, str) or function in by_function:
            continue
        if function == "copy":
            values = task.get("partial_kwargs", task).get("op_kwargs")
            if not isinstance(values, Mapping) or not {"dataset", "run"} <= set(values):
                continue
            settings = values["dataset"]
        by_function[function] = task_id
    if not isinstance(settings, Mapping):
        return None
    return CopyDag(dag_id, settings, by_function["copy"], by_function.get("plan"), by_function.get("verify"))


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
    if not isinstance(value, Sequence) or isinstance(value, str):
        return None
    try:
        return tuple(Batch.from_dict(batch) for batch in value)
    except (KeyError, TypeError, ValueError):
        return None
