"""A machine for tests of services.kubernetes: a PATH that holds nothing but the stand-ins."""

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.project_files import PROJECT

PROGRAMS = ("docker", "kind", "kubectl", "helm")


@dataclass
class Machine:
    """A PATH with the stand-ins alone, and what they were told."""

    folder: Path
    ports: dict[str, str]

    @property
    def bin(self) -> Path:
        return self.folder / "bin"

    def state(self, **changes: Any) -> dict[str, Any]:
        file = self.bin / "state.json"
        state = json.loads(file.read_text()) | changes
        file.write_text(json.dumps(state))
        return state

    def fails(self, when: str, times: int = 1, **how: Any) -> None:
        self.state(fails=[{"when": when, "times": times, **how}])

    @property
    def environment(self) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("MAKE", "MFLAGS", "GIT_", "PYTEST"))}
        return kept | {"PATH": str(self.bin), "K8S_HOME": str(self.folder / "home"), **self.ports}

    def run(self, *arguments: str, module: str = "services.kubernetes") -> subprocess.CompletedProcess[str]:
        (self.bin / "calls.jsonl").write_text("")
        command = [sys.executable, "-m", module, *arguments]
        return subprocess.run(
            command, cwd=PROJECT, env=self.environment, capture_output=True, text=True, timeout=300
        )

    def calls(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.bin / "calls.jsonl").read_text().splitlines()]

    def lines(self) -> list[str]:
        """What was called, without kubectl's and helm's own options."""
        own = r" --kubeconfig \S+/kubeconfig --namespace airflow"
        return [re.sub(own, "", " ".join([call["program"], *call["arguments"]])) for call in self.calls()]

    def objects(self) -> dict[str, Any]:
        return self.state()["objects"]

    def secret_values(self) -> set[str]:
        secrets = [found for name, found in self.objects().items() if name.startswith("secret/")]
        return {value for found in secrets for value in found["stringData"].values()}


def new_machine(folder: Path) -> Machine:
    from services.local.ports import Ports

    free = Ports.free()
    ports = {"AIRFLOW_PORT": str(free.airflow), "S3_PORT": str(free.s3), "S3_ADMIN_PORT": str(free.s3_admin)}
    made = Machine(folder, ports)
    made.bin.mkdir(parents=True)
    program = (PROJECT / "tests/kubernetes/stand_in.py").read_text()
    for name in PROGRAMS:
        (made.bin / name).write_text(f"#!{sys.executable} -IS\n{program}")
        (made.bin / name).chmod(0o755)
    empty: dict[str, Any] = {
        "clusters": [],
        "images": [],
        "objects": {},
        "releases": {},
        "ports": [],
        "fails": [],
        "built": "once",
    }
    (made.bin / "state.json").write_text(json.dumps(empty | {"helm": "v3.19.0+g3d8990f"}))
    return made
