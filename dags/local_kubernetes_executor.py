"""
### One task here, one in a pod

Both executors run side by side, and a task's queue chooses: `print_task_with_kubernetes` is in the queue
`kubernetes`, which the policy in `airflow_local_settings.py` maps to KubernetesExecutor where
`[core] executor` has it. Where it has not, both tasks run locally: the DAG is the same everywhere.

Each task prints the executor and the host that ran it. In a cluster the second host is a pod's name.
"""

from datetime import datetime

from airflow.sdk import dag

from include.tasks.checks import print_executor

# Laid over the pod template of the deployment. Plain values instead of V1Pod: the policy converts them, so
# that parsing this file does not import the Kubernetes client.
# --8<-- [start:pod]
POD = {
    "metadata": {"labels": {"example": "local-kubernetes-executor"}},
    "spec": {
        "containers": [
            {
                "name": "base",
                "env": [{"name": "GREETING", "value": "from a pod of its own"}],
                "resources": {
                    "requests": {"cpu": "100m", "memory": "256Mi"},
                    "limits": {"memory": "512Mi"},
                },
            }
        ]
    },
}
# --8<-- [end:pod]


@dag(
    dag_display_name="Local and Kubernetes executors",
    description="One task here, one in a pod of its own, chosen by the task's queue",
    schedule=None,
    start_date=datetime(2026, 1, 1),
    tags=["executors"],
    doc_md=__doc__,
)
def local_kubernetes_executor() -> None:
    # --8<-- [start:flow]
    local = print_executor.override(task_id="print_task_with_local")()
    in_a_pod = print_executor.override(
        task_id="print_task_with_kubernetes", queue="kubernetes", executor_config={"pod_override": POD}
    )()

    local >> in_a_pod
    # --8<-- [end:flow]


local_kubernetes_executor()
