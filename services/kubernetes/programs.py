"""The four programs that do the work: docker, kind, kubectl and helm."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from services.local.errors import StackError

NAMESPACE = "airflow"
CLUSTER = "wildfire-lake"
RELEASE = "airflow"

NEEDED = {
    "docker": "builds the images and runs the cluster's node: https://docs.docker.com/engine/install/",
    "kind": "makes the cluster: https://kind.sigs.k8s.io/docs/user/quick-start/#installation",
    "kubectl": "talks to it: https://kubernetes.io/docs/tasks/tools/",
    "helm": "installs Airflow's chart, 3.19 or newer: https://helm.sh/docs/intro/install/",
}
OLDEST_HELM = (3, 19)


class ProgramFailed(StackError):
    """A program ended with an error, or did not end in time. `output` is what it said."""

    def __init__(self, command: Sequence[str], why: str, output: str) -> None:
        super().__init__(
            f"`{' '.join(command)}` {why}" + (f":\n{_indented(output)}" if output.strip() else ".")
        )
        self.output = output


def _indented(text: str, lines: int = 25) -> str:
    return "\n".join(f"  {line}" for line in text.strip().splitlines()[-lines:])


@dataclass
class Programs:
    """`kubeconfig` is a file of our own: the user's current context stays as it is."""

    kubeconfig: Path
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))

    def require(self, *names: str) -> None:
        """StackError that names every missing program and what it is for, and where to get it."""
        path = self.environment.get("PATH", os.defpath)
        missing = [name for name in names if shutil.which(name, path=path) is None]
        if missing:
            told = "\n".join(f"  {name:8} {NEEDED[name]}" for name in missing)
            raise StackError(f"Missing on this machine:\n{told}\nInstall them and run the command again.")

    def require_docker(self) -> None:
        """StackError unless a Docker engine answers: the client alone builds and runs nothing."""
        try:
            self.run("docker", "info", "--format", "{{.ServerVersion}}", seconds=30)
        except ProgramFailed as error:
            raise StackError(
                f"Docker does not answer; start it, or see whether you may use it.\n{error}"
            ) from error

    def helm_major(self) -> int:
        """Helm's major version; StackError when it is older than the chart wants."""
        said = self.run("helm", "version", "--short", seconds=30)
        found = re.search(r"v(\d+)\.(\d+)", said)
        if found is None:
            raise StackError(f"`helm version --short` says {said.strip()!r}, which names no version.")
        version = (int(found[1]), int(found[2]))
        if version < OLDEST_HELM:
            raise StackError(
                f"Helm {version[0]}.{version[1]} is too old: Airflow's chart wants 3.19 or newer."
            )
        return version[0]

    def run(self, *command: str, seconds: float = 120, stdin: str | None = None, shown: bool = False) -> str:
        """What the program printed. `shown`: it prints to the user, and the result is empty.

        What goes in through `stdin` may be secret: it is on no command line and in no error text.
        """
        given = {"input": stdin} if stdin is not None else {"stdin": subprocess.DEVNULL}
        try:
            done = subprocess.run(
                command,
                env=dict(self.environment),
                stdout=None if shown else subprocess.PIPE,
                stderr=None if shown else subprocess.STDOUT,
                text=True,
                timeout=seconds,
                check=False,
                **given,
            )
        except FileNotFoundError as error:
            raise StackError(f"{command[0]} is missing: it {NEEDED.get(command[0], 'is needed')}") from error
        except subprocess.TimeoutExpired as error:
            said = error.output.decode(errors="replace") if isinstance(error.output, bytes) else ""
            raise ProgramFailed(command, f"did not end within {seconds:.0f} s", said) from error
        if done.returncode != 0:
            ended = signal.Signals(-done.returncode).name if done.returncode < 0 else str(done.returncode)
            raise ProgramFailed(command, f"failed ({ended})", done.stdout or "")
        return done.stdout or ""

    def kubectl(self, *arguments: str, seconds: float = 60, stdin: str | None = None) -> str:
        own = ("kubectl", "--kubeconfig", str(self.kubeconfig), "--namespace", NAMESPACE)
        return self.run(*own, *arguments, seconds=seconds, stdin=stdin)

    def helm(self, *arguments: str, seconds: float = 60, shown: bool = False) -> str:
        own = ("--kubeconfig", str(self.kubeconfig), "--namespace", NAMESPACE)
        return self.run("helm", *arguments, *own, seconds=seconds, shown=shown)
