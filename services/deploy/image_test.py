"""`make image-test`: builds the image, and runs in it what `astro dev parse` and `astro dev pytest` run.

On the Astro Runtime where it is at hand or can be pulled; else on a stand-in with the same contract
(stand_in/Dockerfile).
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from services.local.bootstrap import index_of_pip
from services.local.errors import StackError
from services.local.home import PROJECT

IMAGE = "localhost/wildfire-lake-test"
STAND_IN = "localhost/wildfire-lake-runtime-stand-in"
STAND_IN_FILES = Path(__file__).parent / "stand_in"
# Has Debian, pip and the Python that the Dockerfile's tag names.
BASE = "python:3.12.12-slim-bookworm"
PARSE = ".astro/test_dag_integrity_default.py"


class Unavailable(StackError):
    """What this machine lacks for the command."""

    exit_status = 3


def image_test(
    engine: str = "", base: str = "", arguments: Annotated[list[str] | None, typer.Argument()] = None
) -> int:
    """Build the image and run the tests inside it, with these arguments of pytest."""
    program = find_engine(engine)
    build_image(program, base)
    for title, command in (
        ("astro dev parse", ["pytest", PARSE]),
        ("astro dev pytest", ["pytest", "tests/", *(arguments or [])]),
    ):
        say(f"As `{title}` does: {' '.join(command)}")
        run = [program, "run", "--rm", "--network", "none", IMAGE, *command]
        status = subprocess.run(run, check=False, stdin=subprocess.DEVNULL).returncode
        if status != 0:
            say(f"`{' '.join(command)}` failed inside the image (exit status {status}).")
            return status
    say(f"The tests pass inside the image. To remove it: {program} rmi {IMAGE}")
    return 0


def say(text: str) -> None:
    print(f"── {text}", flush=True)


def find_engine(wanted: str) -> str:
    """The path of the wanted program, or of the first of podman and docker that works; else Unavailable."""
    reasons = []
    for name in [wanted] if wanted else ["podman", "docker"]:
        program = shutil.which(name)
        if program is None:
            reasons.append(f"{name} is not installed")
            continue
        answer = _quiet(program, "info")
        if answer.returncode == 0:
            return program
        said = (answer.stderr or answer.stdout).strip().splitlines()
        reasons.append(f"{name} does not work: {said[-1] if said else 'no message'}")
    raise Unavailable(
        f"Cannot build an image here: {'; '.join(reasons)}. Install podman, or start Docker's engine."
    )


def build_image(program: str, base: str) -> None:
    """Build the project's image on the runtime, or on a stand-in for it."""
    dockerfile = PROJECT / "Dockerfile"
    runtime = runtime_of(dockerfile.read_text())
    index = index_arguments()
    if not base and at_hand(program, runtime):
        say(f"Building the image on the Astro Runtime, {runtime}")
        build(program, IMAGE, dockerfile, PROJECT, {})
        return
    base = base or BASE
    if not at_hand(program, base):
        raise Unavailable(
            f"Neither the runtime's image ({runtime}) nor one to replace it ({base})\n"
            "is on this machine or can be pulled. Load one, or name another with Debian and Python:\n"
            "make image-test BASE=<image>"
        )
    say(f"{runtime} is not available: building a stand-in for it on {base}")
    with tempfile.TemporaryDirectory() as folder:
        context = Path(folder)
        (context / "pip-constraints.txt").write_text(constraints())
        (context / "uv.txt").write_text((PROJECT / "requirements" / "bootstrap.lock").read_text())
        arguments = {"BASE": base, "AIRFLOW": airflow_version(), **index}
        build(program, STAND_IN, STAND_IN_FILES / "Dockerfile", context, arguments)
        say("Building the project's image on the stand-in")
        on_stand_in = context / "Dockerfile"
        on_stand_in.write_text(dockerfile.read_text().replace(runtime, STAND_IN))
        build(program, IMAGE, on_stand_in, PROJECT, index)


def index_arguments() -> dict[str, str]:
    """Build arguments that name the package index of this machine, where it has one of its own."""
    return {name: url for url in index_of_pip().values() for name in ("UV_DEFAULT_INDEX", "PIP_INDEX_URL")}


def at_hand(program: str, image: str) -> bool:
    """Whether the image is on this machine, or was pulled now."""
    if _quiet(program, "image", "inspect", image).returncode == 0:
        return True
    say(f"{image} is not on this machine: pulling it")
    return _quiet(program, "pull", image).returncode == 0


def build(program: str, tag: str, dockerfile: Path, context: Path, arguments: dict[str, str]) -> None:
    """Build one image; StackError when that fails."""
    # podman's own format does not know ONBUILD.
    form = ["--format", "docker"] if Path(program).name == "podman" else []
    options = [word for name, value in arguments.items() for word in ("--build-arg", f"{name}={value}")]
    command = [program, "build", *form, "--tag", tag, "--file", str(dockerfile), *options, str(context)]
    if subprocess.run(command, check=False, stdin=subprocess.DEVNULL).returncode != 0:
        raise StackError(f"Cannot build the image {tag}; the lines above say why.")


def _quiet(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False)


def runtime_of(dockerfile: str) -> str:
    """The image of the first FROM, where the Astro CLI looks for the runtime."""
    found = re.search(r"^\s*FROM\s+(?:--\S+\s+)*(\S+)", dockerfile, re.IGNORECASE | re.MULTILINE)
    if found is None:
        raise StackError("The Dockerfile has no FROM line.")
    return found[1]


def constraints() -> str:
    """name==version of every locked package, as the runtime pins them in /etc/pip-constraints.txt."""
    lock = (PROJECT / "requirements" / "test.lock").read_text()
    return "\n".join(re.findall(r"^([a-z0-9][^\\\n]*==[^\\\n]*?)\s*\\?$", lock, re.MULTILINE)) + "\n"


def airflow_version() -> str:
    found = re.search(r"^apache-airflow==(\S+)", constraints(), re.MULTILINE)
    if found is None:
        raise StackError("requirements/test.lock has no apache-airflow. Compile it: make lock")
    return found[1]
