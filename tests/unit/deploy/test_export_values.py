"""Which values are exported: no local dummy, the file before the environment, and nothing that is wrong."""

import json
import re

import pytest
import yaml

from tests.project_files import PROJECT
from tests.unit.deploy.astro_cli import run_astro
from tests.unit.deploy.conftest import FORMS, GIVEN, PASSWORD, write_env

pytest.importorskip("services.deploy.export", reason="needs services/, which the Astro image does not carry")

from services.connections import from_environment, from_settings, read_lines
from services.deploy.export import LOCAL, deployable, placeholders
from services.local.__main__ import main
from services.local.errors import SettingsError


def local_values():
    """Addresses and keys of the local services, as airflow_settings.yaml has them."""
    connections = yaml.safe_load((PROJECT / "airflow_settings.yaml").read_text())["airflow"]["connections"]
    for entry in connections:
        yield from (entry[f"conn_{name}"] for name in ("host", "password") if entry.get(f"conn_{name}"))
        extra = json.loads(entry.get("conn_extra") or "{}")
        yield from (value for value in extra.values() if "://" in str(value) and "{host}" not in value)


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
    given = from_environment({"AIRFLOW_CONN_LOCALS3": json.dumps(fields)})
    (connection,) = [each for each in deployable(from_settings(), given) if each.conn_id == "locals3"]
    assert list(placeholders(connection)) == open_fields


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("postgresql://user:hunter2@db/fires", "not JSON"),
        ('\'{"conn_type": "http", "password": "hunter2"}\'', "without quotes around it"),
        ('{"conn_type": "http", "password": "hunter2"', "not JSON"),
        ('["hunter2"]', "not a JSON object"),
        ('{"host": "hunter2"}', "conn_type is missing"),
        ('{"conn_type": "http", "pasword": "hunter2"}', "unknown fields: pasword"),
        ('{"conn_type": "http", "port": "hunter2"}', "port must be a number"),
        ('{"conn_type": "http", "extra": "hunter2"}', "extra a JSON object"),
        ('{"conn_type": "http", "extra": [1]}', "extra must be a JSON object"),
        ('{"conn_type": "http", "host": 7, "password": "hunter2"}', "host must be a string"),
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
        read_lines(tmp_path / "missing")
    (tmp_path / "env").write_text("A=b\nhunter2\n")
    with pytest.raises(SettingsError, match="line 2: expected NAME=VALUE") as caught:
        read_lines(tmp_path / "env")
    assert "hunter2" not in str(caught.value)
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SettingsError, match="not a text file"):
        read_lines(tmp_path / "binary")


def test_a_folder_that_cannot_be_written_is_explained(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert main(["export-config", "--folder", str(tmp_path / "file" / "out")]) == 1
    assert "Cannot write" in capsys.readouterr().err


def test_an_empty_variable_is_as_none():
    assert from_environment({"AIRFLOW_CONN_X": " ", "OTHER": "1"}) == []


def test_every_address_and_key_of_the_settings_is_known_to_be_local():
    assert [value for value in local_values() if not LOCAL.search(value)] == []
