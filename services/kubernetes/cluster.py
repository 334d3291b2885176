"""The kind cluster and the two images in it. Every step looks first, and does only what is missing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from services.kubernetes import manifests
from services.kubernetes.programs import CLUSTER, ProgramFailed, Programs
from services.local.errors import StackError
from services.local.home import PROJECT
from services.local.ports import Ports, holder_of, is_free, variable_of

# Image name → the folder that it is built from. Docker marks them, so that `make k8s-down` finds them again.
IMAGES = {"wildfire-lake": PROJECT, "wildfires-api": PROJECT / "services/wildfires_api"}
LABEL = f"wildfire-lake.cluster={CLUSTER}"
NODE_PORTS = {"airflow": 30080, "s3": 30333, "console": 30646}
Say = Callable[[str], None]


def exists(programs: Programs) -> bool:
    """Whether kind knows the cluster, in whatever condition."""
    return CLUSTER in programs.run("kind", "get", "clusters", seconds=60).split()


def ensure(programs: Programs, ports: Ports, say: Say) -> None:
    """Make the cluster unless it is there; StackError when one is there that does not work."""
    programs.kubeconfig.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    kubeconfig = ("--kubeconfig", str(programs.kubeconfig))
    if not exists(programs):
        _require_free(ports)
        say(f"Making the cluster {CLUSTER}; a first time fetches its image, of about 400 MB")
        config = manifests.kind_cluster(ports)
        create = ("kind", "create", "cluster", "--name", CLUSTER, "--config", "-", "--wait", "180s")
        programs.run(*create, *kubeconfig, seconds=900, stdin=config)
    else:
        say(f"The cluster {CLUSTER} is there")
        programs.run("kind", "export", "kubeconfig", "--name", CLUSTER, *kubeconfig, seconds=60)
    try:
        programs.kubectl("wait", "--for=condition=Ready", "nodes", "--all", "--timeout=120s", seconds=150)
    except ProgramFailed as error:
        raise StackError(
            f"The cluster {CLUSTER} does not work: a command that made it was killed, or Docker was "
            f"restarted without it. Remove it and begin anew: make k8s-down k8s-up\n{error}"
        ) from error


def _require_free(ports: Ports) -> None:
    taken = [
        f"  port {port} is used by {holder_of(port)}: end it, or choose another: {variable_of(name)}=<port>"
        for name, port in (("airflow", ports.airflow), ("s3", ports.s3), ("s3_admin", ports.s3_admin))
        if not is_free(port)
    ]
    if taken:
        raise StackError("The cluster's pages want ports that are taken.\n" + "\n".join(taken))


def addresses(programs: Programs) -> dict[str, str]:
    """Where the cluster's pages are on this machine, by name: `127.0.0.1:8080`, as Docker publishes them."""
    node = f"{CLUSTER}-control-plane"
    return {
        name: programs.run("docker", "port", node, f"{port}/tcp").split()[0]
        for name, port in NODE_PORTS.items()
    }


def build_images(programs: Programs, say: Say) -> dict[str, str]:
    """Build both images and put them into the cluster; returns each one's tag, made of its content."""
    tags = {}
    for image, folder in IMAGES.items():
        say(f"Building the image {image}")
        marked = f"{image}:local"
        programs.run(
            "docker", "build", "--tag", marked, "--label", LABEL, str(folder), seconds=3600, shown=True
        )
        found = programs.run("docker", "image", "inspect", "--format", "{{.Id}}", marked).strip()
        tags[image] = found.rpartition(":")[2][:12]
        programs.run("docker", "tag", marked, f"{image}:{tags[image]}")
    say("Putting the images into the cluster")
    names = [f"{image}:{tag}" for image, tag in tags.items()]
    programs.run("kind", "load", "docker-image", *names, "--name", CLUSTER, seconds=900)
    return tags


def delete(programs: Programs, say: Say) -> None:
    """Remove cluster, images and state; what is gone already is no error."""
    if exists(programs):
        say(f"Deleting the cluster {CLUSTER}, with all that is in it")
        programs.run("kind", "delete", "cluster", "--name", CLUSTER, seconds=300)
    else:
        say(f"There is no cluster {CLUSTER}")
    listing = ("docker", "image", "ls", "--filter", f"label={LABEL}", "--format", "{{.Repository}}:{{.Tag}}")
    for image in programs.run(*listing).split():
        say(f"Removing the image {image}")
        programs.run("docker", "image", "rm", image, seconds=120)
    left = programs.run(
        "docker", "ps", "--all", "--quiet", "--filter", f"label=io.x-k8s.kind.cluster={CLUSTER}"
    )
    if left.strip() or exists(programs):
        raise StackError(
            f"The cluster {CLUSTER} is not gone: containers {' '.join(left.split()) or 'unknown'}."
        )
    _remove_state(programs.kubeconfig)


def _remove_state(kubeconfig: Path) -> None:
    kubeconfig.unlink(missing_ok=True)
    if kubeconfig.parent.is_dir() and not any(kubeconfig.parent.iterdir()):
        kubeconfig.parent.rmdir()
