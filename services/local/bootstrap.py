"""Make `.venv-make` from a lock file with the standard library alone: it runs before anything is installed.

    bootstrap.py run     the packages of requirements/run.lock
    bootstrap.py test    those of requirements/test.lock, which has all of run.lock too
    bootstrap.py report  those of test.lock, and the report's own interpreters, .venv-astro-sdk and .venv-dbt;
                         without the first where no Python 3.11 or 3.12 is to be had
    bootstrap.py docs    those of docs/requirements.lock alone, into .venv-docs
    bootstrap.py lock    compile the locks anew from their *.in (--upgrade: to the newest versions)

uv does the work. pip brings it, into a folder of its own, so an externally managed Python is left as it is.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
LOCKS = PROJECT / "requirements"
# Not ".venv": `astro dev start --standalone` makes that anew, of another Python, while `make services` runs.
VENV = PROJECT / ".venv-make"
UV_HOME = VENV / ".uv"
PIP_INSTALL = ["pip", "install", "--quiet", "--no-input", "--disable-pip-version-check", "--require-hashes"]
# Interpreters beside Airflow's: what they hold cannot be installed together with it. Their locks lie with the
# code that they run, since the image carries these and not requirements/.
DBT, DBT_LOCK = PROJECT / ".venv-dbt", PROJECT / "include" / "dbt" / "requirements.lock"
DOCS, DOCS_LOCK = PROJECT / ".venv-docs", PROJECT / "docs" / "requirements.lock"
SDK, SDK_LOCK = PROJECT / ".venv-astro-sdk", PROJECT / "include" / "astro_sdk" / "requirements.lock"
# pandas 2.1, which the Astro SDK needs, has no wheels for newer Pythons.
SDK_PYTHONS = ">=3.11,<3.13"
COMPILE = ["pip", "compile", "--quiet", "--universal", "--python-version", "3.11", "--generate-hashes"]
COMPILE += ["--no-emit-index-url", "--no-emit-find-links", "--custom-compile-command", "make lock"]


class BootstrapError(Exception):
    """Its text is for the user."""


def main(arguments: list[str]) -> int:
    wanted, *options = arguments
    try:
        VENV.mkdir(exist_ok=True)
        # Not ".lock": uv waits five minutes for that one. The kernel drops ours with its process.
        with (VENV / ".bootstrap.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if wanted == "lock":
                compile_locks(find_uv(), options)
                return 0
            if wanted == "docs":
                install(DOCS, DOCS_LOCK, sys.executable)
                return 0
            # test.lock has all of run.lock.
            if wanted != "run" or stamp_of(LOCKS / "test.lock") != installed_in(VENV):
                install(VENV, LOCKS / ("run.lock" if wanted == "run" else "test.lock"), sys.executable)
            if wanted == "report":
                install(DBT, DBT_LOCK, sys.executable)
                install_sdk()
    except BootstrapError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"\nCannot make {VENV}: {error}. Is the disk full, or the folder not yours?", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted. The next command goes on from here.", file=sys.stderr)
        return 130
    return 0


def stamp_of(lock: Path) -> str:
    """What an installation of the lock is recognised by; the lock's comments do not count."""
    lines = (line for line in lock.read_text().splitlines() if not line.lstrip().startswith("#"))
    return sha256("\n".join(lines).encode()).hexdigest()


def installed_in(folder: Path) -> str | None:
    """The stamp of the lock whose installation was finished there."""
    usable = os.access(folder / "bin" / "python", os.X_OK) and (folder / ".installed").exists()
    return (folder / ".installed").read_text() if usable else None


def install(folder: Path, lock: Path, python: str) -> None:
    """Make the folder an environment that holds the lock's packages alone, unless it is that already."""
    if installed_in(folder) == stamp_of(lock):
        return
    print(
        f"Installing {lock.relative_to(PROJECT)} into {folder.name}; this is done once and can take a minute",
        flush=True,
    )
    uv = find_uv()
    (folder / ".installed").unlink(missing_ok=True)
    if not os.access(folder / "bin" / "python", os.X_OK):
        # --allow-existing: .venv-make holds uv itself.
        run_uv(uv, ["venv", "--quiet", "--allow-existing", "--python", python, str(folder)])
    into = ["--python", str(folder / "bin" / "python")]
    run_uv(uv, ["pip", "sync", "--quiet", "--require-hashes", *into, str(lock)])
    (folder / ".installed").write_text(stamp_of(lock))


def install_sdk() -> None:
    """Make the Astro SDK's interpreter, or say why the report cannot load here: all else works without it."""
    if installed_in(SDK) == stamp_of(SDK_LOCK):
        return
    if (3, 11) <= sys.version_info[:2] < (3, 13) or another_python(find_uv()):
        install(SDK, SDK_LOCK, sys.executable)
    else:
        print(
            "Left out: the report's load. It needs Python 3.11 or 3.12, and neither is on PATH (this is "
            f"{sys.version_info[0]}.{sys.version_info[1]}). Install one of them and repeat the command.",
            flush=True,
        )


def another_python(uv: str) -> bool:
    """Whether the SDK's folder has a Python that it runs on: uv finds one, or fetches it where it can.

    uv skips what does not run: a version manager leaves programs for versions that are not there.
    """
    environment = {**uv_environment(), "UV_PYTHON_DOWNLOADS": "automatic", "UV_HTTP_RETRIES": "0"}
    make = [uv, "venv", "--quiet", "--allow-existing", "--python", SDK_PYTHONS, str(SDK)]
    return subprocess.run(make, env=environment, capture_output=True, check=False).returncode == 0


def run_uv(uv: str, arguments: list[str]) -> None:
    if subprocess.run([uv, *arguments], env=uv_environment(), cwd=PROJECT, check=False).returncode != 0:
        raise BootstrapError(
            "Could not install the packages; the lines above say why. "
            "Check the network and the space on the disk, then repeat the command."
        )


def uv_environment() -> dict[str, str]:
    """This process's environment without what would steer uv elsewhere."""
    environment = {**os.environ, "UV_PYTHON_DOWNLOADS": "never", "UV_NO_CONFIG": "1", **index_of_pip()}
    environment.pop("VIRTUAL_ENV", None)
    return environment


def index_of_pip() -> dict[str, str]:
    """The package index that pip is configured to use: uv does not read pip's configuration."""
    if os.environ.get("UV_DEFAULT_INDEX") or os.environ.get("UV_INDEX_URL"):
        return {}
    ask = [sys.executable, "-m", "pip", "config", "get", "global.index-url"]
    url = (
        os.environ.get("PIP_INDEX_URL")
        or subprocess.run(ask, capture_output=True, text=True, check=False).stdout.strip()
    )
    return {"UV_DEFAULT_INDEX": url} if url else {}


def find_uv() -> str:
    """The locked uv, installed when it is missing; one on PATH where this Python has neither pip nor venv."""
    lock, program, stamp = LOCKS / "bootstrap.lock", UV_HOME / "bin" / "uv", UV_HOME / ".installed"
    if program.exists() and stamp.exists() and stamp.read_text() == stamp_of(lock):
        return str(program)
    python, packages = [sys.executable, "-m"], ["-r", str(lock)]
    # pip into a folder works on an externally managed Python too, and changes nothing of it.
    ways = [
        [[*python, *PIP_INSTALL, *packages, "--target", str(UV_HOME)]],
        [[*python, "venv", str(UV_HOME)], [f"{UV_HOME}/bin/python", "-m", *PIP_INSTALL, *packages]],
    ]
    failures = []
    for commands in ways:
        shutil.rmtree(UV_HOME, ignore_errors=True)
        failure = first_failure(commands)
        if not failure and program.exists():
            stamp.write_text(stamp_of(lock))
            return str(program)
        failures.append(failure)
    shutil.rmtree(UV_HOME, ignore_errors=True)
    if on_path := shutil.which("uv"):
        return on_path
    raise BootstrapError(
        f"Could not install uv, which installs the packages, with {sys.executable}:\n"
        + "\n".join(failures)
        + "\nInstall pip (Debian, Ubuntu: apt install python3-pip) or uv, check the network, "
        "and repeat the command; or name another Python: make PYTHON=/path/to/python3 …"
    )


def first_failure(commands: list[list[str]]) -> str:
    """Run one command after the other; what the first that fails says, or "" when none does."""
    for command in commands:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            return f"  {' '.join(command[:3])}: {(done.stderr or done.stdout).strip()[-400:]}"
    return ""


def compile_locks(uv: str, options: list[str]) -> None:
    """test.lock first: run.lock takes its versions, so the two can never disagree."""
    print("Compiling requirements/*.lock and those of include/, docs/ and benchmarks/", flush=True)
    run_uv(uv, [*COMPILE, *options, "-o", "requirements/bootstrap.lock", "requirements/bootstrap.in"])
    run_uv(uv, [*COMPILE, *options, "-o", "requirements/test.lock", "requirements/test.in"])
    same = ["-c", "requirements/test.lock"]
    run_uv(uv, [*COMPILE, *same, "-o", "requirements/run.lock", "requirements/run.in"])
    others = [lock.with_suffix(".in") for lock in (SDK_LOCK, DBT_LOCK, DOCS_LOCK)]
    for source in [*others, *sorted(PROJECT.glob("benchmarks/requirements/*.in"))]:
        path = source.relative_to(PROJECT)
        run_uv(uv, [*COMPILE, *options, "-o", str(path.with_suffix(".lock")), str(path)])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
