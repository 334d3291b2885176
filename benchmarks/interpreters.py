"""Interpreters for the ways that the project itself does not use: made when they are needed, from locks.

They lie in `.venv-make/benchmarks/`, so `make clean` removes them.
"""

from __future__ import annotations

import os
import shutil
import sys
from hashlib import sha256
from pathlib import Path

from benchmarks.machine import NotMeasurable
from services.local.bootstrap import VENV, BootstrapError, find_uv, run_uv
from services.local.home import PROJECT

LOCKS = PROJECT / "benchmarks" / "requirements"
HOME = VENV / "benchmarks"


def dlt_python() -> Path:
    """The interpreter that has dlt, and nothing of this project."""
    folder = HOME / "dlt"
    python = folder / "bin" / "python"
    if not _is_made(folder, "dlt"):
        _uv("venv", "--quiet", "--python", sys.executable, str(folder))
        _uv("pip", "sync", "--quiet", "--require-hashes", "--python", str(python), _lock("dlt"))
        _stamp(folder, "dlt")
    return python


def seed_packages() -> Path:
    """A folder with pandas, for PYTHONPATH: the project's interpreter has none and shall have none."""
    folder = HOME / "seed"
    if not _is_made(folder, "seed"):
        where = ["--python", sys.executable, "--target", str(folder)]
        _uv("pip", "install", "--quiet", "--require-hashes", *where, "-r", _lock("seed"))
        _stamp(folder, "seed")
    return folder


def _uv(*arguments: str) -> None:
    try:
        run_uv(find_uv(), [*arguments])
    except BootstrapError as error:
        raise NotMeasurable(str(error)) from error


def _lock(name: str) -> str:
    return str(LOCKS / f"{name}.lock")


def _is_made(folder: Path, name: str) -> bool:
    """Whether the folder is there, of this lock; one that is not is removed."""
    stamp = folder / ".installed"
    if stamp.exists() and stamp.read_text() == _content(name):
        return True
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    return False


def _stamp(folder: Path, name: str) -> None:
    (folder / ".installed").write_text(_content(name))


def _content(name: str) -> str:
    python = os.path.realpath(sys.executable)
    return f"{sha256(Path(_lock(name)).read_bytes()).hexdigest()} {python}"
