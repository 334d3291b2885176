"""`make export-config`: Airflow itself imports what it writes, and every reader reads the same."""

import json
import os
import subprocess
import sys

import pytest
import yaml
from airflow.sdk import Connection

from tests.env_files import readings
from tests.project_files import PROJECT
from tests.unit.deploy.conftest import FORMS, GIVEN

export = pytest.importorskip(
    "services.deploy.export", reason="needs services/, which the Astro image does not carry"
)


def fields_of(connection):
    """The fields of an Airflow connection that are set."""
    names = ("conn_type", "host", "schema", "login", "password", "port")
    fields = {name: getattr(connection, name) for name in names if getattr(connection, name) is not None}
    return fields | ({"extra": json.loads(connection.extra)} if connection.extra else {})


def test_every_form_is_written_for_the_owner_alone_and_never_committed(exported):
    assert {path.name for path in exported.iterdir()} == FORMS | {".gitignore"}
    assert {path.stat().st_mode & 0o777 for path in exported.iterdir()} == {0o600}
    assert exported.stat().st_mode & 0o777 == 0o700
    assert (exported / ".gitignore").read_text() == "*\n"


def test_git_and_docker_ignore_the_folder():
    assert export.FOLDER == PROJECT / ".deploy"
    for ignored in (".gitignore", ".dockerignore"):
        assert ".deploy/" in (PROJECT / ignored).read_text().splitlines()


IMPORT = """
import sys
from airflow.cli.cli_parser import get_parser

for command in sys.stdin.read().splitlines():
    arguments = get_parser().parse_args(command.split())
    arguments.func(arguments)
"""


def test_airflow_imports_the_connections_into_a_fresh_database(exported, tmp_path):
    commands = [
        "db migrate",
        f"connections import {exported}/connections.json",
        f"connections import --overwrite {exported}/connections.json",  # and again, as an update
        f"connections export {tmp_path}/connections.json",
    ]
    kept = {k: v for k, v in os.environ.items() if not k.startswith("AIRFLOW")}
    ran = subprocess.run(
        [sys.executable, "-c", IMPORT],
        input="\n".join(commands),
        env=kept | {"AIRFLOW_HOME": str(tmp_path / "home"), "AIRFLOW__CORE__LOAD_EXAMPLES": "False"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert ran.returncode == 0, ran.stdout[-2000:] + ran.stderr[-2000:]
    connections = json.loads((tmp_path / "connections.json").read_text())
    assert {
        name: fields_of(Connection(conn_id=name, **without_empty(each))) for name, each in connections.items()
    } == GIVEN


def without_empty(fields):
    return {name: value for name, value in fields.items() if value not in (None, "")}


def test_lines_of_the_environment_mean_the_same_to_every_reader(exported):
    seen = {}
    for line in (exported / "connections.env").read_text().splitlines():
        name, _, value = line.partition("=")
        if not line.startswith("#"):
            (value,) = readings(value)
            conn_id = name.removeprefix("AIRFLOW_CONN_").lower()
            seen[conn_id] = fields_of(Connection.from_json(value, conn_id=conn_id))
    assert seen == GIVEN


def test_the_secret_is_valid_and_holds_the_connections(exported):
    import kubernetes_validate  # not in the image, where this file is collected and skipped

    secret = yaml.safe_load((exported / "secret.yaml").read_text())
    kubernetes_validate.validate(secret, kubernetes_validate.latest_version(), strict=True)
    assert secret["metadata"]["name"] == "airflow-connections"
    seen = {
        name.removeprefix("AIRFLOW_CONN_").lower(): fields_of(Connection.from_json(value))
        for name, value in secret["stringData"].items()
    }
    assert seen == GIVEN
