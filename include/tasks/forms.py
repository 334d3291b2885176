"""The trigger form. A run's conf may set these fields alone; what each says stands in form_fields.py."""

from typing import Any

from airflow.sdk import Asset, Param

from include.tasks.form_fields import INTERVAL, KINDS, POLICY, SECTION_OF, SETTINGS, SHAPE, Help
from include.transfer.dataset import MAY_BE_EMPTY, Dataset
from include.transfer.policy import Policy

# A form shows a star at what must be filled in: what may be left empty is null, and the dataset's own value.
_NEEDED = {"name", "conn_id", "rows_path"}


def form(dataset: Dataset, policy: Policy | None = None) -> dict[str, Param]:
    """The trigger form of a copy, with the dataset's and the policy's values as its defaults."""
    return _params(SHAPE, dataset.to_dict()) | _interval(dataset) | run_form(policy)


def settings_form(dataset: Dataset, policy: Policy | None = None) -> dict[str, Param]:
    """The settings of a dataset as fields too, for a DAG that copies any API without code."""
    return (
        _params(SETTINGS, dataset.to_dict()) | _params(INTERVAL, dict.fromkeys(INTERVAL)) | run_form(policy)
    )


def _interval(dataset: Dataset) -> dict[str, Param]:
    return _params(INTERVAL, dict.fromkeys(INTERVAL)) if dataset.window else {}


def run_form(policy: Policy | None = None) -> dict[str, Param]:
    """The form of a copy whose objects must stay as the dataset says.

    The policy in airflow_local_settings.py reads `queue` from the run's conf: a task's queue is fixed when
    its file is parsed, and a param cannot change it.
    """
    queue = Param(
        "default",
        type="string",
        enum=["default", "kubernetes"],
        title="Queue of the copies",
        description="kubernetes: each copy in a pod of its own, where KubernetesExecutor is configured.",
    )
    return {**_params(POLICY, (policy or Policy()).to_dict()), "queue": queue}


def doctor_form(dataset: Dataset) -> dict[str, Param]:
    """What the doctor is to look at."""
    source = ("conn_id", "count_path", "total", "rows_path", "rows_key", "rows")
    paging = ("paging",)
    wanted = ("name", "store_conn_id", "bucket", *source, "body", *paging)
    return _params({name: SETTINGS[name] for name in wanted}, dataset.to_dict())


def _params(help_: Help, values: dict[str, Any]) -> dict[str, Param]:
    return {name: _param(name, values[name], *field) for name, field in help_.items()}


def _param(name: str, value: Any, title: str, description: str, schema: dict[str, Any]) -> Param:
    kind = KINDS.get(type(value), "string")
    shape = {
        "type": kind if name in _NEEDED else ["null", kind],
        "title": title,
        "section": SECTION_OF.get(name, "Run"),
        **schema,
    }
    if "enum" in schema and name not in _NEEDED:
        shape["enum"] = [*schema["enum"], None]
    empty = name in MAY_BE_EMPTY and not value
    return Param(None if empty else value, f"`{name}`. {description}".strip(), **shape)


def asset(dataset: Dataset) -> Asset:
    """The asset that a commit updates: the dataset in the lake; each event's extra names the manifest.

    No s3:// URI: checking one loads the AWS SDK, 0.3 s of every parse.
    """
    return Asset(name=dataset.name)
