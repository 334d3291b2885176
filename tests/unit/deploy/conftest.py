"""Connections of a deployment, exported in every form."""

import json
import os

import pytest

from tests.project_files import PROJECT

FORMS = {"connections.env", "connections.json", "secret.yaml", "astro.sh"}
# Characters that shells, readers of .env files, YAML and JSON each take for something else.
PASSWORD = "p'a\"s`s$HOME #{w}\\o=rd: ü\n%"
GIVEN = {
    "wildfires_api": {
        "conn_type": "http",
        "host": "https://fires.example.com",
        "schema": "https",
        "port": 8443,
    },
    "locals3": {
        "conn_type": "aws",
        "login": "AKIA4EXAMPLE",
        "password": PASSWORD,
        "extra": {"region_name": "eu-central-1", "config_kwargs": {"retries": {"max_attempts": 3}}},
    },
    "warehouse": {
        "conn_type": "postgres",
        "host": "db.example.com",
        "login": "airflow",
        "password": PASSWORD,
        "schema": "fires",
        "port": 5432,
        "extra": {"sslmode": "require"},
    },
    "lake_catalog": {
        "conn_type": "generic",
        "login": "lake",
        "password": PASSWORD,
        "extra": {
            "type": "rest",
            "uri": "https://catalog.example.com",
            "credential": "{login}:{password}",
        },
    },
    "fires_api": {
        "conn_type": "http",
        "host": "https://x.example.com",
        "extra": {"Authorization": "Bearer t#$"},
    },
}


@pytest.fixture(autouse=True)
def no_connections_from_outside(monkeypatch):
    for name in list(os.environ):
        if name.startswith("AIRFLOW_CONN_"):
            monkeypatch.delenv(name)


def write_env(path, connections):
    lines = [f"AIRFLOW_CONN_{name.upper()}={json.dumps(fields)}" for name, fields in connections.items()]
    path.write_text("# production\n\n" + "\n".join(lines) + "\n")
    return path


@pytest.fixture
def exported(tmp_path):
    folder = tmp_path / "out"
    from services.local.__main__ import main

    assert (
        main(["export-config", "--file", str(write_env(tmp_path / "env", GIVEN)), "--folder", str(folder)])
        == 0
    )
    return folder


@pytest.fixture
def pools():
    """(slots, description) of every pool, by name."""
    found = json.loads((PROJECT / "pools.json").read_text())
    return {name: (pool["slots"], pool["description"]) for name, pool in found.items()}
