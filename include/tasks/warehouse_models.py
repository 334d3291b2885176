"""dbt through Cosmos: the warehouse's models as tasks, one each, and dbt's own documentation of them."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.sdk import XComArg

from include.report.contract import DATASETS, WAREHOUSE

if TYPE_CHECKING:
    from include.transfer.store.bucket import Bucket

PROJECT = Path(__file__).parents[2]
DBT = PROJECT / ".venv-dbt" / "bin" / "dbt"
DBT_PROJECT = PROJECT / "include" / "dbt" / "wildfires"
DBT_MANIFEST = PROJECT / "include" / "dbt" / "manifest.json"  # made by `make dbt-manifest`


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


def reported_bucket(dataset: str) -> "Bucket":
    """The bucket of a dataset that is reported."""
    from include.tasks.connections import open_bucket

    return open_bucket(DATASETS[dataset].store_conn_id, DATASETS[dataset].bucket)


def _keep_docs(project_dir: str, context: Mapping[str, Any], loaded_by: str, **_: Any) -> None:
    """Called by Cosmos beside dbt's output, which is gone after the task."""
    from include.report.draw import keep_docs

    loaded = context["ti"].xcom_pull(task_ids=loaded_by)
    bucket = reported_bucket(loaded["dataset"])
    keep_docs(bucket, loaded["run"], loaded["dataset"], Path(project_dir, "target"))
