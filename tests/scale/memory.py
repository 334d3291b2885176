"""Resident memory of a stack's servers during a run: the largest, and whether it grows."""

import threading
from statistics import median
from typing import NamedTuple

import psutil

from services.local.stack import Stack

GROWTH, GROWTH_MB = 1.25, 50  # from the first third of a run to the last; who passes both has grown
SECONDS, JUDGED_SECONDS = 2, 60  # a shorter run begins before its servers have settled


class Sizes(NamedTuple):
    """In MB: the medians of a run's first and last third, and its largest; and how long it was looked at."""

    first: float
    last: float
    largest: float
    seconds: float

    @property
    def grew(self) -> bool:
        grown = self.last > self.first * GROWTH and self.last - self.first > GROWTH_MB
        return grown and self.seconds >= JUDGED_SECONDS


class Memory:
    """Looks at the stack's programs every other second while it is open, from a thread."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.seen: dict[str, list[float]] = {}
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "Memory":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    def _run(self) -> None:
        ended = False
        while not ended:
            for name, info in self.stack.supervisor.states().items():
                try:
                    size = psutil.Process(info["pid"]).memory_info().rss / 1e6
                except psutil.Error:
                    continue
                self.seen.setdefault(name, []).append(size)
            ended = self._end.wait(SECONDS)

    def sizes(self) -> dict[str, Sizes]:
        found = {}
        for name, seen in self.seen.items():
            third = max(1, len(seen) // 3)
            found[name] = Sizes(median(seen[:third]), median(seen[-third:]), max(seen), len(seen) * SECONDS)
        return found
