"""What the commands of services.kubernetes do; each returns its exit status."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from services.kubernetes import cluster, deploy, manifests
from services.kubernetes.programs import NAMESPACE, NEEDED, RELEASE, Programs
from services.local.errors import StackError
from services.local.home import PROJECT
from services.local.ports import Ports
from services.local.progress import Progress
from services.local.summary import table

if TYPE_CHECKING:
    from services.kubernetes.deploy import Git

__all__ = ["check", "down", "logs", "status", "up"]

SERVERS = ("seaweedfs", "wildfires-api", "postgres", "warehouse-db")
COMPONENTS = ("scheduler", "api-server", "dag-processor", "worker", *SERVERS)


def _programs() -> Programs:
    home = Path(os.environ.get("K8S_HOME") or PROJECT / ".k8s").expanduser().absolute()
    return Programs(home / "kubeconfig")


def up(repository: str | None, ref: str, key: Path | None) -> int:
    """Every step looks first: run again it goes on where it was broken off, or changes nothing."""
    git = _git(repository, ref, key)
    ports = Ports.from_environment(os.environ)
    programs = _programs()
    with Progress() as progress:
        programs.require(*NEEDED)
        programs.helm_major()
        programs.require_docker()
        cluster.ensure(programs, ports, progress.say)
        tags = cluster.build_images(programs, progress.say)
        try:
            deploy.apply(programs, manifests.load("namespace.yaml"))
            deploy.ensure_secrets(programs, git, progress.say)
            deploy.ensure_servers(programs, tags, progress.say)
            deploy.ensure_airflow(programs, tags, git, progress.say)
            deploy.ensure_pools(programs, tags, progress.say)
        except StackError:
            print(deploy.diagnosis(programs), flush=True)
            raise
        progress.say("Airflow is up in the cluster. See that all of it works: make k8s-check")
        progress.console.print(table(_addresses(programs)), markup=False)
    return 0


def _git(repository: str | None, ref: str, key: Path | None) -> Git | None:
    if repository is None and key is None:
        return None
    if repository is None or key is None:
        raise StackError("DAGs from Git need both: make k8s-up GIT_REPO=git@… GIT_SSH_KEY=~/.ssh/…")
    git = deploy.Git(repository, ref, key)
    git.secret()  # a wrong file is told of now, not after ten minutes
    return git


def _addresses(programs: Programs) -> dict[str, str]:
    found = cluster.addresses(programs)
    login, console = _ask("airflow-admin", "password"), _ask("seaweedfs", "admin-password")
    return {
        "Airflow": f"http://{found['airflow']}  (user admin, password: {login})",
        "S3 console": f"http://{found['console']}  (user admin, password: {console})",
        "S3 endpoint": f"http://{found['s3']}  (keys: access-key and secret-key of the secret seaweedfs)",
        "kubectl": f"kubectl --kubeconfig {programs.kubeconfig} --namespace {NAMESPACE} get pods",
    }


def _ask(name: str, key: str) -> str:
    """The command that prints a value of a secret, for those who may: it is never printed here."""
    return f"make k8s-secret NAME={name} KEY={key}"


def secret(name: str, key: str) -> int:
    """Print one value of one secret of the cluster."""
    programs = _programs()
    _require_cluster(programs)
    found = json.loads(programs.kubectl("get", "secret", name, "--output", "json"))
    values = manifests.values_of(found)
    if key not in values:
        raise StackError(f"The secret {name} has no {key!r}, but {', '.join(sorted(values)) or 'nothing'}.")
    print(values[key])
    return 0


def _require_cluster(programs: Programs) -> None:
    programs.require("kind", "kubectl", "docker")
    if not cluster.exists(programs) or not programs.kubeconfig.exists():
        raise StackError("The cluster is not up. Start it with: make k8s-up")


def check() -> int:
    """Run DAGs on both executors and look at everything that they leave."""
    import minio

    from services.kubernetes.check import check as look
    from services.local.airflow_api import AirflowApi

    programs = _programs()
    _require_cluster(programs)
    found = cluster.addresses(programs)
    values = {
        name: manifests.values_of(json.loads(programs.kubectl("get", "secret", name, "--output", "json")))
        for name in ("airflow-admin", "seaweedfs")
    }
    api = AirflowApi(f"http://{found['airflow']}", "admin", values["airflow-admin"]["password"])
    keys = values["seaweedfs"]
    s3 = minio.Minio(found["s3"], keys["access-key"], keys["secret-key"], secure=False, region="us-east-1")
    with Progress() as progress:
        try:
            wrong = look(api, s3, progress.say)
        except StackError:
            print(deploy.diagnosis(programs), flush=True)
            raise
        finally:
            api.close()
        if wrong:
            raise StackError("\n".join(["The cluster does not do what it should:", *wrong]))
        progress.say("Both executors ran their tasks, logs are in the bucket, the manifest is verified.")
    return 0


def status() -> int:
    """Exit status 0 when Airflow is installed in the cluster, 3 when it is not (as `systemctl status`)."""
    programs = _programs()
    programs.require("kind", "docker")
    if not cluster.exists(programs):
        print("The cluster is not up. Start it with: make k8s-up")
        return 3
    programs.require("kubectl", "helm")
    print(programs.kubectl("get", "pods,services", "--output", "wide").rstrip())
    releases = json.loads(programs.helm("list", "--all", "--output", "json"))
    for release in releases:
        print(f"{release['name']}: {release['status']}, {release['chart']}")
    if not any(each["name"] == RELEASE and each["status"] == "deployed" for each in releases):
        print("Airflow is not installed. Go on with: make k8s-up")
        return 3
    progress = Progress()
    progress.console.print(table(_addresses(programs)), markup=False)
    return 0


def logs(name: str | None) -> int:
    """The end of the logs of every component, or more of one: a component or a pod."""
    programs = _programs()
    _require_cluster(programs)
    if name is not None and name not in COMPONENTS:
        print(programs.kubectl("logs", name, "--all-containers", "--prefix", "--tail", "200"))
        return 0
    for component in [name] if name else COMPONENTS:
        label = "app" if component in SERVERS else "component"
        options = ("--all-containers", "--prefix", "--ignore-errors", "--tail", "200" if name else "15")
        print(f"── {component}")
        print(programs.kubectl("logs", "--selector", f"{label}={component}", *options).rstrip())
    return 0


def down() -> int:
    """Leave nothing: no cluster, no secret, no account, no volume, no image, no kubeconfig."""
    programs = _programs()
    programs.require("kind", "docker")
    with Progress() as progress:
        cluster.delete(programs, progress.say)
        progress.say("Nothing of it is left.")
    return 0
