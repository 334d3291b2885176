"""The project's own files, for the tests that read them."""

import shutil
import subprocess
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import pytest

PROJECT = Path(__file__).parent.parent

needs_the_repository = pytest.mark.skipif(
    not (PROJECT / "services").is_dir(),
    reason="the Astro image carries neither services/ nor the files that only a developer's machine reads",
)


@cache
def repository_files() -> list[Path]:
    """Paths, relative to the project's root, of what is or would be in the repository: not ignored files."""
    if shutil.which("git") is None or not (PROJECT / ".git").exists():
        pytest.skip("needs git and a clone", allow_module_level=True)
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=PROJECT, check=True, capture_output=True, text=True).stdout
    return sorted(Path(name) for name in listed.split("\0") if name and (PROJECT / name).is_file())


def image_files(names: Iterable[str]) -> list[str]:
    """Those of the files that go into the image: Docker's patterns are git's that begin at the root."""
    from pathspec import GitIgnoreSpec

    lines = (PROJECT / ".dockerignore").read_text().splitlines()
    anchored = [line if line.startswith(("#", "**", "!")) else f"/{line}" for line in lines if line]
    return list(GitIgnoreSpec.from_lines(anchored).match_files(names, negate=True))
