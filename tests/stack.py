"""The running stack that tests share: its settings, and how tests look at a run's copies and manifest."""

import json
from typing import TYPE_CHECKING, Any

from tests.airflow_home import PROJECT

if TYPE_CHECKING:
    from services.local.airflow_api import Run
    from services.local.stack import Stack

BUCKET = "task-mapping-api-data"
MAPS = 16  # the longest list that this Airflow may map
# First on the path, for the project has a policy of its own in a file of the same name; and no working folder
# in front of it, where that file is.
QUICK_RETRIES = {"PYTHONPATH": f"{PROJECT / 'tests/faults/quick_retries'}:{PROJECT}", "PYTHONSAFEPATH": "1"}
# Airflow notices what was killed after minutes; here after seconds. What it does then stays the same.
QUICK_CLOCKS = {
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_SEC": "2",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "20",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "5",
    "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "10",
    "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_THRESHOLD": "10",
    "AIRFLOW__SCHEDULER__SCHEDULER_HEARTBEAT_SEC": "2",
    "AIRFLOW__SCHEDULER__JOB_HEARTBEAT_SEC": "2",
    # The files do not change: to parse them every few seconds would take half a core from the tests.
    "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "300",
    "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "60",
}
_BUNDLES = {"dags-folder": {}, "tests": {"path": str(PROJECT / "tests/long/dags")}}
SHARED = {
    **QUICK_RETRIES,
    **QUICK_CLOCKS,
    "AIRFLOW__CORE__MAX_MAP_LENGTH": str(MAPS),
    "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": json.dumps(
        [
            {
                "name": name,
                "classpath": "airflow.dag_processing.bundles.local.LocalDagBundle",
                "kwargs": kwargs,
            }
            for name, kwargs in _BUNDLES.items()
        ]
    ),
}


def copies(stack: "Stack", run: "Run") -> list[dict[str, Any]]:
    """Airflow's record of the run's copies, in the order of their map index."""
    found = [ti for ti in stack.task_instances(run) if ti["task_id"] == "copy"]
    return sorted(found, key=lambda ti: ti["map_index"])


def manifest_of(stack: "Stack", run: "Run") -> dict[str, Any]:
    key = stack.api.xcom(run, "commit")["manifest"].partition(f"{BUCKET}/")[2]
    with stack.s3.get_object(BUCKET, key) as response:
        return json.loads(response.read())


def findings(stack: "Stack", run: "Run") -> list[str]:
    """What an independent reading of every object has to object."""
    from services.local.read_back import read_back

    return read_back(stack.s3, stack.api.xcom(run, "commit")["manifest"]).findings
