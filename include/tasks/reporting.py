"""The tasks of the report: what runs in which interpreter, and what it may know of connections."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from airflow.sdk import Param, get_current_context, task

from include.report.contract import DATASETS, WAREHOUSE
from include.tasks.connections import connection_json
from include.tasks.warehouse_models import reported_bucket

PROJECT = Path(__file__).parents[2]
SDK_PYTHON = PROJECT / ".venv-astro-sdk" / "bin" / "python"

# What the SDK's process gets of this one's environment: Airflow 3's own settings would break its Airflow 2.
_INHERITED = ("PATH", "HOME", "TMPDIR", "LANG", "SSL_CERT_FILE", "NO_PROXY", "HTTP_PROXY", "HTTPS_PROXY")
_SDK_ENVIRONMENT = {
    "PYTHONPATH": str(PROJECT),
    "PGCONNECT_TIMEOUT": "10",
    "AWS_REQUEST_CHECKSUM_CALCULATION": "when_required",  # a store need not know AWS's newer checksums
    "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
    "AIRFLOW__METRICS__TIMER_UNIT_CONSISTENCY": "True",  # Airflow 2 warns without it
}


def form() -> dict[str, Param]:
    """The trigger form. Runs that an asset event started take its manifest."""
    return {
        "dataset": Param(
            "wildfires_small",
            type="string",
            enum=list(DATASETS),
            title="Dataset",
            description="The newest committed run of it is reported, unless a manifest is named.",
        ),
        "manifest": Param(
            None,
            type=["null", "string"],
            title="Manifest",
            description="s3://bucket/dataset/run/_manifest.json: this run instead.",
        ),
        "partition": Param(
            None,
            type=["null", "string"],
            title="Partition",
            description="Of a dataset by windows: the one to report, such as 2015-01. No other is read.",
        ),
        "force": Param(
            False,
            type="boolean",
            title="Load again",
            description="Even if the warehouse has this run already.",
        ),
    }


@task
def choose_runs() -> list[dict[str, Any]]:
    """The committed runs to report, one a dataset: of the events that started this run, or the newest."""
    from include.report import choose

    context = get_current_context()
    params = context["params"]
    accessor = context["triggering_asset_events"]
    events = sorted((each for of in accessor.values() for each in of), key=lambda each: each.timestamp)
    manifests = choose.choose(
        [event.extra for event in events],
        params["manifest"],
        params["dataset"],
        lambda name: choose.newest(reported_bucket(name), DATASETS[name], params["partition"] or ""),
    )
    given = {"force": params["force"], "partition": params["partition"] or ""}
    return [{"manifest": uri, **given} for uri in manifests]


def _hand_over(context: Mapping[str, Any]) -> None:
    """Just before the SDK's process starts: its connections, as environment variables.

    Not in `env_vars` of the DAG file, which would be read at parse time, nor in a template, whose rendered
    value Airflow keeps and shows.
    """
    from include.report.errors import StepFailed

    if not SDK_PYTHON.exists():
        raise StepFailed(
            "the interpreter that loads with astro-sdk-python is missing",
            where=str(SDK_PYTHON),
            fix="the image and `make up` make it; elsewhere run: sh services/local/bootstrap.sh report",
        )
    inherited = {k: v for k, v in os.environ.items() if k in _INHERITED or k.startswith("AWS_")}
    kinds = {dataset.store_conn_id: "aws" for dataset in DATASETS.values()} | {WAREHOUSE: "postgres"}
    connections = {f"AIRFLOW_CONN_{name.upper()}": connection_json(name, kinds[name]) for name in kinds}
    context["task"].env_vars = inherited | _SDK_ENVIRONMENT | connections


def _judge(context: Mapping[str, Any], result: Any) -> None:
    """Raise the error that the SDK's process told of, by its class here: the retry policy goes by that."""
    from include.report.errors import answer

    answer(result)


IN_SDK: dict[str, Any] = {
    "python": str(SDK_PYTHON),
    "expect_airflow": False,
    "inherit_env": False,
    "pre_execute": _hand_over,
    "post_execute": _judge,
    "multiple_outputs": False,
}


@task.external_python(**IN_SDK)
def load(chosen: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Load the first of the chosen runs into the warehouse, unless it is there already."""
    from include.astro_sdk import entry

    return entry.load(chosen[0]["manifest"], "warehouse", chosen[0]["force"], chosen[0]["partition"])


@task.external_python(**IN_SDK)
def export(loaded: Mapping[str, Any]) -> dict[str, Any]:
    """Write the marts as Parquet beside the run's objects."""
    from include.astro_sdk import entry

    return entry.export(loaded["manifest"], "warehouse")


@task(multiple_outputs=False)
def publish(loaded: Mapping[str, Any], exported: Mapping[str, Any]) -> dict[str, Any]:
    """Draw the charts and write the report beside the run's objects; its index comes last."""
    from include.report.draw import publish as publish_report

    return publish_report(reported_bucket(loaded["dataset"]), loaded, exported["marts"])


@task
def other_runs(chosen: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What is left for runs of their own: events of another dataset that came at the same time."""
    return [dict(each) for each in chosen[1:]]


def report_others(chosen: Any) -> None:
    """Start this DAG again for each run that is left; mostly there is none."""
    from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator

    TriggerDagRunOperator.partial(task_id="report_others", trigger_dag_id="wildfires_report").expand(
        conf=other_runs(chosen)
    )
