"""Where Airflow ends and plain Python begins: params, pools, assets and retries; connections are beside it.

Nothing here runs at parse time but the forms, `asset` and the constants, and these touch nothing outside.
"""

import logging
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.sdk import (
    Asset,
    ExceptionRetryPolicy,
    Param,
    RetryAction,
    RetryRule,
    get_current_context,
)
from airflow.sdk.exceptions import AirflowSkipException

from include.tasks.connections import open_api, open_bucket, store_url
from include.tasks.forms import Fields, run_fields, settings_fields, shape_fields
from include.transfer.dataset import Dataset
from include.transfer.policy import Policy

if TYPE_CHECKING:
    from include.transfer.diagnose import Finding
    from include.transfer.source.api import Api
    from include.transfer.store.bucket import Bucket

__all__ = ["open_api", "open_bucket", "store_url"]

log = logging.getLogger(__name__)

FINDINGS_KEY = "findings"  # of the XCom that holds what a verification objects to
MOST_FINDINGS = 200
UNCHANGED_KEY = (
    "unchanged"  # of the XCom that names the committed run that stands for one that copied nothing
)

# A run's folder: its time to sort by, and a mark that keeps two runs of one second apart. Given through
# `.partial(run=RUN)`: a mapped task renders templates there, though not inside `.map()`.
RUN = (
    "{{ dag_run.run_after | ts_nodash }}-"
    "{{ macros.uuid.uuid5(macros.uuid.NAMESPACE_OID, dag.dag_id ~ '/' ~ run_id).hex[:8] }}"
)

# What a failed task does next is decided by its error's class alone: the tree in include/transfer/errors.py.
RETRIES: dict[str, Any] = {
    "retries": 3,
    "retry_delay": timedelta(seconds=30),
    "retry_policy": ExceptionRetryPolicy(
        rules=[
            RetryRule(
                exception="include.transfer.errors.Retryable",
                action=RetryAction.RETRY,
                retry_delay=timedelta(seconds=30),
                reason="the source or the store may answer later",
            ),
            RetryRule(
                exception="include.transfer.errors.Fatal",
                action=RetryAction.FAIL,
                reason="the same settings would fail again",
            ),
            RetryRule(
                exception="include.transfer.errors.Unverified",
                action=RetryAction.FAIL,
                reason="the lake must not show what could not be verified",
            ),
        ]
    ),
}


def form(dataset: Dataset, policy: Policy | None = None) -> dict[str, Param]:
    """The trigger form of a copy, with the dataset's and the policy's values as its defaults."""
    return _params(shape_fields(dataset)) | run_form(policy)


def run_form(policy: Policy | None = None) -> dict[str, Param]:
    """That form for a copy whose objects must stay as the dataset says."""
    return _params(run_fields(policy or Policy()))


def settings_form(dataset: Dataset, policy: Policy | None = None) -> dict[str, Param]:
    """Every setting of a dataset as a field too, for a DAG that copies any API without code."""
    return _params(settings_fields(dataset)) | run_form(policy)


def _params(fields: Fields) -> dict[str, Param]:
    return {name: Param(**field) for name, field in fields.items()}


def asset(dataset: Dataset) -> Asset:
    """The asset that a commit updates: the dataset in the lake; each event's extra names the manifest.

    No s3:// URI: checking one loads the AWS SDK, 0.3 s of every parse.
    """
    return Asset(name=dataset.name)


def of_this_run(settings: Mapping[str, Any]) -> Dataset:
    """The dataset with the values that this run's form holds."""
    return Dataset.from_dict(settings, get_current_context()["params"])


def policy() -> Policy:
    """What this run's form says about force, drift and retention."""
    return Policy.from_params(get_current_context()["params"])


def skip_if(standing: Mapping[str, Any] | None) -> None:
    """End this task as skipped, and all that follows from it, where a committed run stands for this one.

    Which one is told in the XCom `unchanged`. The run is a success, without an asset event: nothing is new.
    """
    if standing:
        get_current_context()["ti"].xcom_push(UNCHANGED_KEY, dict(standing))
        raise AirflowSkipException(f"unchanged since run {standing['run']}: {standing['manifest']}")


def opened(settings: Mapping[str, Any]) -> "tuple[Api, Bucket]":
    """Both ends of a copy, with this run's values."""
    dataset = of_this_run(settings)
    return open_api(dataset), open_bucket(dataset)


def count_command(settings: Mapping[str, Any]) -> str:
    """Bash that asks the API for its number of rows with curl and prints it.

    URL, login and headers go to curl through this process's environment: they are neither in the command,
    which Airflow shows, nor in a list of processes.
    """
    from include.transfer.errors import redact
    from include.transfer.source import curl

    dataset = of_this_run(settings)
    api = open_api(dataset)
    os.environ |= {curl.URL: api.count_url(), curl.HEADERS: api.curl_headers()}
    log.info("counting: GET %s", redact(api.count_url()))
    return curl.command(dataset, Path(__file__).parents[2])


def diagnosis(*checks: "Iterable[Finding]") -> list[str]:
    """Log all findings and keep them as the XCom `diagnosis`, then fail if there is one to fix."""
    from include.transfer import run as steps

    findings = [finding for check in checks for finding in check]
    get_current_context()["ti"].xcom_push("diagnosis", [asdict(finding) for finding in findings])
    return steps.diagnosis(findings)


def log_folder() -> Path:
    """Where this machine keeps the tasks' logs."""
    from airflow.sdk.configuration import conf

    return Path(conf.get("logging", "base_log_folder"))


def max_maps() -> int:
    """How often a task may be mapped at the most: `[core] max_map_length`."""
    from airflow.sdk.configuration import conf

    return int(conf.getint("core", "max_map_length"))


def announce(committed: Mapping[str, Any]) -> None:
    """Put what was committed into the asset events of this task: one, as its task is not mapped."""
    context = get_current_context()
    for outlet in context["task"].outlets:
        context["outlet_events"][outlet].extra = dict(committed)


@contextmanager
def findings_kept() -> Iterator[None]:
    """Keep what a verification objects to in an XCom: a failed task returns nothing, and a page shows it."""
    from include.transfer.errors import Unverified

    try:
        yield
    except Unverified as unverified:
        kept = unverified.findings[:MOST_FINDINGS]
        if more := len(unverified.findings) - len(kept):
            kept.append(f"and {more:,} more, in the log of this task")
        get_current_context()["ti"].xcom_push(key=FINDINGS_KEY, value=kept)
        raise


def pool_slot() -> str:
    """The pool that this task runs in."""
    pool: str = get_current_context()["task"].pool
    log.info("the pool %s exists and gave a slot", pool)
    return pool


def where_it_runs() -> dict[str, str]:
    """The executor that runs this task, its host, and the greeting that a pod_override may have set."""
    from airflow.sdk.api.client import get_hostname
    from airflow.sdk.configuration import conf

    # KubernetesExecutor marks its pods so. Elsewhere it is the first of `[core] executor`: the others run
    # only what names them.
    in_a_pod = os.environ.get("AIRFLOW_IS_K8S_EXECUTOR_POD") == "True"
    first = conf.get("core", "executor").split(",")[0].strip()
    found = {
        "executor": "KubernetesExecutor" if in_a_pod else first,
        "host": str(get_hostname()),  # type: ignore[no-untyped-call]
        "greeting": os.environ.get("GREETING", ""),
    }
    log.info("executor %(executor)s, host %(host)s %(greeting)s", found)
    return found
