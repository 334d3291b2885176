"""What runs in the cluster, in the order of need: secrets, store, source, databases, Airflow, pools."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from services.kubernetes import manifests
from services.kubernetes.tools import RELEASE, ToolFailed, Tools
from services.local.errors import StackError

CHART = ("airflow", "--repo", "https://airflow.apache.org", "--version", "1.22.0")
SERVERS = (
    "statefulset/seaweedfs",
    "statefulset/postgres",
    "statefulset/warehouse-db",
    "deployment/wildfires-api",
)
MIGRATION = "airflow-run-airflow-migrations"
Say = Callable[[str], None]


@dataclass(frozen=True)
class Git:
    """Where the DAGs come from instead of the image: an ssh address, a branch, and a private key's file."""

    repository: str
    ref: str
    key: Path

    def secret(self) -> manifests.Object:
        """StackError unless the file is a private key: a .pub is easily given by mistake."""
        try:
            text = self.key.expanduser().read_text()
        except (OSError, UnicodeDecodeError) as error:
            raise StackError(f"Cannot read GIT_SSH_KEY={self.key}: {error}") from error
        if "PRIVATE KEY" not in text:
            raise StackError(f"GIT_SSH_KEY={self.key} is not a private key; give the file without .pub.")
        return manifests.secret("airflow-git-secret", {"gitSshKey": text})


def apply(tools: Tools, objects: list[manifests.Object]) -> None:
    """Create or change objects. They go through standard input: no secret is on a command line or on disk."""
    tools.kubectl("apply", "--filename", "-", stdin=manifests.as_list(objects))


def ensure_secrets(tools: Tools, git: Git | None, say: Say) -> None:
    """Generate what is missing. What is there stays: new keys would end tasks and lock out the data."""
    found = json.loads(tools.kubectl("get", "secrets", "--output", "json"))["items"]
    values = {each["metadata"]["name"]: manifests.values_of(each) for each in found}
    missing = {name: made for name, made in manifests.generated_secrets().items() if name not in values}
    if missing:
        say(f"Generating the secrets {', '.join(missing)}")
        # Not `apply`, which would keep a copy of each in an annotation.
        tools.kubectl("create", "--filename", "-", stdin=manifests.as_list(list(missing.values())))
        values |= {name: made["stringData"] for name, made in missing.items()}
    objects = [manifests.connections_secret(values["seaweedfs"], values["warehouse"])]
    objects += [git.secret()] if git else []
    tools.kubectl(
        "apply", "--server-side", "--force-conflicts", "--filename", "-", stdin=manifests.as_list(objects)
    )


def ensure_servers(tools: Tools, tags: dict[str, str], say: Say) -> None:
    """The store, the sample API and both databases; returns when all of them are ready."""
    say("Starting the store, the sample API and the databases")
    for name in ("seaweedfs.yaml", "postgres.yaml", "warehouse.yaml", "wildfires-api.yaml"):
        apply(tools, manifests.load(name, tags))
    for server in SERVERS:
        tools.kubectl("rollout", "status", server, "--timeout=300s", seconds=330)


def ensure_airflow(tools: Tools, tags: dict[str, str], git: Git | None, say: Say) -> None:
    """Install or upgrade the chart, and return when all of it is ready."""
    wait = "--wait=watcher" if tools.helm_major() >= 4 else "--wait"
    _end_interrupted_command(tools, say)
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
    # It stays for five minutes, and an upgrade to another image cannot change it.
    _delete_job(tools, MIGRATION)
    tools.helm("upgrade", "--install", RELEASE, *CHART, *options, wait, "--timeout", "15m", seconds=1000)


def _end_interrupted_command(tools: Tools, say: Say) -> None:
    """A helm that was killed leaves its release `pending`, and every later upgrade is refused."""
    try:
        state = json.loads(tools.helm("status", RELEASE, "--output", "json"))["info"]["status"]
    except ToolFailed as error:
        if "not found" in error.output:
            return
        raise
    if state == "pending-install":
        say("Removing what an interrupted installation has left")
        tools.helm("uninstall", RELEASE, "--wait", seconds=300)
    elif state.startswith("pending-"):
        say("Going back to the release before an interrupted upgrade")
        tools.helm("rollback", RELEASE, seconds=300)


def ensure_pools(tools: Tools, tags: dict[str, str], say: Say) -> None:
    """Create the pools that Airflow lacks."""
    say("Creating the missing pools")
    _delete_job(tools, "airflow-pools")
    apply(tools, manifests.load("pools-job.yaml", tags))
    tools.kubectl("wait", "--for=condition=complete", "job/airflow-pools", "--timeout=240s", seconds=270)


def _delete_job(tools: Tools, name: str) -> None:
    """A Job cannot be changed: a new one takes the place of the last."""
    tools.kubectl("delete", "job", name, "--ignore-not-found", "--wait")


def diagnosis(tools: Tools) -> str:
    """Pods, jobs, warnings and the end of Airflow's and the servers' logs, for a step that failed."""
    last = ("--all-containers", "--prefix", "--tail", "20", "--ignore-errors")
    asked = {
        "Pods and jobs": ("get", "pods,jobs", "--output", "wide"),
        "Warnings": ("get", "events", "--field-selector", "type=Warning", "--sort-by", ".lastTimestamp"),
        "Logs of Airflow": ("logs", "--selector", "tier=airflow", *last),
        "Logs of the servers": ("logs", "--selector", "app", *last),
    }
    return "\n".join(f"── {title}\n{_asked(tools, *arguments)}" for title, arguments in asked.items())


def _asked(tools: Tools, *arguments: str) -> str:
    try:
        return tools.kubectl(*arguments, seconds=30).rstrip()
    except StackError as error:
        return str(error)
