"""podman or docker, whichever works here: the few of their commands that an image's test needs."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.local.errors import StackError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


class Unavailable(StackError):
    """What this machine lacks for the command; the command's exit status is 3."""

    exit_status = 3


@dataclass(frozen=True)
class Engine:
    """A program that builds and runs images."""

    program: str

    @classmethod
    def find(cls, wanted: str = "") -> Engine:
        """The first that answers of podman and docker, or the wanted one."""
        reasons = []
        for name in [wanted] if wanted else ["podman", "docker"]:
            program = shutil.which(name)
            if program is None:
                reasons.append(f"{name} is not installed")
                continue
            engine = cls(program)
            answer = engine._quiet("info")
            if answer.returncode == 0:
                return engine
            said = (answer.stderr or answer.stdout).strip().splitlines()
            reasons.append(f"{name} does not work: {said[-1] if said else 'it says nothing'}")
        raise Unavailable(
            f"No image can be built here: {'; '.join(reasons)}. Install podman, or start Docker's engine."
        )

    def has(self, image: str) -> bool:
        return self._quiet("image", "inspect", image).returncode == 0

    def pull(self, image: str) -> bool:
        return self._quiet("pull", image).returncode == 0

    def build(self, tag: str, dockerfile: Path, context: Path, arguments: dict[str, str]) -> None:
        """Build an image, showing how; StackError when that fails."""
        # podman's own format knows no ONBUILD.
        form = ["--format", "docker"] if "podman" in os.path.basename(self.program) else []  # noqa: PTH119
        options = [word for name, value in arguments.items() for word in ("--build-arg", f"{name}={value}")]
        command = ["build", *form, "--tag", tag, "--file", str(dockerfile), *options, str(context)]
        if self._shown(*command) != 0:
            raise StackError(f"The image {tag} could not be built: see above.")

    def run_inside(self, image: str, command: list[str], folders: Iterable[Path], home: str) -> int:
        """Exit status of a command in a new container without a network; the folders lie over the image's."""
        name = f"wildfire-lake-test-{os.getpid()}"
        try:
            if self._shown("create", "--name", name, "--network", "none", image, *command) != 0:
                raise StackError(f"No container of {image} could be made: see above.")
            for folder in folders:
                if self._shown("cp", str(folder), f"{name}:{home}/") != 0:
                    raise StackError(f"{folder} could not be copied into the container: see above.")
            return self._shown("start", "--attach", name)
        finally:
            self._quiet("rm", "--force", "--volumes", name)

    def _quiet(self, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([self.program, *command], capture_output=True, text=True, check=False)

    def _shown(self, *command: str) -> int:
        return subprocess.run([self.program, *command], check=False, stdin=subprocess.DEVNULL).returncode
