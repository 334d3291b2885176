"""The kind cluster and the two images in it. Every step looks first, and does only what is missing."""

from __future__ import annotations

import shutil
from collections.abc import Callable

from services.kubernetes import manifests
from services.kubernetes.tools import CLUSTER, ToolFailed, Tools
from services.local.errors import StackError
from services.local.home import PROJECT
from services.local.ports import Ports, describe_taken

# Image name → its Dockerfile; both are built from the project's root. Docker marks them, so that `make
# k8s-down` finds them again.
IMAGES = {"wildfire-lake": "Dockerfile", "wildfires-api": "services/wildfires_api/Dockerfile"}
LABEL = f"wildfire-lake.cluster={CLUSTER}"
NODE_PORTS = {"airflow": 30080, "s3": 30333, "console": 30646}
Say = Callable[[str], None]


def exists(tools: Tools) -> bool:
    """Whether kind knows the cluster, in whatever condition."""
    return CLUSTER in tools.run("kind", "get", "clusters", seconds=60).split()


def ensure(tools: Tools, ports: Ports, say: Say) -> None:
    """Make the cluster unless it is there; StackError when one is there that does not work."""
    tools.kubeconfig.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    kubeconfig = ("--kubeconfig", str(tools.kubeconfig))
    if not exists(tools):
        _require_free(ports)
        say(f"Making the cluster {CLUSTER}; a first time fetches its image, of about 400 MB")
        config = manifests.kind_cluster(ports)
        create = ("kind", "create", "cluster", "--name", CLUSTER, "--config", "-", "--wait", "180s")
        tools.run(*create, *kubeconfig, seconds=900, stdin=config)
    else:
        say(f"The cluster {CLUSTER} is there")
        tools.run("kind", "export", "kubeconfig", "--name", CLUSTER, *kubeconfig, seconds=60)
    try:
        tools.kubectl("wait", "--for=condition=Ready", "nodes", "--all", "--timeout=120s", seconds=150)
    except ToolFailed as error:
        raise StackError(
            f"The cluster {CLUSTER} does not answer: the command that made it was killed, or Docker was "
            f"restarted without it. Remove it and start again: make k8s-down k8s-up\n{error}"
        ) from error


def _require_free(ports: Ports) -> None:
    if taken := describe_taken(ports, "airflow", "s3", "s3_admin"):
        raise StackError("The cluster cannot publish its pages: ports are taken.\n" + "\n".join(taken))


def addresses(tools: Tools) -> dict[str, str]:
    """Where the cluster's pages are on this machine, by name: `127.0.0.1:8080`, as Docker publishes them."""
    node = f"{CLUSTER}-control-plane"
    return {
        name: tools.run("docker", "port", node, f"{port}/tcp").split()[0] for name, port in NODE_PORTS.items()
    }


def build_images(tools: Tools, say: Say) -> dict[str, str]:
    """Build both images and put them into the cluster; returns each one's tag, made of its content."""
    tags = {}
    for image, dockerfile in IMAGES.items():
        say(f"Building the image {image}")
        marked = f"{image}:local"
        build = ("docker", "build", "--tag", marked, "--label", LABEL, "--file", str(PROJECT / dockerfile))
        tools.run(*build, str(PROJECT), seconds=3600, shown=True)
        found = tools.run("docker", "image", "inspect", "--format", "{{.Id}}", marked).strip()
        tags[image] = found.rpartition(":")[2][:12]
        tools.run("docker", "tag", marked, f"{image}:{tags[image]}")
    say("Putting the images into the cluster")
    names = [f"{image}:{tag}" for image, tag in tags.items()]
    tools.run("kind", "load", "docker-image", *names, "--name", CLUSTER, seconds=900)
    return tags


def delete(tools: Tools, say: Say) -> None:
    """Remove cluster, images and state; what is gone already is no error."""
    if exists(tools):
        say(f"Deleting the cluster {CLUSTER}, with all that is in it")
        tools.run("kind", "delete", "cluster", "--name", CLUSTER, seconds=300)
    else:
        say(f"There is no cluster {CLUSTER}")
    listing = ("docker", "image", "ls", "--filter", f"label={LABEL}", "--format", "{{.Repository}}:{{.Tag}}")
    for image in tools.run(*listing).split():
        say(f"Removing the image {image}")
        tools.run("docker", "image", "rm", image, seconds=120)
    left = tools.run("docker", "ps", "--all", "--quiet", "--filter", f"label=io.x-k8s.kind.cluster={CLUSTER}")
    if left.strip() or exists(tools):
        raise StackError(
            f"The cluster {CLUSTER} still exists: containers {' '.join(left.split()) or 'unknown'}."
        )
    shutil.rmtree(tools.kubeconfig.parent, ignore_errors=True)
