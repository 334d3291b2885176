"""`make image-test`: what `astro dev parse` and `astro dev pytest` run, inside the image.

On the Astro Runtime where it is at hand or can be pulled; else on a stand-in with the same contract. Its name
and that of compose.py keep them out of `make test-all`: they take minutes, and need podman or docker.
"""

import os
import shlex
import subprocess

import pytest

from tests.images import engine


@pytest.fixture(scope="module")
def inside() -> list[str]:
    """The words that run a command in the image: one container without services and without a network."""
    program = engine.find(os.environ.get("ENGINE", ""))
    engine.build_image(program)
    return [program, "run", "--rm", "--network", "none", engine.IMAGE]


@pytest.mark.parametrize(
    "command",
    [
        ["pytest", ".astro/test_dag_integrity_default.py"],
        ["pytest", "tests/", *shlex.split(os.environ.get("ARGS", ""))],
    ],
    ids=["astro dev parse", "astro dev pytest"],
)
def test_the_image_passes(inside: list[str], command: list[str]) -> None:
    assert subprocess.run([*inside, *command], stdin=subprocess.DEVNULL).returncode == 0
