"""What runs in the cluster, in the order of need: secrets, store, source, databases, Airflow, pools."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from services.kubernetes import manifests
from services.kubernetes.programs import RELEASE, ProgramFailed, Programs
from services.local.errors import StackError

CHART = ("airflow", "--repo", "https://airflow.apache.org", "--version", "1.22.0")
SERVERS = (
    "statefulset/seaweedfs",
    "statefulset/postgres",
    "statefulset/warehouse-db",
    "deployment/wildfires-api",
)
Say = Callable[[str], None]


@dataclass(frozen=True)
class Git:
    """Where the DAGs come from instead of the image: an ssh address, a branch, and a private key's file."""

    repository: str
    ref: str
    key: Path

    def secret(self) -> manifests.Object:
        """StackError unless the file is a private key: a .pub is what one is tempted to give."""
        try:
            text = self.key.expanduser().read_text()
        except (OSError, UnicodeDecodeError) as error:
            raise StackError(f"GIT_SSH_KEY={self.key} cannot be read: {error}") from error
        if "PRIVATE KEY" not in text:
            raise StackError(f"GIT_SSH_KEY={self.key} is no private key; give the one without .pub.")
        return manifests.secret("airflow-git-secret", {"gitSshKey": text})


def apply(programs: Programs, objects: list[manifests.Object]) -> None:
    """Make or change objects. They go through standard input: secrets are on no command line and no disk."""
    programs.kubectl("apply", "--filename", "-", stdin=manifests.as_list(objects))


def ensure_secrets(programs: Programs, git: Git | None, say: Say) -> None:
    """Generate what is missing. What is there stays: new keys would end tasks and lock out the data."""
    found = json.loads(programs.kubectl("get", "secrets", "--output", "json"))["items"]
    kept = {each["metadata"]["name"]: manifests.values_of(each) for each in found}
    missing = {name: made for name, made in manifests.generated_secrets().items() if name not in kept}
    if missing:
        say(f"Generating the secrets {', '.join(missing)}")
        # Not `apply`, which would keep a copy of each in an annotation.
        programs.kubectl("create", "--filename", "-", stdin=manifests.as_list(list(missing.values())))
    now = {**{name: made["stringData"] for name, made in missing.items()}, **kept}
    keys = (now["seaweedfs"]["access-key"], now["seaweedfs"]["secret-key"])
    connections = manifests.connections(keys, now["warehouse"]["password"])
    objects = [connections, *([git.secret()] if git else [])]
    programs.kubectl(
        "apply", "--server-side", "--force-conflicts", "--filename", "-", stdin=manifests.as_list(objects)
    )


def ensure_servers(programs: Programs, tags: dict[str, str], say: Say) -> None:
    """The store, the sample API and both databases; returns when all of them are ready."""
    say("Starting the store, the sample API and the databases")
    for name in ("seaweedfs.yaml", "postgres.yaml", "warehouse.yaml", "wildfires-api.yaml"):
        apply(programs, manifests.load(name, tags))
    for server in SERVERS:
        programs.kubectl("rollout", "status", server, "--timeout=300s", seconds=330)


def ensure_airflow(programs: Programs, tags: dict[str, str], git: Git | None, say: Say) -> None:
    """Install or upgrade the chart, and return when all of it is ready."""
    wait = "--wait=watcher" if programs.helm_major() >= 4 else "--wait"
    _end_a_broken_off_command(programs, say)
    say("Installing Airflow; this takes some minutes")
    template = "pod-template-git-sync.yaml" if git else "pod-template.yaml"
    values = ["values.yaml", *(["values-git-sync.yaml"] if git else [])]
    tag = tags["wildfire-lake"]
    settings = [f"images.airflow.tag={tag}", f"images.pod_template.tag={tag}", f"defaultAirflowTag={tag}"]
    if git:
        settings += [f"dags.gitSync.repo={git.repository}", f"dags.gitSync.ref={git.ref}"]
    options = [option for name in values for option in ("--values", str(manifests.FOLDER / name))]
    options += [option for setting in settings for option in ("--set-string", setting)]
    options += ["--set-file", f"podTemplate={manifests.FOLDER / template}"]
    programs.helm("upgrade", "--install", RELEASE, *CHART, *options, wait, "--timeout", "15m", seconds=1000)


def _end_a_broken_off_command(programs: Programs, say: Say) -> None:
    """A helm that was killed leaves its release `pending`, and every later upgrade is refused."""
    try:
        state = json.loads(programs.helm("status", RELEASE, "--output", "json"))["info"]["status"]
    except ProgramFailed as error:
        if "not found" in error.output:
            return
        raise
    if state == "pending-install":
        say("Removing what a broken off installation has left")
        programs.helm("uninstall", RELEASE, "--wait", seconds=300)
    elif state.startswith("pending-"):
        say("Going back to the release before a broken off upgrade")
        programs.helm("rollback", RELEASE, seconds=300)


def ensure_pools(programs: Programs, tags: dict[str, str], say: Say) -> None:
    """Import the pools, anew each time: a Job cannot be changed."""
    say("Importing the pools")
    apply(programs, [manifests.pools()])
    programs.kubectl("delete", "job", "airflow-pools", "--ignore-not-found", "--wait")
    apply(programs, manifests.load("pools-job.yaml", tags))
    programs.kubectl("wait", "--for=condition=complete", "job/airflow-pools", "--timeout=240s", seconds=270)


def diagnosis(programs: Programs) -> str:
    """Pods, warnings and the last lines of what is not ready, for a step that failed."""
    asked = {
        "Pods": ("get", "pods", "--output", "wide"),
        "Warnings": ("get", "events", "--field-selector", "type=Warning", "--sort-by", ".lastTimestamp"),
        "Jobs": ("get", "jobs"),
    }
    told = [f"── {title}\n{_asked(programs, *arguments)}" for title, arguments in asked.items()]
    unready = _asked(programs, "get", "pods", "--output", "json")
    for name in _unready(unready):
        options = ("--all-containers", "--prefix", "--tail", "20", "--ignore-errors")
        told.append(f"── {name}\n{_asked(programs, 'logs', name, *options)}")
    return "\n".join(told)


def _asked(programs: Programs, *arguments: str) -> str:
    try:
        return programs.kubectl(*arguments, seconds=30).rstrip()
    except StackError as error:
        return str(error)


def _unready(pods: str) -> list[str]:
    """Names of the pods that neither ended well nor have all their containers ready."""
    try:
        found = json.loads(pods)["items"]
    except (ValueError, KeyError, TypeError):
        return []
    names = []
    for pod in found:
        state = pod.get("status") or {}
        ready = all(each.get("ready") for each in state.get("containerStatuses") or [{}])
        if state.get("phase") != "Succeeded" and not ready:
            names.append(pod["metadata"]["name"])
    return names
