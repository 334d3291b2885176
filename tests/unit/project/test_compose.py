"""Both compose files: services on 127.0.0.1, pinned, unprivileged, checked, as the connections say."""

import ast
import json
import re
import subprocess
import sys

import pytest
import yaml

from services.local import airflow_env, celery_workers
from services.local.home import Credentials, Home
from services.local.ports import Ports
from services.local.seaweedfs import BUCKETS
from tests.project_files import PROJECT, repository_files

ASTRO, CELERY = "docker-compose.override.yml", "docker-compose.celery.yml"
# Services of the CLI's own compose file, which the override may add to.
OF_THE_CLI = {"postgres", "db-migration", "scheduler", "dag-processor", "api-server", "triggerer"}
# Images whose start gives up root by itself.
LEAVES_ROOT = ("chrislusf/seaweedfs:",)
AIRFLOW = "wildfire-lake:3.3-8"
OWN_IMAGES = {"wildfire-lake:local", "wildfires-api:local"}  # built on the spot, pulled from nowhere
EXACT_TAG = re.compile(r"^[\w./-]+:v?\d+\.\d+[\w.-]*(@sha256:[0-9a-f]{64})?$")


def text_of(file):
    return (PROJECT / file).read_text()


def interpolated(text):
    """With the default of each ``${NAME:-default}``, as compose reads it when the shell has no NAME."""
    return re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", text).replace("$$", "$")


def services_in(text):
    """As compose has them: anchors merged, defaults put in, `extends` followed into the other file."""
    services = yaml.safe_load(interpolated(text))["services"]
    for name, service in services.items():
        if other := service.pop("extends", None):
            services[name] = services_in(text_of(other["file"]))[other["service"]] | service
    return services


def runs_unprivileged(service):
    """As a user other than root, by number or by its image."""
    other = re.fullmatch(r"[1-9]\d*:[1-9]\d*", str(service.get("user", "")))
    return bool(other) or (service["image"].startswith((*LEAVES_ROOT, AIRFLOW)) and "user" not in service)


def problems(text):
    """What would make a service reachable from elsewhere, change with the day, or start too early."""
    found = []
    services = services_in(text)
    for name, service in services.items():
        found += [
            f"{name} publishes {port} on every interface"
            for port in service.get("ports", [])
            if not re.fullmatch(r"127\.0\.0\.1:\d+:\d+", str(port))
        ]
        for needed, how in service.get("depends_on", {}).items():
            if how["condition"] not in ("service_healthy", "service_completed_successfully"):
                found.append(f"{name} does not wait until {needed} is ready")
            if how["condition"] == "service_healthy" and "healthcheck" not in services.get(needed, {}):
                found.append(f"{name} waits for the health of {needed}, which has no check")
        if name in OF_THE_CLI and "image" not in service:
            continue
        if not EXACT_TAG.match(service.get("image", "")):
            found.append(f"{name} has no image of an exact version")
        elif not runs_unprivileged(service):
            found.append(f"{name} may run as root")
        if "no-new-privileges:true" not in service.get("security_opt", []):
            found.append(f"{name} may become root")
        if service.get("healthcheck", {"test": ["CMD-SHELL"]}).get("test", [None])[0] != "CMD-SHELL":
            found.append(f"{name} has a health check whose words podman splits at spaces")
        if service["networks"] != ["airflow"]:
            found.append(f"{name} is not in the network of Airflow alone")
    return found


@pytest.mark.parametrize("file", [ASTRO, CELERY])
def test_the_file_is_valid_and_careful(file):
    assert problems(text_of(file)) == []
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", file]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("file", "right", "wrong"),
    [
        (ASTRO, "127.0.0.1:${S3_PORT", "${S3_PORT"),
        (ASTRO, "127.0.0.1:${API_PORT", "0.0.0.0:${API_PORT"),
        (ASTRO, "seaweedfs:4.48", "seaweedfs:latest"),
        (ASTRO, "chrislusf/seaweedfs:4.48", "chrislusf/seaweedfs"),
        (ASTRO, "image: python:3.12.12-slim-bookworm", "build: services/wildfires_api"),
        (ASTRO, 'user: "65534:65534"', 'user: "0:0"'),
        (ASTRO, 'user: "65534:65534"', "x-user: 65534"),
        (ASTRO, "no-new-privileges:true", "no-new-privileges:false"),
        (ASTRO, "    healthcheck:", "    x-healthcheck:"),
        (ASTRO, "CMD-SHELL", "CMD"),
        (ASTRO, "- airflow\n", "- default\n"),
        (ASTRO, "condition: service_healthy", "condition: service_started"),
        (ASTRO, "    depends_on:\n      wildfires-api:", "    depends_on:\n      wildfires:"),
        (CELERY, "127.0.0.1:${AIRFLOW_PORT", "${AIRFLOW_PORT"),
        (CELERY, "postgres:17.6-bookworm", "postgres"),
        (CELERY, "wildfire-lake:3.3-8", "wildfire-lake"),
        (CELERY, "  cap_drop: [ALL]\n  security_opt:", "  x-security:"),
        (CELERY, "valkey: {condition: service_healthy}", "redis: {condition: service_healthy}"),
    ],
)
def test_a_mistake_shows(file, right, wrong):
    assert right in text_of(file)
    assert problems(text_of(file).replace(right, wrong))


def connections():
    """Those of .env.example, which are those of airflow_settings.yaml too: see test_settings.py."""
    lines = re.findall(r"^AIRFLOW_CONN_(\w+)=(.*)$", text_of(".env.example"), re.MULTILINE)
    return {name.lower(): json.loads(value) for name, value in lines}


@pytest.mark.parametrize("file", [ASTRO, CELERY])
def test_connections_reach_these_services(file):
    services, known = services_in(text_of(file)), connections()
    api, lake, warehouse = (known[name] for name in ("wildfires_api", "locals3", "warehouse"))
    assert str(services[api["host"]]["ports"][0]).endswith(f":{api['port']}")
    host, port = re.fullmatch(r"http://([\w-]+):(\d+)", lake["extra"]["endpoint_url"]).groups()
    assert f"-s3.port={port}" in services[host]["command"]
    keys = services[host]["environment"]
    assert (keys["AWS_ACCESS_KEY_ID"], keys["AWS_SECRET_ACCESS_KEY"]) == (lake["login"], lake["password"])
    database = services[warehouse["host"]]
    assert str(database["ports"][0]).endswith(f":{warehouse['port']}")
    named = {"POSTGRES_USER": "login", "POSTGRES_DB": "schema", "POSTGRES_PASSWORD": "password"}
    assert {name: database["environment"][name] for name in named} == {
        name: warehouse[field] for name, field in named.items()
    }
    waits = services["scheduler" if file == ASTRO else "db-migration"]["depends_on"]
    assert {api["host"], host, warehouse["host"]} <= set(waits)


# The Astro CLI's ----------------------------------------------------------------------------------------


def test_buckets_are_those_of_the_local_stack():
    assert f"-bucket={','.join(BUCKETS)}" in services_in(text_of(ASTRO))["seaweedfs"]["command"]


def test_rows_are_20000_unless_the_shell_says_more():
    api = services_in(text_of(ASTRO))["wildfires-api"]
    assert api["environment"]["WILDFIRES_ROWS"] == 20000
    assert '--generate-if-missing "$WILDFIRES_ROWS"' in api["command"][-1]


def third_party_imports(folder):
    """Top-level names of the packages that a folder's modules import."""
    names = set()
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                names |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names.add(node.module.partition(".")[0])
    return names - set(sys.stdlib_module_names) - {"include", "services"}


def test_the_api_finds_what_it_imports_at_the_locked_versions():
    installed = dict(re.findall(r"([a-z]+)==([\d.]+)", text_of(ASTRO)))
    brought_along = {"starlette", "pydantic"}  # by fastapi
    assert third_party_imports(PROJECT / "services" / "wildfires_api") - brought_along <= set(installed)
    lock = text_of("requirements/run.lock")
    for name, version in installed.items():
        assert re.search(rf"^{name}=={re.escape(version)}\b", lock, re.MULTILINE), (name, version)


def test_the_cli_does_not_meet_the_celery_stack():
    """The CLI reads the override alone, and cannot choose profiles."""
    assert "celery" not in text_of(ASTRO).lower()
    assert [name for name, each in services_in(text_of(ASTRO)).items() if "profiles" in each] == []


# Celery's -----------------------------------------------------------------------------------------------


def airflow_services():
    return {name: each for name, each in services_in(text_of(CELERY)).items() if each["image"] == AIRFLOW}


def test_every_process_of_airflow_is_there_and_waits_for_the_database():
    services = airflow_services()
    assert set(services) == {"db-migration", "api-server", "scheduler", "dag-processor", "worker"}
    assert services["worker"]["deploy"]["replicas"] == 3
    assert [name for name, each in services.items() if "build" in each] == ["db-migration"]
    waits = {"db-migration": {"condition": "service_completed_successfully"}}
    assert [each["depends_on"] for name, each in services.items() if name != "db-migration"] == [waits] * 4
    assert AIRFLOW.rpartition(":")[2] == re.search(r"runtime:([\d.]+-\d+)", text_of("Dockerfile"))[1]
    assert {tuple(each["env_file"]) for each in services.values()} == {(".env.example",)}


def test_the_engine_is_that_of_the_local_stack(tmp_path):
    environment = airflow_services()["worker"]["environment"]
    assert environment["AIRFLOW__CORE__PARALLELISM"] == str(airflow_env.PARALLELISM)
    for section, settings in celery_workers.sections(Home(tmp_path), Ports(), Credentials.generate()).items():
        for name, value in settings.items():
            if name not in ("broker_url", "result_backend"):
                assert environment[f"AIRFLOW__{section.upper()}__{name.upper()}"] == str(value), name


def test_addresses_and_passwords_fit_their_services():
    services = services_in(text_of(CELERY))
    environment, database = services["worker"]["environment"], services["postgres"]["environment"]
    login = f"{database['POSTGRES_USER']}:{database['POSTGRES_PASSWORD']}"
    expected = f"postgresql://{login}@postgres:5432/{database['POSTGRES_DB']}"
    assert environment["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] == expected
    key, command = services["valkey"]["environment"]["REDISCLI_AUTH"], services["valkey"]["command"]
    assert environment["AIRFLOW__CELERY__BROKER_URL"] == f"redis://:{key}@valkey:6379/0"
    assert command[command.index("--requirepass") + 1] == key
    assert len(environment["AIRFLOW__API_AUTH__JWT_SECRET"]) >= 64


def test_every_image_named_anywhere_is_pinned():
    pattern = re.compile(r"""^[ \t]*-?[ \t]*image:[ \t]*["']?([^\s"'#{]+)""", re.MULTILINE)
    files = [path for path in repository_files() if path.suffix in {".yaml", ".yml"}]
    named = [(str(path), image) for path in files for image in pattern.findall(text_of(path))]
    assert [each for each in named if not EXACT_TAG.match(each[1]) and each[1] not in OWN_IMAGES] == []
