"""What the commands of services.kubernetes do; each returns its exit status."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated

import typer

from services.kubernetes import cluster, install, manifests
from services.kubernetes.install import Git
from services.kubernetes.tools import NAMESPACE, NEEDED, RELEASE, Tools
from services.local.errors import StackError
from services.local.home import PROJECT
from services.local.ports import Ports
from services.local.progress import Progress
from services.local.summary import table

SERVERS = ("seaweedfs", "wildfires-api", "postgres", "warehouse-db")
COMPONENTS = ("scheduler", "api-server", "dag-processor", "worker", *SERVERS)


def tools_here() -> Tools:
    home = Path(os.environ.get("K8S_HOME") or PROJECT / ".k8s").expanduser().absolute()
    return Tools(home / "kubeconfig")


def up(git_repo: str | None = None, git_ref: str = "main", git_ssh_key: Path | None = None) -> int:
    """Make the cluster and install everything in it. Run again, it goes on where it was interrupted."""
    git = _git(git_repo, git_ref, git_ssh_key)
    ports = Ports.from_environment(os.environ)
    tools = tools_here()
    with Progress() as progress:
        tools.require(*NEEDED)
        tools.helm_major()
        tools.require_docker()
        cluster.ensure(tools, ports, progress.say)
        tags = cluster.build_images(tools, progress.say)
        try:
            install.apply(tools, manifests.load("namespace.yaml"))
            install.apply(tools, manifests.load("network-policies.yaml"))
            install.ensure_secrets(tools, git, progress.say)
            install.ensure_servers(tools, tags, progress.say)
            install.ensure_airflow(tools, tags, git, progress.say)
            install.ensure_pools(tools, tags, progress.say)
        except StackError:
            print(install.diagnosis(tools), flush=True)
            raise
        progress.say("Airflow is up in the cluster. See that all of it works: make k8s-check")
    print(table(_addresses(tools)))
    return 0


def _git(repository: str | None, ref: str, key: Path | None) -> Git | None:
    if repository is None and key is None:
        return None
    if repository is None or key is None:
        raise StackError("DAGs from Git need both: make k8s-up GIT_REPO=git@… GIT_SSH_KEY=~/.ssh/…")
    git = Git(repository, ref, key)
    git.secret()  # refuses a wrong file now, not after ten minutes
    return git


def _addresses(tools: Tools) -> dict[str, str]:
    found = cluster.addresses(tools)
    login, console = _ask("airflow-admin", "password"), _ask("seaweedfs", "admin-password")
    return {
        "Airflow": f"http://{found['airflow']}  (user admin, password: {login})",
        "S3 console": f"http://{found['console']}  (user admin, password: {console})",
        "S3 endpoint": f"http://{found['s3']}  (keys: access-key and secret-key of the secret seaweedfs)",
        "kubectl": f"kubectl --kubeconfig {tools.kubeconfig} --namespace {NAMESPACE} get pods",
    }


def _ask(name: str, key: str) -> str:
    """The command that prints a value of a secret, for those who may: it is never printed here."""
    return f"make k8s-secret NAME={name} KEY={key}"


def secret(name: str, key: str) -> int:
    """Print one value of one secret of the cluster."""
    tools = tools_here()
    require_cluster(tools)
    values = values_of_secret(tools, name)
    if key not in values:
        raise StackError(
            f"The secret {name} has no key {key!r}. Its keys: {', '.join(sorted(values)) or 'none'}."
        )
    print(values[key])
    return 0


def values_of_secret(tools: Tools, name: str) -> dict[str, str]:
    return manifests.values_of(json.loads(tools.kubectl("get", "secret", name, "--output", "json")))


def require_cluster(tools: Tools) -> None:
    tools.require("kind", "kubectl", "docker")
    if not cluster.exists(tools) or not tools.kubeconfig.exists():
        raise StackError("The cluster is not up. Start it with: make k8s-up")


def status() -> int:
    """Exit status 0 when Airflow is installed in the cluster, 3 when it is not (as `systemctl status`)."""
    tools = tools_here()
    tools.require("kind", "docker")
    if not cluster.exists(tools):
        print("The cluster is not up. Start it with: make k8s-up")
        return 3
    tools.require("kubectl", "helm")
    print(tools.kubectl("get", "pods,services", "--output", "wide").rstrip())
    releases = json.loads(tools.helm("list", "--all", "--output", "json"))
    for release in releases:
        print(f"{release['name']}: {release['status']}, {release['chart']}")
    if not any(each["name"] == RELEASE and each["status"] == "deployed" for each in releases):
        print("Airflow is not installed. Go on with: make k8s-up")
        return 3
    print(table(_addresses(tools)))
    return 0


def logs(name: Annotated[str | None, typer.Argument()] = None) -> int:
    """The end of the logs of every component, or more of one: a component or a pod."""
    tools = tools_here()
    require_cluster(tools)
    if name is not None and name not in COMPONENTS:
        print(tools.kubectl("logs", name, "--all-containers", "--prefix", "--tail", "200"))
        return 0
    for component in [name] if name else COMPONENTS:
        label = "app" if component in SERVERS else "component"
        options = ("--all-containers", "--prefix", "--ignore-errors", "--tail", "200" if name else "15")
        print(f"── {component}")
        print(tools.kubectl("logs", "--selector", f"{label}={component}", *options).rstrip())
    return 0


def down() -> int:
    """Remove everything: cluster, secrets, accounts, volumes, images, kubeconfig."""
    tools = tools_here()
    tools.require("kind", "docker")
    with Progress() as progress:
        cluster.delete(tools, progress.say)
        progress.say("Everything is removed.")
    return 0
