"""Which request meets which fault: decided by a seed, the request and how often it was made, nothing else."""

from __future__ import annotations

import random
import threading
from collections import Counter
from dataclasses import dataclass, field

from tests.lake_keys import unmarked

# Faults that a client sees before it has any answer, or instead of one.
REFUSE = "connection refused"
RESET = "reset before the answer"
CUT = "reset in the body"
DRIP = "slow drip"
STALL = "stall in the body"
TRUNCATED = "cut body, right length"
TOO_LONG = "Content-Length too long"
TOO_SHORT = "Content-Length too short"
GZIP_CUT = "gzip cut short"
HTML = "HTML with 200"
BAD_UTF8 = "invalid UTF-8"
LOOP = "redirect loop"
TOO_MANY = "429"
TOO_MANY_SOON = "429, Retry-After 1"
TOO_MANY_LATE = "429, Retry-After 600"
STATUSES = {"500": 500, "502": 502, "503": 503, "504": 504}
# Of the store alone.
SLOW_DOWN = "503 SlowDown"
INTERNAL = "500 InternalError"
PUT_CUT = "reset in the middle of a PUT"
PUT_LOST = "PUT done, its answer lost"
READ_RESET = "reset on HEAD or GET"
READ_CUT = "reset in an object's body"
LIST_LAGS = "a listing that lags"
DISK_FULL = "507 storage full"
NO_PARTS = "501 NotImplemented for uploads in parts"

# Faults that repeating the request heals, and those after which a run should end with a reason.
PASSING = (
    REFUSE, RESET, CUT, DRIP, STALL, TRUNCATED, TOO_LONG, TOO_SHORT, GZIP_CUT,
    TOO_MANY, TOO_MANY_SOON, TOO_MANY_LATE, *STATUSES,
)  # fmt: skip
LASTING = (HTML, BAD_UTF8, LOOP)
SOURCE_KINDS = PASSING + LASTING
STORE_KINDS = (SLOW_DOWN, INTERNAL, PUT_CUT, PUT_LOST, READ_RESET, READ_CUT, LIST_LAGS, DISK_FULL)

_WRITES = ("PUT", "POST")


@dataclass
class Weather:
    """Faults for one proxy during one round.

    `chance`: share of the requests that meet one. `repeats`: only the first so many times that one request
    is made can, so that a small number is weather which passes. What was injected is counted in `injected`.
    """

    seed: str = ""
    kinds: tuple[str, ...] = ()
    chance: float = 0.0
    repeats: int = 1
    injected: Counter[str] = field(default_factory=Counter)
    _seen: Counter[tuple[str, str]] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def draw(self, method: str, target: str) -> str | None:
        """The fault of this request, or None. The same requests in any order meet the same faults."""
        what = (method, same_in_every_run(target))
        with self._lock:
            self._seen[what] += 1
            nth = self._seen[what]
        drawn = random.Random(f"{self.seed}|{what}|{nth}")
        possible = [kind for kind in self.kinds if fits(kind, method, target)]
        if nth > self.repeats or not possible or drawn.random() >= self.chance:
            return None
        return drawn.choice(possible)

    def count(self, kind: str) -> None:
        with self._lock:
            self.injected[kind] += 1


def same_in_every_run(target: str) -> str:
    """A target without what differs between two runs of one seed: folder, attempt's mark, upload's id."""
    path, _, query = unmarked(target).partition("?")
    parts = path.split("/")
    name = "/".join(parts[-1:] if len(parts) > 4 else parts)
    kept = [pair for pair in query.split("&") if not pair.lower().startswith(("uploadid=", "prefix="))]
    return f"{name}?{'&'.join(kept)}"


def fits(kind: str, method: str, target: str) -> bool:
    """Whether a request of this method can meet the fault."""
    if kind in (PUT_CUT, PUT_LOST, DISK_FULL):
        return method in _WRITES
    if kind == NO_PARTS:
        return method == "POST" and "uploads" in target
    if kind == LIST_LAGS:
        return method == "GET" and "list-type=2" in target
    if kind == READ_RESET:
        return method in ("GET", "HEAD")
    if kind == READ_CUT:
        return method == "GET"
    if kind == GZIP_CUT:
        return "/api/get" in target  # the count asks for no compression
    # A cut number is another number: a source that lies about its count twice cannot be found out.
    return not (kind in (TRUNCATED, TOO_SHORT) and "/api/count" in target)
