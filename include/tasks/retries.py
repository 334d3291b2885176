"""What a failed task does next: its error's class decides, by the tree in include/transfer/errors.py."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from airflow.sdk import ExceptionRetryPolicy, RetryAction, RetryDecision, RetryRule

from include.tasks.context import error_kept

_LONGEST = timedelta(days=1)


class _ByError(ExceptionRetryPolicy):
    """As its rules say, and no sooner than the source asked for: meanwhile the pool's slot is free."""

    def evaluate(self, exception: BaseException, *args: Any, **named: Any) -> RetryDecision:
        decision = super().evaluate(exception, *args, **named)
        asked = getattr(exception, "retry_after", None)
        if decision.retry_delay is None or not asked:
            return decision
        delay = timedelta(seconds=min(asked, _LONGEST.total_seconds()))
        reason = f"the source asks to wait {asked:,.0f} s"
        return replace(decision, retry_delay=max(delay, decision.retry_delay), reason=reason)


_POLICY = _ByError(
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
    "on_failure_callback": error_kept,
    "on_retry_callback": error_kept,
}
