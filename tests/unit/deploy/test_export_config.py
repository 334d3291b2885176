"""`make export-config`: Airflow itself imports what it writes, and no local dummy gets out."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from airflow.sdk import Connection

from tests.env_files import readings
from tests.project_files import PROJECT

export = pytest.importorskip(
    "services.deploy.export", reason="needs services/, which the Astro image does not carry"
)

from services.deploy.__main__ import main  # noqa: E402
from services.deploy.connections import gather, read_environment  # noqa: E402
from services.stack.errors import SettingsError  # noqa: E402

FORMS = {"connections.env", "connections.json", "pools.json", "secret.yaml", "astro.sh"}
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
    "fires_api": {
        "conn_type": "http",
        "host": "https://x.example.com",
        "extra": {"Authorization": "Bearer t#$"},
    },
}
POOLS = {
    entry["pool_name"]: (entry["pool_slot"], entry["pool_description"])
    for entry in yaml.safe_load((PROJECT / "airflow_settings.yaml").read_text())["airflow"]["pools"]
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
    assert (
        main(["export-config", "--file", str(write_env(tmp_path / "env", GIVEN)), "--folder", str(folder)])
        == 0
    )
    return folder


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


def test_airflow_imports_both_files_into_a_fresh_database(exported, tmp_path):
    commands = [
        "db migrate",
        f"connections import {exported}/connections.json",
        f"pools import {exported}/pools.json",
        f"connections import --overwrite {exported}/connections.json",  # and again, as an update
        f"pools import {exported}/pools.json",
        f"connections export {tmp_path}/connections.json",
        f"pools export {tmp_path}/pools.json",
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
    pools = json.loads((tmp_path / "pools.json").read_text())
    pools.pop("default_pool")
    assert {name: (pool["slots"], pool["description"]) for name, pool in pools.items()} == POOLS


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


# Options of the Astro CLI, 1.46: cmd/cloud/env_conn.go and cmd/cloud/deployment_objects.go there.
SCOPE = {"--deployment-id"}
CONNECTION = {"--type", "--host", "--login", "--schema", "--port", "--extra"}
ASTRO_OPTIONS = {
    "env connection create": SCOPE | CONNECTION | {"--key"},
    "env connection update": SCOPE | CONNECTION,
    "deployment pool create": SCOPE | {"--name", "--slots", "--description"},
    "deployment pool update": SCOPE | {"--name", "--slots", "--description"},
}
# In the place of the CLI: notes its arguments and what comes through the pipe, and refuses to create twice.
FAKE_ASTRO = f"""#!{sys.executable}
import json, os, sys

piped = sys.stdin.read() if sys.argv[1] == "env" else ""
with open(os.environ["CALLS"], "a") as calls:
    calls.write(json.dumps([sys.argv[1:], piped]) + "\\n")
sys.exit(sys.argv[3] == "create" and "exists" in os.environ)
"""


def run_astro(folder, tmp_path, *arguments, **environment):
    """(exit status, standard error, [(command, options, text through the pipe)])."""
    programs = tmp_path / "programs"
    programs.mkdir(exist_ok=True)
    (programs / "astro").write_text(FAKE_ASTRO)
    (programs / "astro").chmod(0o755)
    calls = tmp_path / "calls"
    calls.write_text("")
    path = f"{programs}{os.pathsep}{os.environ['PATH']}"
    ran = subprocess.run(
        [shutil.which("sh"), str(folder / "astro.sh"), *arguments],
        env=os.environ | {"PATH": path, "CALLS": str(calls)} | environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    seen = []
    for words, piped in map(json.loads, calls.read_text().splitlines()):
        positional = words[3:4] if words[:3] == ["env", "connection", "update"] else []
        rest = words[3 + len(positional) :]
        options = dict(zip(rest[::2], rest[1::2], strict=True)) | (
            {"--key": positional[0]} if positional else {}
        )
        assert set(rest[::2]) <= ASTRO_OPTIONS[" ".join(words[:3])]
        seen.append((" ".join(words[:3]), options, piped))
    return ran.returncode, ran.stderr, seen


def connection_of(options, piped):
    """What the CLI makes of a connection's options."""
    names = {"--type": "conn_type", "--host": "host", "--schema": "schema", "--login": "login"}
    fields = {name: options[option] for option, name in names.items() if option in options}
    fields |= {"port": int(options["--port"])} if "--port" in options else {}
    fields |= {"extra": json.loads(options["--extra"])} if "--extra" in options else {}
    return fields | ({"password": piped.rstrip("\r\n")} if piped else {})


@pytest.mark.parametrize("exists", [False, True])
def test_astro_commands_create_or_update_everything(exported, tmp_path, exists):
    status, _, calls = run_astro(exported, tmp_path, "dep-1", **({"exists": "1"} if exists else {}))
    assert status == 0
    last = "update" if exists else "create"
    connections = {
        options["--key"]: connection_of(options, piped)
        for command, options, piped in calls
        if command == f"env connection {last}"
    }
    assert connections == GIVEN
    pools = {
        options["--name"]: (int(options["--slots"]), options["--description"])
        for command, options, _ in calls
        if command == f"deployment pool {last}"
    }
    assert pools == POOLS
    assert {options["--deployment-id"] for _, options, _ in calls} == {"dep-1"}
    assert PASSWORD not in str([options for _, options, _ in calls])


def test_the_astro_script_is_clean_and_needs_a_deployment(exported, tmp_path):
    shellcheck = Path(sys.executable).with_name("shellcheck")
    if not shellcheck.exists():
        pytest.skip("needs shellcheck")
    # Not what it only informs of: passwords stay as they are between single quotes, and so they must.
    command = [shellcheck, "--severity=warning", exported / "astro.sh"]
    checked = subprocess.run(command, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout
    status, error, calls = run_astro(exported, tmp_path)
    assert status != 0
    assert "Deployment's id" in error
    assert calls == []


# Placeholders ------------------------------------------------------------------------------------------


def local_values():
    """Addresses and keys of the local services, as airflow_settings.yaml has them."""
    connections = yaml.safe_load((PROJECT / "airflow_settings.yaml").read_text())["airflow"]["connections"]
    for entry in connections:
        yield from (entry[f"conn_{name}"] for name in ("host", "password") if entry.get(f"conn_{name}"))
        extra = json.loads(entry.get("conn_extra") or "{}")
        yield from (value for value in extra.values() if "://" in str(value))


@pytest.mark.parametrize("given", [None, ".env.example"])
def test_a_local_dummy_is_never_exported(tmp_path, capsys, given):
    """Neither where nothing is given nor where the example file is given as it stands."""
    folder = tmp_path / "out"
    file = ["--file", str(PROJECT / given)] if given else []
    assert main(["export-config", *file, "--folder", str(folder)]) == 0
    written = "".join((folder / name).read_text() for name in FORMS)
    values = set(local_values())
    assert values
    assert [value for value in values if value in written] == []
    assert "local-dummy" not in written
    assert "CHANGE-ME-locals3-password" in written
    said = capsys.readouterr().out
    assert "to fill in: host" in said
    assert "make export-config FILE=" in said

    status, error, calls = run_astro(folder, tmp_path, "dep-1")
    assert (status, calls) == (3, [])
    assert "CHANGE-ME-locals3-password" in error


def test_what_is_complete_is_said_to_be(exported, tmp_path, capsys):
    given = write_env(tmp_path / "env", {"locals3": GIVEN["locals3"]})
    main(["export-config", "--file", str(given), "--folder", str(exported)])
    said = capsys.readouterr().out
    assert re.search(r"locals3 +aws +complete", said)
    assert re.search(r"wildfires_api +http +to fill in: host\n", said)
    assert PASSWORD not in said


def test_the_file_wins_over_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("AIRFLOW_CONN_LOCALS3", '{"conn_type": "aws", "login": "outer"}')
    monkeypatch.setenv("AIRFLOW_CONN_WILDFIRES_API", '{"conn_type": "http", "host": "outer.example.com"}')
    file = write_env(tmp_path / "env", {"locals3": {"conn_type": "aws", "login": "inner"}})
    main(["export-config", "--file", str(file), "--folder", str(tmp_path / "out")])
    written = json.loads((tmp_path / "out" / "connections.json").read_text())
    assert written["locals3"] == {"conn_type": "aws", "login": "inner"}
    assert written["wildfires_api"]["host"] == "outer.example.com"


@pytest.mark.parametrize(
    ("fields", "open_fields"),
    [
        ({"conn_type": "aws"}, []),  # a role: no key at all
        ({"conn_type": "aws", "extra": {"role_arn": "arn:aws:iam::1:role/lake"}}, []),
        ({"conn_type": "aws", "login": "a", "password": "local-dummy-secret-key"}, ["password"]),
        ({"conn_type": "aws", "extra": {"endpoint_url": "http://seaweedfs:8333"}}, ["extra.endpoint_url"]),
        ({"conn_type": "aws", "extra": {"endpoint_url": "http://127.0.0.1:8333"}}, ["extra.endpoint_url"]),
        ({"conn_type": "http", "host": "localhost"}, ["host"]),
        ({"conn_type": "http", "host": "notlocalhost.example.com"}, []),
        ({"conn_type": "aws", "extra": {"region_name": "us-east-1"}}, []),
    ],
)
def test_what_is_local_and_what_is_not(fields, open_fields):
    local = [
        {
            "connection_id": "locals3",
            "conn_type": "aws",
            "login": "local-dummy-access-key",
            "password": "local-dummy-secret-key",
            "extra": '{"endpoint_url": "http://seaweedfs:8333", "region_name": "us-east-1"}',
        }
    ]
    (connection,) = gather(local, {"AIRFLOW_CONN_LOCALS3": json.dumps(fields)})
    assert connection.open_fields == open_fields


# Bad input ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("postgresql://user:hunter2@db/fires", "is a URI"),
        ('\'{"conn_type": "http", "password": "hunter2"}\'', "without quotes around it"),
        ('{"conn_type": "http", "password": "hunter2"', "is not JSON (line 1 column"),
        ('["hunter2"]', "not a JSON object"),
        ('{"host": "hunter2"}', "no conn_type"),
        ('{"conn_type": "http", "pasword": "hunter2"}', "unknown fields: pasword"),
        ('{"conn_type": "http", "port": "hunter2"}', "the port must be a number"),
        ('{"conn_type": "http", "extra": "hunter2"}', "extra a JSON object"),
        ('{"conn_type": "http", "extra": [1]}', "extra a JSON object"),
        ('{"conn_type": "http", "host": 7, "password": "hunter2"}', "all else a text"),
    ],
)
def test_a_connection_that_cannot_be_is_explained_without_its_secret(tmp_path, capsys, value, said):
    file = tmp_path / "env"
    file.write_text(f"AIRFLOW_CONN_X={value}\n")
    assert main(["export-config", "--file", str(file), "--folder", str(tmp_path / "out")]) == 1
    error = capsys.readouterr().err
    assert said in error
    assert "AIRFLOW_CONN_X" in error
    assert "hunter2" not in error
    assert not (tmp_path / "out").exists()


def test_a_file_that_is_missing_or_no_list_of_settings_is_explained(tmp_path):
    with pytest.raises(SettingsError, match=r"No such file.*cp \.env\.example"):
        read_environment(tmp_path / "missing")
    (tmp_path / "env").write_text("A=b\nhunter2\n")
    with pytest.raises(SettingsError, match="line 2: expected NAME=VALUE") as caught:
        read_environment(tmp_path / "env")
    assert "hunter2" not in str(caught.value)
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SettingsError, match="it is no text"):
        read_environment(tmp_path / "binary")


def test_a_folder_that_cannot_be_written_is_explained(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert main(["export-config", "--folder", str(tmp_path / "file" / "out")]) == 1
    assert "Cannot write" in capsys.readouterr().err


def test_an_empty_variable_is_as_none(tmp_path):
    assert gather([], {"AIRFLOW_CONN_X": " ", "OTHER": "1"}) == []
