"""supervisord's configuration: each program with what it needs."""

import os
import subprocess
from configparser import RawConfigParser
from pathlib import Path

import pytest

from services.local import airflow_env, programs
from services.local.home import Credentials, Home
from services.local.ports import Ports
from services.local.supervise import configuration

SEEN = {
    "s3": {"s3_access_key", "s3_secret_key", "s3_signing_key"},
    "s3-admin": {"s3_admin_password", "s3_signing_key"},
    "api": set(),
    "postgres": set(),
    "valkey": set(),
    "api-server": {
        "postgres_password",
        "valkey_password",
        "jwt_secret",
        "api_secret_key",
        "fernet_key",
    },
    "scheduler": {"postgres_password", "valkey_password", "jwt_secret", "fernet_key"},
    "worker-1": {"postgres_password", "valkey_password"},
}


@pytest.fixture
def environments(home: Home, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What each program of a stack with workers is started with, as text, by its name."""
    monkeypatch.setenv("A_TOKEN_OF_THE_CALLER", "of-the-caller")
    ports, credentials, executor = Ports.free(), Credentials.load(home), "CeleryExecutor"
    where = (home, ports, credentials, executor, "up")
    own = airflow_env.airflow_environment(home, ports, credentials, schedules=True, executor=executor)
    environment = airflow_env.clean_environment(home) | own
    found = [*programs.servers(*where), *programs.airflow(*where)]
    parsed = RawConfigParser()
    parsed.read_string(configuration(home, found, list(environment), str(home.root)))
    printed = {}
    for program in found:
        command = parsed[f"program:{program.name}"]["command"].replace("%%", "%")
        before = command[: command.index(program.command[0])]
        done = subprocess.run(
            f"{before} env", shell=True, env=environment | program.environment, capture_output=True, text=True
        )
        printed[program.name] = done.stdout
    return printed


@pytest.mark.parametrize("name", SEEN)
def test_a_program_gets_the_secrets_that_it_needs(
    home: Home, environments: dict[str, str], name: str
) -> None:
    secrets = vars(Credentials.load(home))
    assert {each for each, value in secrets.items() if value in environments[name]} == SEEN[name]


@pytest.mark.parametrize("name", ["s3", "api", "postgres", "valkey"])
def test_a_server_gets_nothing_of_who_started_the_stack(environments: dict[str, str], name: str) -> None:
    assert "of-the-caller" not in environments[name]
    assert str(Path(os.environ["PATH"].split(os.pathsep)[0])) in environments[name]
