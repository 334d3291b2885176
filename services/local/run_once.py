"""`make run`: one DAG from nothing to verified objects."""

from __future__ import annotations

import json
import os
import time
from datetime import UTC, datetime
from typing import Any

from services.local import celery_workers
from services.local.airflow_api import Run
from services.local.errors import RunFailed, StackError
from services.local.home import Home, only_command
from services.local.ports import Ports
from services.local.progress import Progress
from services.local.sample_data import SampleData
from services.local.stack import Stack
from services.local.summary import by_worker, facts, table
from services.local.verify import BUCKET, MANIFEST, Verified, manifests, verify


def run(dag: str, rows: int | None, full: bool, conf: str, executor: str) -> int:
    """Run one DAG on the stack that is up, or on one started for it, and verify what it committed."""
    started = time.monotonic()
    # From nothing to verified objects: a source that has not changed is copied again, unless CONF says not.
    settings = {"force": True} | conf_of(conf)
    home = Home.from_environment()
    home.prepare()
    with only_command(home, "run"), Progress() as progress:
        stack = Stack.running(home, progress.say)
        if stack is not None:
            stack.require("up", executor)
            progress.say("Using the stack that `make up` started; it stays up.")
            if choose_rows(stack, rows, full):
                stack.supervisor.restart("api")
            return _run_and_verify(stack, dag, settings, progress, started)
        stack = Stack(home, Ports.from_environment(os.environ), executor=executor, report=progress.say)
        try:
            choose_rows(stack, rows, full)
            stack.start()
            return _run_and_verify(stack, dag, settings, progress, started)
        finally:
            progress.say("… stopping")
            stack.stop()
            progress.say("The stack is stopped.")


def conf_of(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text or "{}")
    except ValueError as error:
        raise StackError(
            f'CONF is not JSON: {error}. For example: CONF=\'{{"format": "parquet"}}\''
        ) from error
    if not isinstance(value, dict):
        raise StackError('CONF must be a JSON object, such as \'{"format": "parquet"}\'.')
    return value


def choose_rows(stack: Stack, rows: int | None, full: bool) -> bool:
    """Whether the API has other rows now than before."""
    data = SampleData(stack.home, stack.environment(), stack.report)
    if rows is not None:
        return data.generate(rows)
    return full and data.ensure_full()


def _run_and_verify(stack: Stack, dag: str, conf: dict[str, Any], progress: Progress, started: float) -> int:
    since = datetime.now(UTC).replace(microsecond=0)
    progress.say(f"… waiting for {dag} to be parsed")
    run = stack.trigger(dag, conf)
    progress.say(f"Running {dag} ({run.run_id})")
    began = time.monotonic()
    state = stack.wait(run, watch=progress.watch)
    run_seconds = time.monotonic() - began
    instances = stack.api.task_instances(run)
    if state != "success":
        raise RunFailed(f"{dag} ended as {state}.\n{failures(stack, run, instances)}")
    verified = _verified(stack, run, instances, since, progress)
    rows = facts(verified, instances, run_seconds, time.monotonic() - started)
    if stack.executor == "CeleryExecutor":
        rows["copies by worker"] = by_worker(instances, celery_workers.WORKERS)
    progress.console.print()
    progress.console.print(table(rows), markup=False)
    progress.console.print()
    if verified.findings:
        shown = "\n".join(f"  {finding}" for finding in verified.findings[:20])
        raise RunFailed(f"The store differs from the manifest:\n{shown}")
    progress.say("Verified: every object was read back; size, sha256 and rows agree with the manifest.")
    return 0


def _verified(
    stack: Stack, run: Run, instances: list[dict[str, Any]], since: datetime, progress: Progress
) -> Verified:
    """Verify the manifest that the run's tasks name in what they returned, else the newest one.

    Of a run that found its source unchanged: the manifest that stands for it.
    """
    standing = stack.api.xcom(run, "plan", key="unchanged")
    if standing:
        progress.say(f"The source is unchanged since run {standing['run']}: nothing was copied.")
        return _read_back(stack, standing["manifest"].partition(f"s3://{BUCKET}/")[2], progress)
    written = manifests(stack.s3, since)
    returned = json.dumps(
        [stack.api.xcom(run, each["task_id"]) for each in instances if each["map_index"] < 0]
    )
    named = [key for key in written if key in returned or key.removesuffix("/" + MANIFEST) in returned]
    if not (named or written):
        raise RunFailed(f"{run.dag_id} succeeded, and committed no manifest.")
    return _read_back(stack, (named or written)[0], progress)


def _read_back(stack: Stack, key: str, progress: Progress) -> Verified:
    return verify(stack.s3, key, tick=lambda text: progress.say(f"… {text}"))


def failures(stack: Stack, run: Run, instances: list[dict[str, Any]]) -> str:
    failed = [each for each in instances if each["state"] == "failed"]
    texts = []
    for each in failed[:3]:
        log = stack.api.log(run, each["task_id"], each["map_index"], each["try_number"])
        tail = "\n".join(f"  {line}" for line in log.splitlines()[-15:])
        texts.append(f"{each['task_id']} [{each['map_index']}], attempt {each['try_number']}:\n{tail}")
    return "\n".join(texts)
