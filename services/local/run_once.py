"""`make run`: one DAG from nothing to verified objects."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from include.transfer.errors import BadSettings
from include.transfer.probe.search import PROBED
from include.transfer.source.base_url import check_base_url, without_login
from services.connections import Connection
from services.local import celery_workers
from services.local.airflow_api import Run
from services.local.errors import RunFailed, StackError
from services.local.failures import succeed
from services.local.progress import Progress
from services.local.read_back import ReadBack, read_back
from services.local.sample_data import Replace, Rows
from services.local.schedules import unpaused
from services.local.session import session
from services.local.stack import Executor, Stack
from services.local.summary import by_worker, facts, table


def run(
    dag: str = "wildfires_small_to_s3",
    rows: Rows = None,
    full: bool = False,
    conf: str = "{}",
    executor: Executor = "LocalExecutor",
    api: str = "",
    replace: Replace = False,
) -> int:
    """Run one DAG on the stack that is up, or on one started for it, and verify what it committed.

    `api`: a base URL, which the stack gets a connection of, without a login.
    """
    started = time.monotonic()
    settings = conf_of(conf)
    connection = probed(api) if api else None
    with session("run", executor, rows=rows, full=full, replace=replace) as (stack, progress):
        if connection:
            stack.connect(connection)
        return _run_and_verify(stack, dag, settings, progress, started)


def probed(url: str) -> Connection:
    """The connection that the settings of `make probe` name. StackError for what is no base URL."""
    try:
        check_base_url(url)
    except BadSettings as error:
        raise StackError(f"API: {error.got}. Give a URL such as API=https://api.example.com") from None
    if without_login(url)[1]:
        raise StackError("API has a login. Put a connection with it into airflow_settings.yaml instead.")
    return Connection(PROBED, {"conn_type": "http", "host": url, "description": "Given by API="})


def conf_of(text: str) -> dict[str, Any]:
    """The fields of a run: JSON, or `@file`, which holds it."""
    try:
        if text.startswith("@"):
            text = Path(text[1:]).read_text()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise StackError(f"CONF: cannot read {text[1:]}: {reason}.") from error
    try:
        value = json.loads(text or "{}")
    except ValueError as error:
        raise StackError(
            f'CONF is not JSON: {error}. For example: CONF=\'{{"format": "parquet"}}\''
        ) from error
    if not isinstance(value, dict):
        raise StackError('CONF must be a JSON object, such as \'{"format": "parquet"}\'.')
    return value


def _run_and_verify(stack: Stack, dag: str, conf: dict[str, Any], progress: Progress, started: float) -> int:
    progress.say(f"… waiting for {dag} to be parsed")
    with unpaused(stack, dag, progress):
        # From nothing to verified objects: an unchanged source is copied again, unless CONF says not.
        run = stack.trigger(dag, conf, defaults={"force": True})
        progress.say(f"Running {dag} ({run.run_id})")
        began = time.monotonic()
        succeed(stack, run, progress)
        run_seconds = time.monotonic() - began
    instances = stack.api.task_instances(run)
    found = [
        read_back(stack.s3, uri, lambda text: progress.say(f"… {text}")) for uri in manifests_of(stack, run)
    ]
    if not found:
        if any(each["task_id"].rpartition(".")[2] == "commit" for each in instances):
            raise RunFailed(f"{dag} succeeded, but none of its tasks committed a manifest.")
        progress.say(f"{dag} succeeded. It commits no manifest, so nothing was read back.")
        return 0
    rows = facts(found, instances, run_seconds, time.monotonic() - started)
    if stack.executor == "CeleryExecutor":
        rows["copies by worker"] = by_worker(instances, celery_workers.WORKERS)
    progress.console.print(f"\n{table(rows)}\n", markup=False)
    if findings := [f"  {finding}" for each in found for finding in each.findings]:
        raise RunFailed("The store differs from the manifest:\n" + "\n".join(findings[:20]))
    progress.say("Verified: every object was read back; size, sha256 and rows agree with the manifest.")
    progress.say(_next(stack, found[0]))
    return 0


def _next(stack: Stack, found: ReadBack) -> str:
    """What to do next."""
    if stack.mode == "up":
        page = f"{stack.api.url}/plugin/lake/lake/runs/{found.manifest.prefix}".rstrip("/")
        return f"Next: look at this run in Lake: {page}  (`make password` shows the login)"
    return (
        "Next: `make up` starts the stack to stay, with this run in its page Lake; `make help` has the rest."
    )


def manifests_of(stack: Stack, run: Run) -> list[str]:
    """URIs of what the run committed; of one that found its source unchanged: what stands for it."""
    found: dict[str, None] = {}
    for each in stack.api.task_instances(run):
        task, index = each["task_id"], each["map_index"]
        # The many mapped copies commit nothing; in a mapped group each commit is mapped too.
        values = [stack.api.xcom(run, task, index)] if index < 0 or task.endswith("commit") else []
        if each["state"] == "skipped" and task.endswith(("count_rows", "plan", "commit")):
            values.append(stack.api.xcom(run, task, index, key="unchanged"))
        found |= {each["manifest"]: None for each in values if isinstance(each, dict) and "manifest" in each}
    return list(found)
