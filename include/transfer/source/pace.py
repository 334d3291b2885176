"""Pace: how long a copy waits for its source, and when it gives up."""

import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import tenacity

from include.transfer.errors import BodyBroken, SourceUnavailable

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Patience:
    """How long a copy waits for its source before the task fails and frees its pool slot. Seconds.

    `attempts` counts tries that brought no row: whatever arrives starts the count anew.
    """

    attempts: int = 6
    first_wait: float = 0.5
    longest_wait: float = 30.0
    longest_retry_after: float = 120.0
    connect: float = 10.0
    read: float = 60.0

    def retrying(self, progress: Callable[[], int] = lambda: 0) -> tenacity.Retrying:
        """Attempts with exponential waits and full jitter; `progress` tells how many rows have come."""
        seen = {"progress": progress(), "fruitless": 0}
        backoff = tenacity.wait_random_exponential(multiplier=self.first_wait, max=self.longest_wait)

        def give_up(state: tenacity.RetryCallState) -> bool:
            now = progress()
            seen["fruitless"] = 1 if now > seen["progress"] else seen["fruitless"] + 1
            seen["progress"] = now
            error = state.outcome.exception() if state.outcome else None
            too_long = (getattr(error, "retry_after", None) or 0) > self.longest_retry_after
            return too_long or seen["fruitless"] >= self.attempts

        def wait(state: tenacity.RetryCallState) -> float:
            error = state.outcome.exception() if state.outcome else None
            return float(max(getattr(error, "retry_after", None) or 0.0, backoff(state)))

        return tenacity.Retrying(
            retry=tenacity.retry_if_exception_type((SourceUnavailable, BodyBroken)),
            stop=give_up,
            wait=wait,
            before_sleep=_log_wait,
            reraise=True,
        )


def _log_wait(state: tenacity.RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome else None
    pause = state.next_action.sleep if state.next_action else 0.0
    where, got = getattr(error, "where", ""), getattr(error, "got", error)
    log.warning("attempt %d: %s: %s; trying again in %.1f s", state.attempt_number, where, got, pause)


def retry_after(value: str | None) -> float | None:
    """Seconds to wait by a Retry-After header: a number or an HTTP date (RFC 9110, 10.2.3)."""
    if not value:
        return None
    if re.fullmatch(r"\s*[0-9]+\s*", value):
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return max(0.0, (moment - datetime.now(UTC)).total_seconds())
    except (ValueError, OverflowError):
        return None
