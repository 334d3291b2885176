"""A cluster policy for the fault suite's own stack: retries wait one second, so that rounds stay short.

What is retried, how often and after which error stays the project's, and so does what is preloaded.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from include.tasks import preload

__all__ = ["task_policy"]

QUICK = timedelta(seconds=1)


def task_policy(task: Any) -> None:
    """Called by Airflow for every task when it parses a DAG."""
    from airflow.sdk import ExceptionRetryPolicy

    policy = getattr(task, "retry_policy", None)
    if isinstance(policy, ExceptionRetryPolicy):
        rules = [replace(rule, retry_delay=QUICK) if rule.retry_delay else rule for rule in policy.rules]
        task.retry_policy = ExceptionRetryPolicy(rules=rules, default=policy.default)
    if hasattr(task, "partial_kwargs"):  # a mapped task's own attributes cannot be set
        task.partial_kwargs["retry_delay"] = QUICK
    else:
        task.retry_delay = QUICK


preload.register()
