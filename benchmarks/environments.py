"""Packages of the ways that the project itself does not use, installed from locks into `.venv-make`."""

import re
import sys

from services.local.bootstrap import VENV, BootstrapError, find_uv, run_uv
from services.local.errors import StackError
from services.local.home import PROJECT

LOCKS = PROJECT / "benchmarks" / "requirements"
DLT_PYTHON = VENV / "benchmarks" / "dlt" / "bin" / "python"  # has dlt, and nothing of this project
SEED_PACKAGES = VENV / "benchmarks" / "seed"  # pandas, for PYTHONPATH: the project's interpreter has none


def install() -> dict[str, str]:
    """Install what is missing; returns the versions of dlt and pandas. Raises StackError."""
    target, quiet = ["--target", str(SEED_PACKAGES)], ["--quiet", "--python"]
    try:
        uv = find_uv()
        run_uv(uv, ["venv", "--allow-existing", *quiet, sys.executable, str(DLT_PYTHON.parents[1])])
        run_uv(uv, ["pip", "sync", *quiet, str(DLT_PYTHON), "--require-hashes", str(LOCKS / "dlt.lock")])
        lock = ["--require-hashes", "-r", str(LOCKS / "seed.lock")]
        run_uv(uv, ["pip", "install", *quiet, sys.executable, *target, *lock])
    except BootstrapError as error:
        raise StackError(str(error)) from error
    locks = "".join(lock.read_text() for lock in LOCKS.glob("*.lock"))
    return dict(re.findall(r"^(dlt|pandas)==(\S+)", locks, re.MULTILINE))
