"""The trigger form's fields as plain values: default, title, description and JSON Schema of each."""

from typing import Any

from include.transfer.dataset import COMPRESSIONS, FORMATS, MAY_BE_EMPTY, SETTINGS_HELP, Dataset
from include.transfer.policy import POLICY_HELP, Policy

Fields = dict[str, dict[str, Any]]


def shape_fields(dataset: Dataset) -> Fields:
    """What the objects are like; a run's values replace the dataset's."""
    return {
        "batch_size": {
            "default": dataset.batch_size,
            "type": "integer",
            "minimum": 1,
            "maximum": 10_000_000,
            "title": "Rows in a batch",
            "description": "One mapped task copies one batch. Its memory does not depend on this.",
        },
        "format": {
            "default": dataset.format,
            "type": "string",
            "enum": list(FORMATS),
            "title": "Format of the objects",
        },
        "compression": {
            "default": dataset.compression,
            "type": "string",
            "enum": list(COMPRESSIONS),
            "title": "Compression",
            "description": "For CSV and NDJSON; Parquet compresses its own columns: leave it at none.",
        },
    }


def run_fields(policy: Policy) -> Fields:
    """What a run does about what is in the lake, and about a source that changes; and where its copies run.

    airflow_local_settings.py reads `queue` from the conf of the run: a param cannot change a queue, since
    a task's queue is fixed when its file is parsed.
    """
    values = policy.to_dict()
    chosen = {
        name: {"default": values[name], "title": title, "description": hint, **schema}
        for name, (title, hint, schema) in POLICY_HELP.items()
    }
    queue = {
        "default": "default",
        "type": "string",
        "enum": ["default", "kubernetes"],
        "title": "Queue of the copies",
        "description": "kubernetes: each copy in a pod of its own, where KubernetesExecutor is configured.",
    }
    return {**chosen, "queue": queue}


def settings_fields(dataset: Dataset) -> Fields:
    """Every setting of a dataset."""
    fields: Fields = {}
    for name, value in dataset.to_dict().items():
        title, hint, schema = SETTINGS_HELP[name]
        kind = "object" if isinstance(value, dict) else "integer" if isinstance(value, int) else "string"
        # A form refuses an empty text: what may be empty is null there.
        optional = name in MAY_BE_EMPTY
        fields[name] = {
            "default": (value or None) if optional else value,
            "type": ["null", kind] if optional else kind,
            "title": title,
            "description": hint,
            **schema,
        }
    return fields | shape_fields(dataset)
