"""Packages of the ways that the project itself does not use, installed from locks when they are needed.

They lie in `.venv-make/benchmarks/`, so `make clean` removes them.
"""

import re
import sys
from functools import cache
from pathlib import Path

from services.local.bootstrap import VENV, find_uv, run_uv
from services.local.home import PROJECT

HOME = VENV / "benchmarks"
LOCKS = PROJECT / "benchmarks" / "requirements"


@cache
def dlt_python() -> Path:
    """An interpreter that has dlt, and nothing of this project."""
    python = HOME / "dlt" / "bin" / "python"
    uv, quiet = find_uv(), ["--quiet", "--python"]
    run_uv(uv, ["venv", "--allow-existing", *quiet, sys.executable, str(HOME / "dlt")])
    run_uv(uv, ["pip", "sync", "--require-hashes", *quiet, str(python), str(LOCKS / "dlt.lock")])
    return python


@cache
def seed_packages() -> Path:
    """A folder with pandas, for PYTHONPATH: the project's interpreter has none."""
    where = ["--python", sys.executable, "--target", str(HOME / "seed")]
    lock = ["--require-hashes", "-r", str(LOCKS / "seed.lock")]
    run_uv(find_uv(), ["pip", "install", "--quiet", *where, *lock])
    return HOME / "seed"


def versions() -> dict[str, str]:
    """Of what is compared with."""
    locks = "".join(lock.read_text() for lock in LOCKS.glob("*.lock"))
    return dict(re.findall(r"^(dlt|pandas)==(\S+)", locks, re.MULTILINE))
