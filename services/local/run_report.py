"""`make run-report`: copy → asset → load → transform → publish, end to end, and every total compared."""

from __future__ import annotations

import io
import time
from collections import Counter
from typing import Any

from services.local.airflow_api import Run
from services.local.errors import RunFailed
from services.local.failures import succeed
from services.local.progress import Progress
from services.local.read_back import BUCKET
from services.local.run_once import conf_of
from services.local.sample_data import Replace, Rows
from services.local.schedules import unpaused
from services.local.session import session
from services.local.stack import Stack
from services.local.summary import span, table
from services.wildfires_api import totals
from services.wildfires_api.snapshot import Snapshot

COPY, REPORT = "wildfires_to_s3", "wildfires_report"
# Runs that an asset starts need the scheduler's schedules. The copy has none of its own.
SCHEDULES = {"AIRFLOW__SCHEDULER__USE_JOB_SCHEDULE": "True"}
# Mart and column of each total that the source can be counted by.
TOTALS = {
    "FIRE_YEAR": ("fires_by_year", "fire_year"),
    "STATE": ("fires_by_state", "state"),
    "FIRE_SIZE_CLASS": ("fires_by_size_class", "size_class"),
    "STAT_CAUSE_DESCR": ("fires_by_month_and_cause", "cause"),
}


def run_report(rows: Rows = None, full: bool = False, conf: str = "{}", replace: Replace = False) -> int:
    """Copy, wait for the report that the commit starts, and compare its totals.

    On the stack that is up, or one started for it; without `rows`, with the rows that the API has.
    """
    started = time.monotonic()
    settings = conf_of(conf)
    own = session("run-report", rows=rows, full=full, replace=replace, own_settings=SCHEDULES)
    with own as (stack, progress):
        many = Snapshot(stack.home.data).meta.count > 100_000
        defaults = {"batch_size": 50_000 if many else 5_000, "force": True}
        with unpaused(stack, REPORT, progress), unpaused(stack, COPY, progress):
            _reported(stack, defaults | settings, progress, started)
    return 0


def _reported(stack: Stack, settings: dict[str, Any], progress: Progress, started: float) -> None:
    if stack.api.wait_for_dag(REPORT)["is_paused"]:
        stack.api.unpause(REPORT)
    copy = stack.trigger(COPY, settings)
    progress.say(f"Running {COPY} ({copy.run_id})")
    succeed(stack, copy, progress)
    report = wait_for_report(stack, stack.api.xcom(copy, "commit")["manifest"])
    progress.say(f"Running {REPORT} ({report.run_id})")
    succeed(stack, report, progress)
    instances = stack.api.task_instances(copy) + stack.api.task_instances(report)
    loaded, found = stack.api.xcom(report, "load"), stack.api.xcom(report, "publish")
    lines = {name: _spent(spans) for name, spans in _steps(instances).items()}
    lines |= {"rows": f"{loaded['rows']:,}", "report": found["report"], "run's manifest": loaded["manifest"]}
    lines["wall time"] = f"{time.monotonic() - started:.1f} s"
    progress.console.print(f"\n{table(lines)}\n", markup=False)
    progress.say("… counting the source, to compare")
    source = totals.count(Snapshot(stack.home.data))
    if wrong := differences(stack.s3, stack.api.xcom(report, "export")["marts"], source):
        raise RunFailed("The marts differ from the source:\n" + "\n".join(f"  {each}" for each in wrong))
    progress.say(f"Compared: fires by {', '.join(TOTALS)} in the marts are those of the source.")
    published = totals.published()
    if source.rows == published.rows and source.values == published.values:
        progress.say(f"They are the published totals of the {published.rows:,} fires, too.")


def wait_for_report(stack: Stack, manifest: str, seconds: float = 120) -> Run:
    """The run of the report that the asset event of this manifest started."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        runs = stack.api.request("GET", f"/dags/{REPORT}/dagRuns", params={"order_by": "-run_after"})
        for found in runs["dag_runs"]:
            path = f"/dags/{REPORT}/dagRuns/{found['dag_run_id']}/upstreamAssetEvents"
            events = stack.api.request("GET", path)["asset_events"]
            if any(event["extra"].get("manifest") == manifest for event in events):
                return Run(REPORT, found["dag_run_id"])
        time.sleep(0.5)
    raise RunFailed(f"The event of {manifest} did not start a run of {REPORT} within {seconds:.0f} s.")


def _steps(instances: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Step → its task instances, in the order of their start; the models of dbt are one step."""
    ran = [each for each in instances if each["start_date"] and each["end_date"]]
    steps: dict[str, list[dict[str, Any]]] = {}
    for each in sorted(ran, key=lambda each: each["start_date"]):
        steps.setdefault(each["task_id"].partition(".")[0], []).append(each)
    return steps


def _spent(instances: list[dict[str, Any]]) -> str:
    return f"{span(instances):7.1f} s" + (f", {len(instances)} tasks" if len(instances) > 1 else "")


def differences(client: Any, marts: dict[str, str], source: totals.Totals) -> list[str]:
    """Totals of the exported marts that are not the source's own, a sentence each."""
    wrong = []
    for column, (name, key) in TOTALS.items():
        found: Counter[Any] = Counter()
        for row in _rows(client, marts[name]):
            found[row[key]] += row["fires"]
        for value in sorted({*found, *source.values[column]}, key=str):
            if found[value] != source.values[column][value]:
                wrong.append(
                    f"{column} {value}: {found[value]:,} in {name}, {source.values[column][value]:,} served"
                )
    return wrong


def _rows(client: Any, key: str) -> list[dict[str, Any]]:
    import pyarrow.parquet

    with client.get_object(BUCKET, key) as response:
        return list(pyarrow.parquet.read_table(io.BytesIO(response.read())).to_pylist())
