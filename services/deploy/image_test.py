"""`make image-test`: builds the image, and runs in it what `astro dev parse` and `astro dev pytest` run.

On the Astro Runtime where that can be had; else on a stand-in with the same contract (stand_in/Dockerfile).
"""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

from services.deploy.containers import Engine, Unavailable
from services.local.bootstrap import index_of_pip
from services.local.errors import StackError
from services.local.home import PROJECT

IMAGE = "localhost/wildfire-lake-test"
STAND_IN = "localhost/wildfire-lake-runtime-stand-in"
STAND_IN_FILES = Path(__file__).parent / "stand_in"
# Has Debian, pip and the Python that the Dockerfile's tag names.
BASE = "python:3.12.12-slim-bookworm"
HOME = "/usr/local/airflow"
# The CLI copies these into its container, over those of the image.
COPIED = ("dags", "tests", "plugins", "include", ".astro")
PARSE = ".astro/test_dag_integrity_default.py"


def image_test(engine: str, base: str, arguments: list[str]) -> int:
    """Exit status of pytest inside the image; `arguments` are given to it."""
    containers = Engine.find(engine)
    build(containers, base)
    folders = [PROJECT / name for name in COPIED if (PROJECT / name).is_dir()]
    for title, command in (
        ("astro dev parse", ["pytest", PARSE]),
        ("astro dev pytest", ["pytest", "tests/", *arguments]),
    ):
        say(f"As `{title}` does: {' '.join(command)}")
        status = containers.run_inside(IMAGE, command, folders, HOME)
        if status != 0:
            say(f"`{' '.join(command)}` failed inside the image (exit status {status}).")
            return status
    say(
        "The tests pass inside the image. It stays, so that the next time is quick; "
        f"to remove it: {containers.program} rmi {IMAGE}"
    )
    return 0


def say(text: str) -> None:
    print(f"── {text}", flush=True)


def build(containers: Engine, base: str) -> None:
    """Build the project's image on the runtime, or on a stand-in for it."""
    dockerfile = (PROJECT / "Dockerfile").read_text()
    runtime = runtime_of(dockerfile)
    index = {name: url for url in index_of_pip().values() for name in ("UV_DEFAULT_INDEX", "PIP_INDEX_URL")}
    if not base and (containers.has(runtime) or pulled(containers, runtime)):
        say(f"Building the image on the Astro Runtime, {runtime}")
        containers.build(IMAGE, PROJECT / "Dockerfile", PROJECT, {})
        return
    base = base or BASE
    if not (containers.has(base) or pulled(containers, base)):
        raise Unavailable(
            f"Neither the runtime's image ({runtime}) nor one to put in its place ({base})\n"
            "is on this machine, and none can be pulled. Load one, or name another with Debian and Python:\n"
            "make image-test BASE=<image>"
        )
    say(f"{runtime} cannot be had: building a stand-in for it on {base}")
    with tempfile.TemporaryDirectory() as folder:
        context = Path(folder)
        (context / "pip-constraints.txt").write_text(constraints())
        (context / "uv.txt").write_text((PROJECT / "requirements" / "bootstrap.lock").read_text())
        arguments = {"BASE": base, "AIRFLOW": airflow_version(), **index}
        containers.build(STAND_IN, STAND_IN_FILES / "Dockerfile", context, arguments)
        say("Building the project's image on the stand-in")
        on_stand_in = context / "Dockerfile"
        on_stand_in.write_text(dockerfile.replace(runtime, STAND_IN))
        containers.build(IMAGE, on_stand_in, PROJECT, index)


def pulled(containers: Engine, image: str) -> bool:
    say(f"{image} is not on this machine: pulling it")
    return containers.pull(image)


def runtime_of(dockerfile: str) -> str:
    """The image of the first FROM, where the Astro CLI looks for the runtime."""
    found = re.search(r"^\s*FROM\s+(?:--\S+\s+)*(\S+)", dockerfile, re.IGNORECASE | re.MULTILINE)
    if found is None:
        raise StackError("The Dockerfile has no FROM.")
    return found[1]


def constraints() -> str:
    """name==version of every locked package, as the runtime pins them in /etc/pip-constraints.txt."""
    lock = (PROJECT / "requirements" / "test.lock").read_text()
    return "\n".join(re.findall(r"^([a-z0-9][^\\\n]*==[^\\\n]*?)\s*\\?$", lock, re.MULTILINE)) + "\n"


def airflow_version() -> str:
    found = re.search(r"^apache-airflow==(\S+)", constraints(), re.MULTILINE)
    if found is None:
        raise StackError("requirements/test.lock has no apache-airflow: make lock")
    return found[1]
