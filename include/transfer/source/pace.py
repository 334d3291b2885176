"""Pace: how often a copy asks its source, how long it waits for it, and when it gives up."""

import logging
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import tenacity

from include.transfer.errors import BodyBroken, SourceUnavailable

log = logging.getLogger(__name__)

BUSY = "the task is tried again when the source allows it; set requests_per_minute, or a smaller batch_size"
_WORTH_A_LINE = 5.0  # seconds
_PREFIXES = ("X-RateLimit-", "X-Rate-Limit-", "RateLimit-")
_EPOCH = 1_000_000_000  # larger numbers are moments, smaller ones seconds from now
_LIMITS = re.compile(
    r"\b(?:remaining|r)\s*=\s*([0-9]+)\D[^,]*?,?\s*\b(?:reset|t)\s*=\s*([0-9]+)", re.IGNORECASE
)


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


class Pace:
    """When the next request may leave: `per_minute` at the most, and none before a used-up limit starts anew.

    The first request waits for its turn too: the tasks of a pool's slot follow one another without knowing of
    each other.
    """

    def __init__(
        self,
        per_minute: float = 0,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._clock, self._sleep = clock, sleep
        self._interval = 60 / per_minute if per_minute else 0.0
        self._turn = clock() + self._interval
        self._reset = 0.0

    def wait(self, patience: Patience, where: str) -> None:
        """Sleep until it is time. Raises SourceUnavailable where the source asks for more than `patience`."""
        now = self._clock()
        asked = self._reset - now
        if asked > patience.longest_retry_after:
            error = SourceUnavailable("its rate limit is used up", where=where, fix=BUSY)
            error.retry_after = asked
            raise error
        pause = max(self._turn - now, asked)
        if pause > 0:
            if pause >= _WORTH_A_LINE:
                log.info("%s: waiting %.1f s, by the rate limit", where, pause)
            self._sleep(pause)
        self._turn = self._clock() + self._interval

    def note(self, headers: Mapping[str, str]) -> None:
        """Take note of what an answer says of the source's rate limit."""
        if seconds := until_reset(headers):
            self._reset = self._clock() + seconds


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


def asked_to_wait(headers: Mapping[str, str]) -> float | None:
    """Seconds until a source that refuses would answer, by its headers; None: they do not say."""
    seconds = retry_after(headers.get("Retry-After"))
    return until_reset(headers) if seconds is None else seconds


def until_reset(headers: Mapping[str, str]) -> float | None:
    """Seconds until a rate limit that is used up starts anew, 0 where they are not said; None: some is left.

    Read are X-RateLimit-Remaining and -Reset, as GitHub and others send, in seconds or as a moment;
    RateLimit-Remaining and -Reset; and RateLimit as "name";r=0;t=30 or remaining=0, reset=30
    (draft-ietf-httpapi-ratelimit-headers). `headers` takes names in any case.
    """
    found = [
        (headers[f"{prefix}Remaining"], headers.get(f"{prefix}Reset", ""))
        for prefix in _PREFIXES
        if f"{prefix}Remaining" in headers
    ]
    found += _LIMITS.findall(headers.get("RateLimit", ""))
    waits = [_seconds(reset, headers) for remaining, reset in found if re.fullmatch(r"0+(\.0+)?", remaining)]
    return max(waits, default=None)


def _seconds(reset: str, headers: Mapping[str, str]) -> float:
    """From now, or by the source's own clock where it names a moment."""
    if not re.fullmatch(r"[0-9]{1,13}(\.[0-9]*)?", reset):
        return 0.0
    value = float(reset)
    if value < _EPOCH:
        return value
    value = value / 1000 if value > 1000 * _EPOCH else value
    try:
        now = parsedate_to_datetime(headers["Date"]).timestamp()
    except (KeyError, ValueError, TypeError):
        now = time.time()
    return max(0.0, value - now)
