"""Runs each pod's first container as a process, with the environment and files that its manifest names."""

import contextlib
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from tests.kubernetes.objects import Pod, Pods, now

# Where the image has the project; in the double it is a folder of the pod.
IMAGE_HOME = "/usr/local/airflow"
# The kernel kills the container's first process when whoever started it is gone, however that ended.
DIE_WITH_PARENT = """
import ctypes, os, signal, sys
ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
if os.getppid() == int(sys.argv[1]):  # else it has ended already
    os.execv(sys.argv[2], sys.argv[2:])
"""


def _never(pod: Pod) -> bool:
    return False


@dataclass
class Kubelet:
    """`image` is the environment baked into every image.

    `holds` says of a new pod whether it never starts, `dies_at_once` whether it ends before its program runs.
    """

    pods: Pods
    folder: Path
    image: dict[str, str]
    secrets: dict[str, dict[str, str]] = field(default_factory=dict)
    config_maps: dict[str, dict[str, str]] = field(default_factory=dict)
    holds: Callable[[Pod], bool] = _never
    dies_at_once: Callable[[Pod], bool] = _never
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    lives: dict[str, threading.Thread] = field(default_factory=dict)
    threads: list[threading.Thread] = field(default_factory=list)

    def start(self, pod: Pod) -> None:
        self.lives[pod["metadata"]["name"]] = self._in_background(lambda: self._live(pod))

    def _in_background(self, work: Callable[[], None]) -> threading.Thread:
        thread = threading.Thread(target=work, daemon=True)
        self.threads.append(thread)
        thread.start()
        return thread

    def _live(self, pod: Pod) -> None:
        name = pod["metadata"]["name"]
        if self.holds(pod):
            self._status(name, "Pending", {"waiting": {"reason": "ContainerCreating"}})
            return
        if self.dies_at_once(pod):
            ended = {"exitCode": 128, "reason": "StartError", "finishedAt": now()}
            self._status(name, "Failed", {"terminated": ended})
            return
        try:
            process = self._launch(pod)
        except (KeyError, OSError) as error:
            waiting = {"reason": "CreateContainerConfigError", "message": repr(error)}
            self._status(name, "Pending", {"waiting": waiting})
            return
        self.processes[name] = process
        self._status(name, "Running", {"running": {"startedAt": now()}})
        code = process.wait()
        _kill_session(process.pid)
        reason = self.reasons.get(name, "Completed" if code == 0 else "Error")
        ended = {"exitCode": 128 - code if code < 0 else code, "reason": reason, "finishedAt": now()}
        self._status(name, "Succeeded" if code == 0 else "Failed", {"terminated": ended})

    def _launch(self, pod: Pod) -> subprocess.Popen[bytes]:
        name, container = pod["metadata"]["name"], pod["spec"]["containers"][0]
        home = self.folder / name
        home.mkdir(parents=True)
        self._mount(pod, container, home)
        image = {**self.image, "AIRFLOW_HOME": str(home), "HOME": str(home), "HOSTNAME": name}
        environment = image | {each["name"]: self._value(each) for each in container.get("env", [])}
        program = shutil.which(container["args"][0], path=environment["PATH"])
        if program is None:
            raise OSError(f"exec: {container['args'][0]!r}: executable file not found in $PATH")
        with (home / "output").open("wb") as output:
            return subprocess.Popen(
                [sys.executable, "-ISc", DIE_WITH_PARENT, str(os.getpid()), program, *container["args"][1:]],
                env=environment,
                cwd=home,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _value(self, variable: dict[str, Any]) -> str:
        if "value" in variable:
            return str(variable["value"])
        wanted = variable["valueFrom"]["secretKeyRef"]
        return self.secrets[wanted["name"]][wanted["key"]]

    def _mount(self, pod: Pod, container: dict[str, Any], home: Path) -> None:
        """Empty folders, and files of config maps; both below the image's home, which is `home` here."""
        volumes = {volume["name"]: volume for volume in pod["spec"].get("volumes", [])}
        for mount in container.get("volumeMounts", []):
            target = home / Path(mount["mountPath"]).relative_to(IMAGE_HOME)
            volume = volumes[mount["name"]]
            if "emptyDir" in volume:
                target.mkdir(parents=True, exist_ok=True)
            else:
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text(self.config_maps[volume["configMap"]["name"]][mount["subPath"]])

    def _status(self, name: str, phase: str, state: dict[str, Any]) -> None:
        def edit(pod: Pod) -> None:
            container = pod["spec"]["containers"][0]
            about = {"name": container["name"], "image": container["image"], "imageID": "", "restartCount": 0}
            pod["status"] = {
                "phase": phase,
                "containerStatuses": [{**about, "ready": phase == "Running", "state": state}],
            }

        self.pods.change(name, edit)

    # -- ends ----------------------------------------------------------------------------------------------

    def kill(self, name: str, reason: str) -> None:
        """SIGKILL to all of a running pod, as for want of memory ("OOMKilled")."""
        self.reasons[name] = reason
        _kill_session(self.processes[name].pid)

    def delete(self, name: str, grace: int) -> None:
        """End the pod, gently for `grace` seconds, then by SIGKILL; tell how it ended before it is gone."""

        def end() -> None:
            while self.lives[name].is_alive() and name not in self.processes:
                self.lives[name].join(0.01)
            process = self.processes.get(name)
            if process is not None and process.poll() is None:
                with contextlib.suppress(ProcessLookupError):
                    process.terminate()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(grace)
                _kill_session(process.pid)
            self.lives[name].join()
            self.pods.remove(name)

        self._in_background(end)

    def log(self, name: str, lines: int | None) -> str:
        try:
            text = (self.folder / name / "output").read_text(errors="replace")
        except OSError:
            return ""
        return "".join(text.splitlines(keepends=True)[-lines:] if lines else text)

    def stop(self) -> None:
        """No pod outlives the double."""
        for process in self.processes.values():
            _kill_session(process.pid)
        deadline = time.monotonic() + 10
        for thread in self.threads:
            thread.join(max(0.0, deadline - time.monotonic()))


def _kill_session(leader: int) -> None:
    """SIGKILL to every process of the session that the container's first process leads."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, ProcessLookupError, PermissionError):
            if os.getsid(process.pid) == leader:
                process.kill()
