"""One command's use of a stack: that of `make up`, or one that starts and stops with the command."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from services.local.home import Home, only_command, read_json
from services.local.ports import Ports
from services.local.progress import Progress
from services.local.sample_data import FULL, SampleData, ask_to_replace
from services.local.stack import Executor, Stack


@contextmanager
def session(
    command: str,
    executor: Executor | None = None,
    *,
    rows: int | None = None,
    full: bool = False,
    replace: bool = False,
    own_settings: Mapping[str, str] | None = None,
) -> Iterator[tuple[Stack, Progress]]:
    """A stack that is ready and serves so many rows, and where to report.

    `executor=None` takes any that is up. `own_settings`: variables of Airflow for one that is started.
    `replace`: do not ask before rows that took minutes are replaced.
    """
    home = Home.from_environment()
    home.prepare()
    if not full or "file" not in read_json(home.root / "data.json"):
        ask_to_replace(home, FULL if full else rows, replace=replace)
    with only_command(home, command), Progress() as progress:
        stack = Stack.running(home, progress.say)
        if stack is not None:
            stack.require("up", executor)
            progress.say("Using the stack that `make up` started; it stays up.")
            if _choose_rows(stack, rows, full):
                stack.supervisor.restart("api")
            yield stack, progress
            return
        ports = Ports.from_environment(os.environ)
        stack = Stack(home, ports, own_settings, executor=executor or "LocalExecutor", report=progress.say)
        try:
            _choose_rows(stack, rows, full)
            stack.start()
            yield stack, progress
        finally:
            progress.say("… stopping")
            stack.stop()
            progress.say("The stack is stopped.")


def _choose_rows(stack: Stack, rows: int | None, full: bool) -> bool:
    """Whether the API has other rows now than before."""
    data = SampleData(stack.home, stack.environment(), stack.report)
    return data.generate(rows) if rows is not None else full and data.ensure_full()
