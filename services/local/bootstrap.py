"""Make `.venv-make` from a lock file with the standard library alone: it runs before anything is installed.

    bootstrap.py run     the packages of requirements/run.lock
    bootstrap.py test    those of requirements/test.lock, which has all of run.lock too
    bootstrap.py report  those of test.lock, and the report's own interpreters, .venv-astro-sdk and .venv-dbt
    bootstrap.py lock    compile the locks anew from their *.in (--upgrade: to the newest versions)

uv does the work. pip brings it, into a folder of its own, so an externally managed Python is left as it is.
"""

from __future__ import annotations

import fcntl
import json
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
STAMP = VENV / ".installed"
PIP_OPTIONS = ["--quiet", "--no-input", "--disable-pip-version-check", "--require-hashes"]
# Interpreters beside Airflow's: what they hold cannot be installed together with it. Their locks lie with the
# code that they run, since the image carries these and not requirements/.
INTERPRETERS = {
    ".venv-astro-sdk": PROJECT / "include" / "astro_sdk" / "requirements.lock",
    ".venv-dbt": PROJECT / "include" / "dbt" / "requirements.lock",
}
# pandas 2.1, which the Astro SDK needs, has no wheels for newer Pythons.
INTERPRETER_PYTHONS = [(3, 12), (3, 11)]
COMPILE = ["pip", "compile", "--quiet", "--universal", "--python-version", "3.11", "--generate-hashes"]
COMPILE += ["--no-emit-index-url", "--no-emit-find-links", "--custom-compile-command", "make lock"]


class BootstrapError(Exception):
    """Its text is for the user."""


def main(arguments: list[str]) -> int:
    wanted, *options = arguments
    try:
        VENV.mkdir(exist_ok=True)
        # Not ".lock": uv waits five minutes for that one.
        with (VENV / ".bootstrap.lock").open("w") as lock:
            wait_for(lock)
            if wanted == "lock":
                compile_locks(find_uv(), options)
            else:
                packages = "test" if wanted == "report" else wanted
                if not is_installed(packages):
                    install(packages)
                if wanted == "report":
                    install_interpreters()
    except BootstrapError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(
            f"\nCannot make {VENV}: {error.strerror}. Is the disk full, or the folder not yours?",
            file=sys.stderr,
        )
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted. The next command goes on from here.", file=sys.stderr)
        return 130
    return 0


def wait_for(lock: object) -> None:
    """One installation at a time; the kernel drops the lock with its process, however that ends."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        say("Waiting for another command that installs packages here")
        fcntl.flock(lock, fcntl.LOCK_EX)


def say(text: str) -> None:
    print(text, flush=True)


def stamp_of(name: str) -> dict[str, str]:
    """What an installation of the lock is recognised by; the lock's comments do not count."""
    lines = (LOCKS / f"{name}.lock").read_text().splitlines()
    content = "\n".join(line for line in lines if not line.lstrip().startswith("#"))
    return {"lock": name, "sha256": sha256(content.encode()).hexdigest()}


def is_installed(wanted: str) -> bool:
    """Whether the last finished installation has what is wanted; test.lock has all of run.lock."""
    if not os.access(VENV / "bin" / "python", os.X_OK):
        return False
    try:
        stamp = json.loads(STAMP.read_text())
    except (OSError, ValueError):
        return False
    return stamp in ([stamp_of(wanted), stamp_of("test")] if wanted == "run" else [stamp_of(wanted)])


def install(wanted: str) -> None:
    say(f"Installing Python packages into .venv-make (requirements/{wanted}.lock); this is done once")
    uv = find_uv()
    STAMP.unlink(missing_ok=True)
    if not os.access(VENV / "bin" / "python", os.X_OK):
        # --allow-existing: uv itself is in there.
        run_uv(uv, ["venv", "--quiet", "--allow-existing", "--python", sys.executable, str(VENV)])
    lock = LOCKS / f"{wanted}.lock"
    python = str(VENV / "bin" / "python")
    quiet = [] if sys.stderr.isatty() else ["--quiet"]
    run_uv(uv, ["pip", "sync", *quiet, "--require-hashes", "--python", python, str(lock)])
    STAMP.write_text(json.dumps(stamp_of(wanted)))


def install_interpreters() -> None:
    """Make the report's own interpreters where they are missing or of an older lock."""
    for name, lock in INTERPRETERS.items():
        folder = PROJECT / name
        stamp = folder / ".installed"
        digest = sha256(lock.read_bytes()).hexdigest()
        if stamp.exists() and stamp.read_text() == digest and os.access(folder / "bin" / "python", os.X_OK):
            continue
        say(f"Installing {name} ({lock.relative_to(PROJECT)}); this is done once")
        shutil.rmtree(folder, ignore_errors=True)
        uv = find_uv()
        run_uv(uv, ["venv", "--quiet", "--python", interpreter_python(), str(folder)])
        python = str(folder / "bin" / "python")
        run_uv(uv, ["pip", "sync", "--quiet", "--require-hashes", "--python", python, str(lock)])
        stamp.write_text(digest)


def interpreter_python() -> str:
    """A Python that the Astro SDK runs on: this one, or one on PATH."""
    if sys.version_info[:2] in INTERPRETER_PYTHONS:
        return sys.executable
    for major, minor in INTERPRETER_PYTHONS:
        if found := shutil.which(f"python{major}.{minor}"):
            return found
    raise BootstrapError(
        "The report loads with astro-sdk-python, which runs on Python 3.11 and 3.12 alone, and neither is on "
        f"PATH (this is {sys.version_info[0]}.{sys.version_info[1]}). Install one of them, or name it: "
        "make PYTHON=/path/to/python3.12 … The copies, `make run`, need neither."
    )


def run_uv(uv: str, arguments: list[str]) -> None:
    environment = {**os.environ, "UV_PYTHON_DOWNLOADS": "never", "UV_NO_CONFIG": "1", **index_of_pip()}
    environment.pop("VIRTUAL_ENV", None)
    if subprocess.run([uv, *arguments], env=environment, cwd=PROJECT, check=False).returncode != 0:
        raise BootstrapError(
            "The packages could not be installed; the lines above say why. "
            "Check the network and the space on the disk, then repeat the command."
        )


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
    wanted = LOCKS / "bootstrap.lock"
    program = UV_HOME / "bin" / "uv"
    stamp = UV_HOME / ".installed"
    digest = sha256(wanted.read_bytes()).hexdigest()
    if program.exists() and stamp.exists() and stamp.read_text() == digest:
        return str(program)
    shutil.rmtree(UV_HOME, ignore_errors=True)
    trouble = []
    for attempt in (with_pip, with_venv):
        done = attempt(wanted)
        if done.returncode == 0 and program.exists():
            stamp.write_text(digest)
            return str(program)
        trouble.append(f"  {' '.join(done.args[:3])}: {(done.stderr or done.stdout).strip()[-400:]}")
        shutil.rmtree(UV_HOME, ignore_errors=True)
    on_path = shutil.which("uv")
    if on_path is None:
        raise BootstrapError(
            f"uv, which installs the packages, could not be had through {sys.executable}:\n"
            + "\n".join(trouble)
            + "\nInstall pip (Debian, Ubuntu: apt install python3-pip) or uv, check the network, "
            "and repeat the command; or name another Python: make PYTHON=/path/to/python3 …"
        )
    return on_path


def with_pip(wanted: Path) -> subprocess.CompletedProcess[str]:
    """Into a folder: allowed on an externally managed Python too, and nothing of it is changed."""
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--target",
        str(UV_HOME),
        *PIP_OPTIONS,
        "-r",
        str(wanted),
    ]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def with_venv(wanted: Path) -> subprocess.CompletedProcess[str]:
    made = subprocess.run(
        [sys.executable, "-m", "venv", str(UV_HOME)], capture_output=True, text=True, check=False
    )
    if made.returncode != 0:
        return made
    command = [str(UV_HOME / "bin" / "python"), "-m", "pip", "install", *PIP_OPTIONS, "-r", str(wanted)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def compile_locks(uv: str, options: list[str]) -> None:
    """test.lock first: run.lock takes its versions, so the two can never disagree."""
    os.chdir(PROJECT)
    say("Compiling requirements/*.lock and those of include/ and benchmarks/")
    for name, constraint in (("bootstrap", []), ("test", []), ("run", ["-c", "requirements/test.lock"])):
        again = options if name != "run" else []
        output = ["-o", f"requirements/{name}.lock", f"requirements/{name}.in"]
        run_uv(uv, [*COMPILE, *again, *constraint, *output])
    others = [lock.with_suffix(".in") for lock in INTERPRETERS.values()]
    for source in [*others, *sorted(PROJECT.glob("benchmarks/requirements/*.in"))]:
        path = source.relative_to(PROJECT)
        run_uv(uv, [*COMPILE, *options, "-o", str(path.with_suffix(".lock")), str(path)])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
