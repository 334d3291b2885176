"""What copies import, imported once in the process that forks their tasks.

LocalExecutor forks its workers from the scheduler, Celery's worker forks its pool, and each of them forks a
process a task: what is loaded before the first fork, no task loads again. Nothing is loaded where none is
forked: in a parse, the API server, `airflow tasks test`, a Kubernetes pod.
"""

import importlib
import logging
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

log = logging.getLogger(__name__)

MODULES = (
    "airflow.providers.amazon.aws.utils.connection_wrapper",
    "airflow.providers.http.hooks.http",
    "airflow.providers.standard.operators.bash",
    "airflow.sdk.definitions.connection",
    "airflow.sdk.execution_time.cache",
    "airflow.sdk.execution_time.supervisor",
    "airflow.sdk.execution_time.task_runner",
    "include.lake",
    "include.tasks.connections",
    "include.transfer.commit.owner",
    "include.transfer.run",
    "include.transfer.source.endpoint",
    "include.transfer.source.logins",
    "include.transfer.store.client",
    "minio",
)

Stamps = dict[str, tuple[int, ...] | None]  # file → what changes with its content


def register(argv: Sequence[str] = sys.argv) -> bool:
    """Preload before this process forks for the first time, if tasks are forked from it. Returns whether.

    Not at once: Airflow calls this while it reads its settings. On a Mac each task is a new interpreter.
    """
    command = list(argv[1:3])
    if sys.platform == "darwin" or not (command[:1] == ["scheduler"] or command == ["celery", "worker"]):
        return False
    needed: Callable[[], bool] = _has_local_executor if command[0] == "scheduler" else lambda: True
    preloaded = Preloaded(MODULES, needed)
    os.register_at_fork(before=preloaded.load, after_in_child=preloaded.forget_changed)
    return True


def _has_local_executor() -> bool:
    """Whether this scheduler runs tasks itself, alone or beside other executors."""
    from airflow.executors.executor_loader import ExecutorLoader

    names = ExecutorLoader.get_executor_names(validate_teams=False)
    return any(name.module_path.endswith(".LocalExecutor") for name in names)


class Preloaded:
    """Modules that are imported once, of which those of the project's package follow their files."""

    def __init__(
        self,
        modules: Sequence[str],
        needed: Callable[[], bool] = lambda: True,
        package: Path = Path(__file__).parents[1],
    ) -> None:
        self._modules, self._needed, self._package = modules, needed, package
        self._loaded: Stamps | None = None

    def load(self) -> None:
        """Import them, once. What cannot be imported is left to the tasks, which then say what is wrong."""
        if self._loaded is not None:
            return
        self._loaded = {}
        try:
            if self._needed():
                # A file that is replaced meanwhile counts as changed.
                before = {str(file): _stamp(file) for file in self._package.rglob("*.py")}
                for name in self._modules:
                    _import(name)
                files = (getattr(sys.modules[name], "__file__", None) for name in self._own())
                self._loaded = {file: before.get(file) for file in files if file}
        except Exception:
            log.warning("Nothing is preloaded: each copy imports what it needs", exc_info=True)

    def forget_changed(self) -> None:
        """In a forked process: let a deploy reach its tasks, though what forked it has loaded older files."""
        if self._loaded and any(_stamp(Path(file)) != stamp for file, stamp in self._loaded.items()):
            for name in self._own():
                del sys.modules[name]

    def _own(self) -> list[str]:
        return [name for name in sys.modules if name.partition(".")[0] == self._package.name]


def _import(name: str) -> None:
    try:
        importlib.import_module(name)
    except Exception:
        log.warning("%s cannot be preloaded: each copy imports it", name, exc_info=True)


def _stamp(file: Path) -> tuple[int, ...] | None:
    """What changes with a file's content; None: it is gone."""
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
