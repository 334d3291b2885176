"""Waiting for something to happen, on a machine that may be busy with other things."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

# No measure of speed: a time that only what hangs can take.
HANGS_SECONDS = 600


def until(holds: Callable[[], T], seconds: float = HANGS_SECONDS) -> T:
    """What `holds` returns as soon as it is something; AssertionError with what it last returned."""
    deadline = time.monotonic() + seconds
    while not (found := holds()):
        assert time.monotonic() < deadline, f"waited {seconds} s in vain: {found!r}"
        time.sleep(0.05)
    return found
