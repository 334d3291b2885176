"""docker-compose.override.yml: services on 127.0.0.1, pinned, checked, as the connections say."""

import ast
import json
import re
import sys

import pytest
import yaml

from tests.project_files import PROJECT, needs_the_repository, repository_files

pytestmark = needs_the_repository

COMPOSE = "docker-compose.override.yml"
# Services of the CLI's own compose file, which the override may add to.
OF_THE_CLI = {"postgres", "db-migration", "scheduler", "dag-processor", "api-server", "triggerer"}
# Images whose start gives up root by itself.
LEAVES_ROOT = ("chrislusf/seaweedfs:",)
OWN_IMAGES = {"wildfire-lake:local", "wildfires-api:local"}  # built on the spot, pulled from nowhere
EXACT_TAG = re.compile(r"^[\w./-]+:v?\d+\.\d+[\w.-]*(@sha256:[0-9a-f]{64})?$")


def compose_text():
    return (PROJECT / COMPOSE).read_text()


def interpolated(text):
    """With the default of each ``${NAME:-default}``, as compose reads it when the shell has no NAME."""
    return re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", text).replace("$$", "$")


def runs_unprivileged(service):
    """As a user other than root, by number or by its image, and without a way back to root."""
    other = re.fullmatch(r"[1-9]\d*:[1-9]\d*", str(service.get("user", "")))
    leaves = service.get("image", "").startswith(LEAVES_ROOT) and "user" not in service
    return bool(other or leaves) and "no-new-privileges:true" in service.get("security_opt", [])


def problems(text):
    """What would make a service reachable from elsewhere, change with the day, or start too early."""
    found = []
    services = yaml.safe_load(interpolated(text))["services"]
    for name, service in services.items():
        found += [
            f"{name} publishes {port} on every interface"
            for port in service.get("ports", [])
            if not re.fullmatch(r"127\.0\.0\.1:\d+:\d+", str(port))
        ]
        for needed, how in service.get("depends_on", {}).items():
            if needed not in services:
                found.append(f"{name} waits for {needed}, which is no service here")
            elif how != {"condition": "service_healthy"}:
                found.append(f"{name} does not wait until {needed} is healthy")
        if name in OF_THE_CLI:
            continue
        if not EXACT_TAG.match(service.get("image", "")):
            found.append(f"{name} has no image of an exact version")
        if not runs_unprivileged(service):
            found.append(f"{name} may run, or become, root")
        if service.get("healthcheck", {}).get("test", [None])[0] != "CMD-SHELL":
            found.append(f"{name} has no health check, or one whose words podman splits at spaces")
        if service.get("networks") != ["airflow"]:
            found.append(f"{name} is not in the CLI's network alone")
        if "build" in service:
            found.append(f"{name} would have to be built, which the CLI does not do")
    return found


def test_compose_file():
    assert problems(compose_text()) == []


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("127.0.0.1:${S3_PORT", "${S3_PORT"),
        ("127.0.0.1:${API_PORT", "0.0.0.0:${API_PORT"),
        ("seaweedfs:4.48", "seaweedfs:latest"),
        ("chrislusf/seaweedfs:4.48", "chrislusf/seaweedfs"),
        ("image: python:3.12.12-slim-bookworm", "build: services/wildfires_api"),
        ('user: "65534:65534"', 'user: "0:0"'),
        ('user: "65534:65534"', "x-user: 65534"),
        ("no-new-privileges:true", "no-new-privileges:false"),
        ("    healthcheck:", "    x-healthcheck:"),
        ("CMD-SHELL", "CMD"),
        ("- airflow\n", "- default\n"),
        ("condition: service_healthy", "condition: service_started"),
        ("    depends_on:\n      wildfires-api:", "    depends_on:\n      wildfires:"),
    ],
)
def test_a_mistake_shows(right, wrong):
    text = compose_text()
    assert right in text
    assert problems(text.replace(right, wrong))


def test_connections_reach_these_services():
    compose = yaml.safe_load(interpolated(compose_text()))["services"]
    settings = yaml.safe_load((PROJECT / "airflow_settings.yaml").read_text())["airflow"]["connections"]
    api, lake = ({c["conn_id"]: c for c in settings}[name] for name in ("wildfires_api", "locals3"))
    assert api["conn_host"] in compose
    assert str(compose[api["conn_host"]]["ports"][0]).endswith(f":{api['conn_port']}")
    host, port = re.fullmatch(
        r"http://([\w-]+):(\d+)", json.loads(lake["conn_extra"])["endpoint_url"]
    ).groups()
    store = compose[host]
    assert f"-s3.port={port}" in store["command"]
    assert store["environment"]["AWS_ACCESS_KEY_ID"] == lake["conn_login"]
    assert store["environment"]["AWS_SECRET_ACCESS_KEY"] == lake["conn_password"]


def test_the_warehouse_is_the_connections():
    compose = yaml.safe_load(interpolated(compose_text()))["services"]
    settings = yaml.safe_load((PROJECT / "airflow_settings.yaml").read_text())["airflow"]["connections"]
    (connection,) = (each for each in settings if each["conn_id"] == "warehouse")
    server = compose[connection["conn_host"]]
    assert str(server["ports"][0]).endswith(f":{connection['conn_port']}")
    assert (
        server["environment"].items()
        >= {
            "POSTGRES_USER": connection["conn_login"],
            "POSTGRES_DB": connection["conn_schema"],
            "POSTGRES_PASSWORD": connection["conn_password"],
        }.items()
    )


def test_buckets_are_those_of_the_local_stack():
    from services.local.seaweedfs import BUCKETS

    command = yaml.safe_load(interpolated(compose_text()))["services"]["seaweedfs"]["command"]
    assert f"-bucket={','.join(BUCKETS)}" in command


def test_rows_are_20000_unless_the_shell_says_more():
    api = yaml.safe_load(interpolated(compose_text()))["services"]["wildfires-api"]
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
    installed = dict(re.findall(r"([a-z]+)==([\d.]+)", compose_text()))
    brought_along = {"starlette", "pydantic"}  # by fastapi
    assert third_party_imports(PROJECT / "services" / "wildfires_api") - brought_along <= set(installed)
    lock = (PROJECT / "requirements" / "run.lock").read_text()
    for name, version in installed.items():
        assert re.search(rf"^{name}=={re.escape(version)}\b", lock, re.MULTILINE), (
            f"{name}=={version} is not the lock's"
        )


def test_every_image_named_anywhere_is_pinned():
    loose = []
    for path in repository_files():
        if path.suffix not in {".yaml", ".yml"}:
            continue
        for image in re.findall(
            r"""^[ \t]*-?[ \t]*image:[ \t]*["']?([^\s"'#{]+)""", (PROJECT / path).read_text(), re.MULTILINE
        ):
            if not EXACT_TAG.match(image) and image not in OWN_IMAGES:
                loose.append(f"{path}: {image}")
    assert loose == []
