"""How much memory the processes of a stack take while something runs, sampled from outside."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from types import TracebackType

_SECONDS = 0.25


class Watched:
    """`with Watched(pid) as watched: …`, then `watched.peak(start, end)`: of the processes below `pid`."""

    def __init__(self, pid: int) -> None:
        self._root = psutil.Process(pid)
        self._samples: list[tuple[float, float]] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Watched:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()

    def peak(self, start: float, end: float) -> float:
        """Resident bytes of the largest single process between two moments (seconds since the epoch)."""
        return max((rss for moment, rss in self._samples if start <= moment <= end), default=0.0)

    def _watch(self) -> None:
        while not self._ended.wait(_SECONDS):
            self._samples.append((time.time(), self._largest()))

    def _largest(self) -> float:
        largest = 0.0
        try:
            children = self._root.children(recursive=True)
        except psutil.Error:
            return largest
        for process in children:
            try:
                largest = max(largest, float(process.memory_info().rss))
            except psutil.Error:  # it has just ended
                continue
        return largest
