"""One command's use of a stack: that of `make up`, or one that starts and stops with the command."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from services.local.errors import StackError
from services.local.home import Home, only_command
from services.local.ports import Ports
from services.local.progress import Progress
from services.local.sample_data import SampleData
from services.local.stack import Executor, Stack


@contextmanager
def session(
    command: str,
    executor: Executor | None = None,
    *,
    rows: int | None = None,
    full: bool = False,
    own_settings: Mapping[str, str] | None = None,
) -> Iterator[tuple[Stack, Progress]]:
    """A stack that is ready and serves so many rows, and where to report.

    `executor=None` takes any that is up. With `own_settings`, variables of Airflow, no other stack will do.
    """
    home = Home.from_environment()
    home.prepare()
    with only_command(home, command), Progress() as progress:
        stack = Stack.running(home, progress.say)
        if stack is not None and own_settings:
            raise StackError(f"`make {command}` needs a stack of its own. Stop the one that is up: make down")
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
