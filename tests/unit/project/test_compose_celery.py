"""docker-compose.celery.yml: the engine of `make run-celery`, in a file that the Astro CLI never reads."""

import base64
import json
import re
import subprocess
import sys

import pytest
import yaml

from tests.project_files import PROJECT, needs_the_repository
from tests.unit.project.test_compose import COMPOSE, EXACT_TAG, interpolated, runs_unprivileged

pytestmark = needs_the_repository

FILE = "docker-compose.celery.yml"
IMAGE = "wildfire-lake:3.3-8"


def text_of_file():
    return (PROJECT / FILE).read_text()


def loaded(text):
    """As compose has it: anchors merged, defaults put in, `extends` followed into the other file."""
    document = yaml.safe_load(interpolated(text))
    for name, service in document["services"].items():
        if "extends" in service:
            other = yaml.safe_load(interpolated((PROJECT / service["extends"]["file"]).read_text()))
            rest = {key: value for key, value in service.items() if key != "extends"}
            document["services"][name] = other["services"][service["extends"]["service"]] | rest
    return document


def problems(text):
    """What would open a service to others, change with the day, start too early or hide a missing part."""
    document = loaded(text)
    found = []
    for name, service in document["services"].items():
        found += [
            f"{name} publishes {port} on every interface"
            for port in service.get("ports", [])
            if not re.fullmatch(r"127\.0\.0\.1:\d+:\d+", str(port))
        ]
        if not EXACT_TAG.match(service.get("image", "")):
            found.append(f"{name} has no image of an exact version")
        if service.get("image") != IMAGE and not runs_unprivileged(service):
            found.append(f"{name} may run, or become, root")
        if "no-new-privileges:true" not in service.get("security_opt", []):
            found.append(f"{name} may gain privileges")
        if not set(service.get("networks", ["default"])) <= set(document["networks"]):
            found.append(f"{name} is in a network that is not declared")
        for volume in service.get("volumes", []):
            source = volume.partition(":")[0]
            if not source.startswith((".", "/")) and source not in document["volumes"]:
                found.append(f"{name} uses a volume that is not declared")
        for needed, how in service.get("depends_on", {}).items():
            condition = how["condition"]
            if needed not in document["services"]:
                found.append(f"{name} waits for {needed}, which is no service here")
            elif condition == "service_healthy" and "healthcheck" not in document["services"][needed]:
                found.append(f"{name} waits for the health of {needed}, which has no check")
            elif condition not in ("service_healthy", "service_completed_successfully"):
                found.append(f"{name} does not wait until {needed} is ready")
    return found


def test_the_file_is_valid_and_careful():
    assert problems(text_of_file()) == []
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]
    done = subprocess.run([*command, FILE, COMPOSE], cwd=PROJECT, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("127.0.0.1:${AIRFLOW_PORT", "${AIRFLOW_PORT"),
        ("valkey/valkey:8.1.4", "valkey/valkey:latest"),
        ("postgres:17.6-bookworm", "postgres"),
        ('user: "999:1000"', 'user: "0:0"'),
        ("wildfire-lake:3.3-8", "wildfire-lake"),
        ("  cap_drop: [ALL]\n  security_opt:", "  x-security:"),
        ("networks: [airflow]\n  volumes:", "networks: [other]\n  volumes:"),
        ("  airflow_logs:\n", ""),
        ("postgres: {condition: service_healthy}", "postgres: {condition: service_started}"),
        ("valkey: {condition: service_healthy}", "redis: {condition: service_healthy}"),
    ],
)
def test_a_mistake_shows(right, wrong):
    assert right in text_of_file()
    assert problems(text_of_file().replace(right, wrong, 1))


def airflow_services():
    return {name: each for name, each in loaded(text_of_file())["services"].items() if each["image"] == IMAGE}


def test_every_process_of_airflow_is_there_and_waits_for_the_database():
    services = airflow_services()
    assert set(services) == {"db-migration", "api-server", "scheduler", "dag-processor", "worker"}
    assert services["worker"]["deploy"]["replicas"] == 3
    assert [name for name, each in services.items() if "build" in each] == ["db-migration"]
    for name in services.keys() - {"db-migration"}:
        assert services[name]["depends_on"] == {
            "db-migration": {"condition": "service_completed_successfully"}
        }
    base = re.search(r"runtime:([\d.]+-\d+)", (PROJECT / "Dockerfile").read_text())[1]
    assert IMAGE.endswith(f":{base}")


def test_the_engine_is_that_of_the_local_stack(tmp_path):
    stack = pytest.importorskip("services.local.airflow_env")
    from services.local import celery_workers
    from services.local.home import Credentials, Home
    from services.local.ports import Ports

    home = Home(tmp_path)
    environment = airflow_services()["worker"]["environment"]
    assert environment["AIRFLOW__CORE__PARALLELISM"] == str(stack.PARALLELISM)
    for section, settings in celery_workers.sections(home, Ports(), Credentials.generate()).items():
        for name, value in settings.items():
            if name not in ("broker_url", "result_backend"):
                assert environment[f"AIRFLOW__{section.upper()}__{name.upper()}"] == str(value), name


def test_connections_reach_these_services():
    (env_file,) = airflow_services()["worker"]["env_file"]
    lines = (PROJECT / env_file).read_text().splitlines()
    values = {
        name: json.loads(value)
        for name, _, value in (line.partition("=") for line in lines)
        if name.startswith("AIRFLOW_CONN_")
    }
    services = loaded(text_of_file())["services"]
    endpoint = values["AIRFLOW_CONN_LOCALS3"]["extra"]["endpoint_url"]
    hosts = {value["host"] for value in values.values() if "host" in value}
    hosts.add(re.match(r"http://([\w-]+):", endpoint)[1])
    assert hosts == {"wildfires-api", "seaweedfs", "warehouse-db"}
    assert hosts <= set(services["db-migration"]["depends_on"])
    keys = services["seaweedfs"]["environment"]
    assert keys["AWS_ACCESS_KEY_ID"] == values["AIRFLOW_CONN_LOCALS3"]["login"]


def test_addresses_and_passwords_fit_their_services():
    services = loaded(text_of_file())["services"]
    environment = services["worker"]["environment"]
    database = services["postgres"]["environment"]
    user, password = database["POSTGRES_USER"], database["POSTGRES_PASSWORD"]
    expected = f"postgresql://{user}:{password}@postgres:5432/{database['POSTGRES_DB']}"
    assert environment["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] == expected
    key = services["valkey"]["environment"]["REDISCLI_AUTH"]
    assert environment["AIRFLOW__CELERY__BROKER_URL"] == f"redis://:{key}@valkey:6379/0"
    command = services["valkey"]["command"]
    assert command[command.index("--requirepass") + 1] == key
    assert len(base64.urlsafe_b64decode(environment["AIRFLOW__CORE__FERNET_KEY"])) == 32
    assert len(environment["AIRFLOW__API_AUTH__JWT_SECRET"]) >= 64


def test_the_cli_does_not_meet_it():
    """The CLI reads docker-compose.override.yml alone: nothing in there may need this file."""
    override = yaml.safe_load(interpolated((PROJECT / COMPOSE).read_text()))
    assert "celery" not in (PROJECT / COMPOSE).read_text().lower()
    assert [name for name, service in override["services"].items() if "profiles" in service] == []
