"""The tasks of the report: what runs in which interpreter, and what it may know of connections."""

import os
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.sdk import Param, XComArg, get_current_context, task

from include.report.contract import DATASETS

if TYPE_CHECKING:
    from include.transfer.store.bucket import Bucket
from include.tasks.connections import connection_json, open_bucket

PROJECT = Path(__file__).parents[2]
SDK_PYTHON = PROJECT / ".venv-astro-sdk" / "bin" / "python"
DBT = PROJECT / ".venv-dbt" / "bin" / "dbt"
DBT_PROJECT = PROJECT / "include" / "dbt" / "wildfires"
DBT_MANIFEST = PROJECT / "include" / "dbt" / "manifest.json"  # made by `make dbt-manifest`
WAREHOUSE = "warehouse"

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
        lambda name: choose.newest(_bucket(name), name),
    )
    return [{"manifest": uri, "force": params["force"]} for uri in manifests]


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

    return entry.load(chosen[0]["manifest"], "warehouse", chosen[0]["force"])


def transform(loaded: XComArg) -> Any:
    """The dbt project as a group of tasks, one a model, and one for all its tests after them.

    dbt gets the name of the loaded dataset as a variable, and the connection in its process's environment.
    """
    # Late, and the manifest as a plain path: Cosmos would load the file systems of every provider to open it.
    from cosmos import DbtTaskGroup, ExecutionConfig, LoadMode, ProjectConfig, RenderConfig, TestBehavior

    project = ProjectConfig(
        dbt_project_path=DBT_PROJECT,
        manifest_path=DBT_MANIFEST,
        install_dbt_deps=False,
        env_vars=_DBT_ENVIRONMENT,
    )
    project.manifest_path = DBT_MANIFEST
    group = DbtTaskGroup(
        group_id="transform",
        project_config=project,
        profile_config=_profile(),
        execution_config=ExecutionConfig(dbt_executable_path=DBT, **_subprocess()),
        render_config=RenderConfig(
            load_method=LoadMode.DBT_MANIFEST, test_behavior=TestBehavior.AFTER_ALL, emit_datasets=False
        ),
        operator_args=_of_dbt(loaded),
    )
    loaded >> group
    return group


def document(loaded: XComArg) -> Any:
    """dbt's own documentation of the warehouse, one page, beside the report."""
    from cosmos.operators.local import DbtDocsLocalOperator

    return DbtDocsLocalOperator(
        task_id="document",
        project_dir=str(DBT_PROJECT),
        profile_config=_profile(),
        dbt_executable_path=str(DBT),
        invocation_mode=_subprocess()["invocation_mode"],
        install_deps=False,
        dbt_cmd_flags=["--static"],
        callback=_keep_docs,
        callback_args={"loaded_by": _task_id(loaded)},
        env=_DBT_ENVIRONMENT,
        **_of_dbt(loaded),
    )


_DBT_ENVIRONMENT = {"DO_NOT_TRACK": "1", "DBT_SEND_ANONYMOUS_USAGE_STATS": "False", "PGCONNECT_TIMEOUT": "10"}


def _task_id(value: XComArg) -> str:
    """The task that returns the value."""
    return next(operator.task_id for operator, _ in value.iter_references())


def _of_dbt(loaded: XComArg) -> dict[str, Any]:
    """Settings of every task that calls dbt."""
    # An XComArg as text is the template that reads it.
    dataset = str(loaded).removesuffix("}}") + "['dataset'] }}"
    return {
        "vars": {"dataset": dataset},
        "append_env": True,
        # A model is made anew by every attempt. dbt's errors have no class here: one more attempt is for a
        # warehouse that went away, and a test that fails fails again.
        "retries": 1,
        "retry_delay": timedelta(seconds=10),
        "retry_policy": None,
    }


def _profile() -> Any:
    from cosmos import ProfileConfig
    from cosmos.profiles import PostgresUserPasswordProfileMapping

    mapping = PostgresUserPasswordProfileMapping(conn_id=WAREHOUSE, profile_args={"schema": "public"})
    return ProfileConfig(profile_name="wildfires", target_name="warehouse", profile_mapping=mapping)


def _subprocess() -> dict[str, Any]:
    from cosmos import ExecutionMode, InvocationMode

    return {"execution_mode": ExecutionMode.LOCAL, "invocation_mode": InvocationMode.SUBPROCESS}


def _bucket(dataset: str) -> "Bucket":
    return open_bucket(DATASETS[dataset].store_conn_id, DATASETS[dataset].bucket)


def _keep_docs(project_dir: str, context: Mapping[str, Any], loaded_by: str, **_: Any) -> None:
    """Called by Cosmos beside dbt's output, which is gone after the task."""
    from include.report.draw import keep_docs

    loaded = context["ti"].xcom_pull(task_ids=loaded_by)
    keep_docs(_bucket(loaded["dataset"]), loaded["run"], loaded["dataset"], Path(project_dir, "target"))


@task.external_python(**IN_SDK)
def export(loaded: Mapping[str, Any]) -> dict[str, Any]:
    """Write the marts as Parquet beside the run's objects."""
    from include.astro_sdk import entry

    return entry.export(loaded["manifest"], "warehouse")


@task(multiple_outputs=False)
def publish(loaded: Mapping[str, Any], exported: Mapping[str, Any]) -> dict[str, Any]:
    """Draw the charts and write the report beside the run's objects; its index comes last."""
    from include.report.draw import publish as publish_report

    return publish_report(_bucket(loaded["dataset"]), loaded, exported["marts"])


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
