"""`make compose-test`: starts the compose files, copies through each, verifies the copy, removes everything.

Images that cannot be pulled are replaced by stand-ins (stand_in/).
"""

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import minio
import pytest

from include.pools import wanted
from services import connections
from services.local.airflow_api import AirflowApi
from services.local.errors import StackError
from services.local.ports import HOST, free_ports
from services.local.read_back import read_back
from tests.images import engine
from tests.project_files import PROJECT
from tests.waiting import until

OWN_IMAGES = ("wildfire-lake:local", "wildfire-lake:3.3-8")  # as the files name the project's
PORTS = ("AIRFLOW_PORT", "API_PORT", "S3_PORT", "S3_ADMIN_PORT", "WAREHOUSE_PORT")
# Airflow's first start in containers, beside the installation of the sample API.
START_SECONDS = 900
DAG = "wildfires_small_to_s3"


@dataclass(frozen=True)
class Project:
    """What is started together, and who applies airflow_settings.yaml: the CLI, or the files themselves."""

    name: str
    files: tuple[Path, ...]
    of_the_cli: bool


# The first is merged with a file of the shape that the CLI writes, as `astro dev start` does.
ASTRO_FILES = (engine.FILES / "astro-cli.yml", PROJECT / "docker-compose.override.yml")
ASTRO = Project("wildfire-lake-test-astro", ASTRO_FILES, of_the_cli=True)
CELERY = Project("wildfire-lake-test-celery", (PROJECT / "docker-compose.celery.yml",), of_the_cli=False)


@pytest.fixture(scope="module")
def docker() -> str:
    """Docker's program, with the plugin compose, and the project's image built."""
    program = engine.find("docker")
    if engine.quiet(program, "compose", "version").returncode != 0:
        pytest.exit("Cannot start compose files here: docker has no plugin compose.", engine.UNAVAILABLE)
    engine.build_image(program)
    return program


@pytest.fixture
def ports(docker: str, project: Project, tmp_path: Path) -> Iterator[dict[str, int]]:
    """The started stack's ports on this machine, by their variables; stack and volumes go at the end."""
    found = dict(zip(PORTS, free_ports(len(PORTS)), strict=True))
    environment = {**os.environ, **{name: str(port) for name, port in found.items()}, "PWD": str(PROJECT)}
    compose = [docker, "compose", "--project-directory", str(PROJECT), "--project-name", project.name]
    compose += [word for file in project.files for word in ("--file", str(file))]

    def run(*arguments: str, captured: bool = False) -> subprocess.CompletedProcess[str]:
        output = subprocess.PIPE if captured else None
        return subprocess.run([*compose, *arguments], env=environment, cwd=PROJECT, stdout=output, text=True)

    config = run("config", "--format", "json", captured=True)  # as compose itself reads the merged files
    services = json.loads(config.stdout)["services"]
    images = replacements(docker, {name: service["image"] for name, service in services.items()})
    overlay = tmp_path / "images.json"
    overlay.write_text(json.dumps({"services": {name: {"image": image} for name, image in images.items()}}))
    compose += ["--file", str(overlay)]
    try:
        assert run("up", "--detach", "--no-build").returncode == 0
        yield found
    finally:
        run("ps", "--all")
        run("logs", "--tail", "50")
        run("down", "--volumes", "--remove-orphans", "--timeout", "5")


def replacements(program: str, images: Mapping[str, str]) -> dict[str, str]:
    """Service → another image: the project's own as built, and stand-ins for what cannot be pulled."""
    own = {name: engine.IMAGE for name, image in images.items() if image in OWN_IMAGES}
    others = {name: image for name, image in images.items() if name not in own}
    at_hand = {image: engine.at_hand(program, image) for image in dict.fromkeys(others.values())}
    missing = {name: image for name, image in others.items() if not at_hand[image]}
    if missing:
        engine.build_services(program)
    python = {name for name, image in missing.items() if image.startswith("python:")}
    return own | {name: engine.base() if name in python else engine.SERVICES for name in missing}


@pytest.mark.parametrize("project", [ASTRO, CELERY], ids=lambda project: project.name)
def test_a_copy_through_the_files_is_read_back(project: Project, ports: dict[str, int]) -> None:
    api = AirflowApi(f"http://{HOST}:{ports['AIRFLOW_PORT']}")
    until(lambda: healthy(api), START_SECONDS)
    if project.of_the_cli:
        apply_settings(api)
    api.wait_for_dag(DAG, seconds=START_SECONDS)
    api.unpause(DAG)
    run = api.trigger(DAG, {"force": True})
    assert api.wait(run, START_SECONDS) == "success", api.task_instances(run)
    keys = next(each for each in connections.from_settings() if each.conn_id == "locals3").fields
    where = f"{HOST}:{ports['S3_PORT']}"
    store = minio.Minio(where, keys["login"], keys["password"], secure=False, region="us-east-1")
    found = read_back(store, api.xcom(run, "commit")["manifest"])
    assert found.findings == []
    assert found.manifest.rows == 20_000


def healthy(api: AirflowApi) -> bool:
    try:
        return bool(api.request("GET", "/monitor/health")["scheduler"]["status"] == "healthy")
    except StackError:
        return False


def apply_settings(api: AirflowApi) -> None:
    """As the CLI does once Airflow is healthy: the connections and pools of airflow_settings.yaml."""
    for name, pool in wanted().items():
        api.request("POST", "/pools", json={"name": name, **pool}, allowed=(409,))
    for each in connections.from_settings():
        api.put("/connections", "connection_id", {"connection_id": each.conn_id, **each.row})
