"""What a run left, judged: committed and complete, or failed with a reason and nothing committed."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import urllib3
from minio import Minio
from minio.error import MinioException

from include.lake_page.runs import run_mark
from include.transfer.errors import Fatal, Retryable, Unverified
from services.local.airflow_api import AirflowApi, Run
from services.local.errors import StackError
from tests.faults import checker, plan
from tests.stack import BUCKET

T = TypeVar("T")

BROKEN_SECONDS = 180  # an api-server that was killed is back by then, on a busy machine too
COMMITTED, UNCHANGED, RETIRED, UNMARKED, REFUSED, BUG = (
    "committed, complete",
    "unchanged: an earlier run holds all, nothing was copied",
    "committed, then removed for a newer committed run",
    "committed, complete, though the run is marked failed",
    "failed with a reason, no manifest",
    "BUG",
)
ORDER = [COMMITTED, UNCHANGED, RETIRED, UNMARKED, REFUSED, BUG]
# What a failed task must have said: an error of the project's tree, or a signal.
_KINDS = [*Retryable.__subclasses__(), *Fatal.__subclasses__(), Unverified]
REASON = re.compile(
    rf"({'|'.join(kind.__name__ for kind in _KINDS)}): \S.{{20,}}|Task killed|SIGTERM|SIGKILL|heartbeat"
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
        return BUG if self.bugs else max(self.outcomes, key=ORDER.index)


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
    mark = run_mark(run.dag_id, run.run_id)
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
        swept = state == "success"
        result.bugs += patiently(lambda: checker.problems(s3, BUCKET, folder, versions, swept=swept))
        result.outcomes.append(COMMITTED if state == "success" else UNMARKED)
        if state != "success":
            result.reasons.append(reason_of(api, run))
    elif state == "success":
        outcome, problems = _without_manifest(run, api, s3, name, folder, versions)
        result.outcomes.append(outcome)
        result.bugs += problems
    else:
        reason = reason_of(api, run)
        result.outcomes.append(REFUSED)
        result.reasons.append(reason)
        if not reason:
            result.bugs.append(f"{run.run_id} failed, and no log says why")


def _without_manifest(
    run: Run,
    api: AirflowApi,
    s3: Minio,
    name: str,
    folder: str,
    versions: Mapping[str | None, Sequence[checker.Row]],
) -> tuple[str, list[str]]:
    """What a run that succeeded and has no manifest must show: another one that makes its own needless."""
    committed = patiently(lambda: checker.committed_folders(s3, BUCKET, name))
    skipped = any(
        ti["task_id"] == "plan" and ti["state"] == "skipped"
        for ti in patiently(lambda: api.task_instances(run))
    )
    others = committed if skipped else [other for other in committed if other > folder]
    if not others:
        return BUG, [
            f"{run.run_id} is marked success, and neither {folder} nor another has a manifest for it"
        ]
    problems = patiently(lambda: checker.problems(s3, BUCKET, others[-1], versions))
    if skipped and list(s3.list_objects(BUCKET, f"{folder}data_")):
        problems.append(f"{run.run_id} found nothing to copy, and {folder} has objects")
    return (UNCHANGED if skipped else RETIRED), problems


def reason_of(api: AirflowApi, run: Run) -> str:
    """A failed task's own words, of its last attempt that has some, or else Airflow's; empty without any."""
    for ti in patiently(lambda: api.task_instances(run)):
        if ti["state"] != "failed":
            continue
        for attempt in range(ti["try_number"], 0, -1):
            where = (run, ti["task_id"], ti["map_index"], attempt)
            text = patiently(lambda where=where: api.log(*where))
            if match := REASON.search(text):
                lines = text[match.start() :].splitlines()
                # An Unverified tells its findings below.
                told = " ".join(line.strip() for line in lines[: 2 if "finding(s)" in lines[0] else 1])
                return f"{ti['task_id']}: {told[:400]}"
        if told := _of_airflow(api, run, ti["task_id"]):
            return f"{ti['task_id']}: {told}"
    return ""


def _of_airflow(api: AirflowApi, run: Run, task_id: str) -> str:
    """What Airflow notes of a task that died before it could log: its process reached no API server."""
    asked = {"dag_id": run.dag_id, "run_id": run.run_id, "task_id": task_id, "event": "state mismatch"}
    noted = patiently(lambda: api.request("GET", "/eventLogs", params=asked))["event_logs"]
    return f"Airflow: {noted[-1]['extra'][:200]}" if noted else ""
