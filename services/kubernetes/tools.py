"""The four command-line tools that do the work: docker, kind, kubectl and helm."""

from __future__ import annotations

import os
import re
import shutil
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


class ToolFailed(StackError):
    """A tool ended with an error, or did not end in time. `output` is what it printed."""

    def __init__(self, command: Sequence[str], why: str, output: str) -> None:
        shown = "\n".join(f"  {line}" for line in output.strip().splitlines()[-25:])
        super().__init__(f"`{' '.join(command)}` {why}" + (f":\n{shown}" if shown else "."))
        self.output = output


@dataclass
class Tools:
    """`kubeconfig` is a file of our own: the user's current context stays as it is."""

    kubeconfig: Path
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))

    def require(self, *names: str) -> None:
        """StackError that names every missing tool, what it is for, and where to get it."""
        path = self.environment.get("PATH", os.defpath)
        missing = [name for name in names if shutil.which(name, path=path) is None]
        if missing:
            told = "\n".join(f"  {name:8} {NEEDED[name]}" for name in missing)
            raise StackError(f"Missing on this machine:\n{told}\nInstall them and run the command again.")

    def require_docker(self) -> None:
        """StackError unless a Docker engine answers: the client alone builds and runs nothing."""
        try:
            self.run("docker", "info", "--format", "{{.ServerVersion}}", seconds=30)
        except ToolFailed as error:
            raise StackError(
                f"Docker does not answer. Start it, or check that you may use it.\n{error}"
            ) from error

    def helm_major(self) -> int:
        """Helm's major version; StackError when it is older than the chart wants."""
        said = self.run("helm", "version", "--short", seconds=30)
        found = re.search(r"v(\d+)\.(\d+)", said)
        if found is None:
            raise StackError(f"`helm version --short` printed {said.strip()!r}, which names no version.")
        version = (int(found[1]), int(found[2]))
        if version < OLDEST_HELM:
            raise StackError(
                f"Helm {version[0]}.{version[1]} is too old: Airflow's chart needs 3.19 or newer."
            )
        return version[0]

    def run(self, *command: str, seconds: float = 120, stdin: str = "", shown: bool = False) -> str:
        """What the tool printed. `shown`: it prints to the user, and the result is empty.

        What goes in through `stdin` may be secret: it is on no command line and in no error text.
        """
        try:
            done = subprocess.run(
                command,
                env=dict(self.environment),
                input=stdin,
                stdout=None if shown else subprocess.PIPE,
                stderr=None if shown else subprocess.STDOUT,
                text=True,
                timeout=seconds,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            said = error.output.decode(errors="replace") if isinstance(error.output, bytes) else ""
            raise ToolFailed(command, f"did not end within {seconds:.0f} s", said) from error
        if done.returncode != 0:
            raise ToolFailed(command, f"failed with exit status {done.returncode}", done.stdout or "")
        return done.stdout or ""

    def kubectl(self, *arguments: str, seconds: float = 60, stdin: str = "") -> str:
        own = ("kubectl", "--kubeconfig", str(self.kubeconfig), "--namespace", NAMESPACE)
        return self.run(*own, *arguments, seconds=seconds, stdin=stdin)

    def helm(self, *arguments: str, seconds: float = 60) -> str:
        own = ("--kubeconfig", str(self.kubeconfig), "--namespace", NAMESPACE)
        return self.run("helm", *arguments, *own, seconds=seconds)
