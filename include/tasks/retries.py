"""What a failed task does next: its error's class decides, by the tree in include/transfer/errors.py."""

from datetime import timedelta
from typing import Any

from airflow.sdk import ExceptionRetryPolicy, RetryAction, RetryRule

_POLICY = ExceptionRetryPolicy(
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
)

# For a DAG's `default_args`: a DAG changes them there, `default_args={**RETRIES, "retries": 5}`.
RETRIES: dict[str, Any] = {
    "retries": 3,
    "retry_delay": timedelta(seconds=30),
    "retry_policy": _POLICY,
}
