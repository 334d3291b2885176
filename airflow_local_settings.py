"""Where a task runs, decided by its queue, and what it finds loaded there.

Tasks of the queue `kubernetes` run in pods of their own. What all others are forked from, the scheduler or a
Celery worker, imports once what copies need (include/tasks/preload.py).

Airflow imports this file from PYTHONPATH, which holds the project's root in the image, in the CLI's
standalone mode and in the local stack. Its scheduler calls the hook for every task instance that it makes,
mapped ones too.
"""

import logging
from functools import cache
from typing import Any

__all__ = ["task_instance_mutation_hook"]

QUEUE = "kubernetes"


# --8<-- [start:hook]
def task_instance_mutation_hook(task_instance: Any, dag_run: Any = None) -> None:
    """Give a task of the queue to KubernetesExecutor where `[core] executor` has it; else leave it local.

    An explicit `executor=` in a DAG would be an import error wherever that executor is missing. Here it would
    be worse: the task would stay scheduled for ever, with a warning in the scheduler's log alone.
    """
    if _sent_to_pods(task_instance, dag_run):
        task_instance.queue = QUEUE
    if task_instance.queue != QUEUE:
        return
    executor = _kubernetes_executor()
    if executor is None:
        # Celery's workers listen to the default queue: in this one the task would wait for nobody.
        task_instance.queue = _default_queue()
        return
    task_instance.executor = task_instance.executor or executor
    task_instance.executor_config = _with_pod(task_instance.executor_config)


# --8<-- [end:hook]


def _sent_to_pods(task_instance: Any, dag_run: Any) -> bool:
    """Whether the run was triggered with {"queue": "kubernetes"}: that sends its mapped tasks, no others.

    A mapped copy is worth a pod's start; counting, planning and committing take less time than one. Before a
    map is expanded its one instance has the index -1, and each expanded one comes here again.
    """
    conf = getattr(dag_run, "conf", None) or {}
    return task_instance.map_index >= 0 and conf.get("queue") == QUEUE


@cache
def _kubernetes_executor() -> str | None:
    """The name of KubernetesExecutor in `[core] executor`, alone or beside others; None: not there."""
    from airflow.executors.executor_loader import ExecutorLoader

    for name in ExecutorLoader.get_executor_names(validate_teams=False):
        if name.module_path.endswith(".KubernetesExecutor"):
            return name.alias or name.module_path
    return None


@cache
def _default_queue() -> str:
    from airflow.configuration import conf

    return conf.get("operators", "default_queue")


def _with_pod(executor_config: Any) -> Any:
    """The same with `pod_override` as the object that the executor wants.

    DAGs write it as plain values, as in YAML: importing the Kubernetes client takes 1.3 s of every parse.
    """
    override = (executor_config or {}).get("pod_override")
    if not isinstance(override, dict):
        return executor_config
    from airflow.providers.cncf.kubernetes.pod_generator import PodGenerator

    return {**executor_config, "pod_override": PodGenerator.deserialize_model_dict(override)}


def _preload() -> None:
    """No Airflow process may die of this: without it, copies only take longer."""
    try:
        from include.tasks import preload

        preload.register()
    except Exception:
        logging.getLogger(__name__).warning("Copies import what they need themselves", exc_info=True)


_preload()
