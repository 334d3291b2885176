"""What a run left, judged: committed and complete, or failed with a reason and nothing committed."""

from __future__ import annotations

import re
import time
import uuid
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import urllib3
from minio import Minio
from minio.error import MinioException

from services.stack.airflow_api import AirflowApi, Run
from services.stack.errors import StackError
from tests.faults import checker, plan
from tests.faults.arena import BUCKET

T = TypeVar("T")

BROKEN_SECONDS = 45  # an api-server that was killed is back by then
COMMITTED, UNMARKED, REFUSED, BUG = (
    "committed, complete",
    "committed, complete, though the run is marked failed",
    "failed with a reason, no manifest",
    "BUG",
)
# What a failed task must have said: an error of the project's tree, curl's own words, or a signal.
REASON = re.compile(
    r"(SourceUnavailable|BodyBroken|SourceChanged|StoreUnavailable|SourceRefused|NotRows|WrongRowCount|"
    r"ColumnsDiffer|StoreRefused|Unverified): \S.{20,}|curl: \(\d+\) \S{3,}|"
    r"Task killed|SIGTERM|SIGKILL|heartbeat",
)


@dataclass
class Result:
    seed: int
    outcomes: list[str] = field(default_factory=list)
    bugs: list[str] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    incident: str = plan.NOTHING

    @property
    def outcome(self) -> str:
        return BUG if self.bugs else max(self.outcomes, key=[COMMITTED, UNMARKED, REFUSED].index)


def patiently(call: Callable[[], T]) -> T:
    """Repeat a call of Airflow's API, or of the store, while its server is being restarted."""
    deadline = time.monotonic() + BROKEN_SECONDS
    while True:
        try:
            return call()
        except (StackError, MinioException, urllib3.exceptions.HTTPError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.5)


def folder_of(s3: Minio, name: str, run: Run) -> str:
    """The run's folder in the bucket: its name ends with a mark made of the run's id."""
    mark = uuid.uuid5(uuid.NAMESPACE_OID, f"{run.dag_id}/{run.run_id}").hex[:8]
    found = s3.list_objects(BUCKET, f"{name}/")
    folders = (str(o.object_name) for o in found if o.is_dir)
    return next((folder for folder in folders if folder.endswith(f"-{mark}/")), f"{name}/none/")


def judge(
    result: Result,
    run: Run,
    state: str,
    api: AirflowApi,
    s3: Minio,
    name: str,
    versions: Mapping[str | None, Sequence[checker.Row]],
) -> None:
    """Add a run's outcome, and everything that is wrong with it, to `result`."""
    folder = patiently(lambda: folder_of(s3, name, run))
    if patiently(lambda: checker.manifest_of(s3, BUCKET, folder)) is not None:
        result.bugs += patiently(lambda: checker.problems(s3, BUCKET, folder, versions))
        result.outcomes.append(COMMITTED if state == "success" else UNMARKED)
        if state != "success":
            result.reasons.append(reason_of(api, run))
    elif state == "success":
        result.bugs.append(f"{run.run_id} is marked success, and {folder} has no manifest")
    else:
        reason = reason_of(api, run)
        result.outcomes.append(REFUSED)
        result.reasons.append(reason)
        if not reason:
            result.bugs.append(f"{run.run_id} failed, and no log says why")


def reason_of(api: AirflowApi, run: Run) -> str:
    """The first failed task's own words; empty when it has none."""
    for ti in patiently(lambda: api.task_instances(run)):
        if ti["state"] != "failed":
            continue
        where = (run, ti["task_id"], ti["map_index"], ti["try_number"])
        text = patiently(lambda where=where: api.log(*where))
        if match := REASON.search(text):
            line_end = text.find("\n", match.start())
            return f"{ti['task_id']}: {text[match.start() : line_end if line_end > 0 else None][:300]}"
    return ""
