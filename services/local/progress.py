"""What a user sees while a run goes on: a live line in a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING, Any

from rich.console import Console

if TYPE_CHECKING:
    from types import TracebackType

# A plain line at least this often, so that a long wait never looks like a hang (seconds).
QUIET = 10


class Progress:
    """Give `say` what happens; a text that begins with "…" is a state of waiting, shown on the live line."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(highlight=False, soft_wrap=True)
        self._status = self.console.status("") if self.console.is_terminal else None
        self._started = self._last = time.monotonic()
        self._shown = ""

    def __enter__(self) -> Progress:
        if self._status:
            self._status.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._status:
            self._status.stop()

    def say(self, text: str) -> None:
        now = time.monotonic()
        stamp = f"{now - self._started:6.1f} s  "
        if not text.startswith("…"):
            self.console.print(stamp + text, markup=False)
            self._last, self._shown = now, text
        elif self._status:
            self._status.update(f"{stamp}{text}")
        elif now - self._last >= QUIET:
            self.console.print(stamp + text, markup=False)
            self._last = now

    def watch(self, instances: list[dict[str, Any]]) -> None:
        """Tell how far the tasks of a run are: one entry a task, mapped ones counted by their state."""
        text = states(instances)
        if text == self._shown:
            self.say(f"… {text}")
        elif self._status:
            self._shown = text
            self._status.update(f"{time.monotonic() - self._started:6.1f} s  {text}")
        else:
            self.say(text)


def states(instances: list[dict[str, Any]]) -> str:
    """For example `count ✓  plan ✓  copy 2/4 ✓, 2 running  (2 waiting)`, in the order of their starts."""
    order: dict[str, Counter[str]] = {}
    for instance in sorted(instances, key=lambda each: (each["start_date"] or "9999", each["task_id"])):
        order.setdefault(instance["task_id"], Counter())[instance["state"] or "waiting"] += 1
    waiting = [task for task, counts in order.items() if set(counts) == {"waiting"}]
    begun = [f"{task} {_task_state(counts)}" for task, counts in order.items() if task not in waiting]
    return "  ".join([*begun, *([f"({len(waiting)} waiting)"] if waiting else [])]) or "queued"


def _task_state(counts: Counter[str]) -> str:
    total = counts.total()
    done = counts.pop("success", 0)
    if done == total:
        return f"✓ {total}" if total > 1 else "✓"
    rest = ", ".join(f"{count} {state}" if total > 1 else state for state, count in sorted(counts.items()))
    return f"{done}/{total} ✓, {rest}" if total > 1 else rest
