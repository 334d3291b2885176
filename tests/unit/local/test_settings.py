"""`airflow_settings.yaml` as the local stack applies it."""

import json
from pathlib import Path

import pytest

from services.local import settings
from services.local.errors import SettingsError
from services.local.home import PROJECT, Credentials
from services.local.ports import Ports

PORTS = Ports(airflow=1, api=2, s3=3, s3_admin=4, postgres=5)


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "airflow_settings.yaml"
    path.write_text(text)
    return path


def by_id(found: settings.Settings) -> dict[str, dict]:
    return {body["connection_id"]: body for body in found.connections}


def test_the_projects_own_file_reaches_the_local_services() -> None:
    credentials = Credentials.generate()
    found = settings.local(settings.load(PROJECT / "airflow_settings.yaml"), PORTS, credentials)
    api, store = by_id(found)["wildfires_api"], by_id(found)["locals3"]
    assert (api["host"], api["port"]) == ("127.0.0.1", 2)
    assert (store["login"], store["password"]) == (credentials.s3_access_key, credentials.s3_secret_key)
    assert json.loads(store["extra"])["endpoint_url"] == "http://127.0.0.1:3"
    warehouse = by_id(found)["warehouse"]
    assert (warehouse["host"], warehouse["port"], warehouse["password"]) == (
        "127.0.0.1",
        5,
        credentials.warehouse_password,
    )
    assert {pool["name"]: pool["slots"] for pool in found.pools} == {"copies_small": 8, "copies_large": 4}


def test_the_env_file_holds_the_same_connections_as_json() -> None:
    applied = settings.local(settings.load(PROJECT / "airflow_settings.yaml"), PORTS, Credentials.generate())
    lines = dict(line.partition("=")[::2] for line in settings.env_file(applied).splitlines())
    for conn_id, body in by_id(applied).items():
        said = json.loads(lines.pop(f"AIRFLOW_CONN_{conn_id.upper()}"))
        if "extra" in body:
            said["extra"] = json.dumps(said["extra"])
        assert said | {"connection_id": conn_id} == body
    assert lines == {}


def test_an_endpoint_deep_in_the_extra_is_replaced_and_the_rest_kept(tmp_path: Path) -> None:
    extra = {"region_name": "eu-central-1", "service_config": {"s3": {"endpoint_url": "http://far:1"}}}
    entry = json.dumps({"conn_id": "locals3", "conn_type": "aws", "conn_extra": json.dumps(extra)})
    loaded = settings.load(write(tmp_path, f"airflow: {{connections: [{entry}]}}"))
    changed = json.loads(by_id(settings.local(loaded, PORTS, Credentials.generate()))["locals3"]["extra"])
    assert changed["service_config"]["s3"]["endpoint_url"] == "http://127.0.0.1:3"
    assert changed["region_name"] == "eu-central-1"


def test_other_connections_stay_as_they_are(tmp_path: Path) -> None:
    entry = "{conn_id: elsewhere, conn_type: http, conn_host: example.org, conn_port: 443}"
    loaded = settings.load(write(tmp_path, f"airflow: {{connections: [{entry}]}}"))
    assert settings.local(loaded, PORTS, Credentials.generate()) == loaded
    assert loaded.connections == [
        {"connection_id": "elsewhere", "conn_type": "http", "host": "example.org", "port": 443}
    ]


def test_the_empty_entries_of_the_clis_template_are_skipped(tmp_path: Path) -> None:
    text = "airflow: {connections: [{conn_id: , conn_type: }], pools: [{pool_name: }], variables: }"
    assert settings.load(write(tmp_path, text)) == settings.Settings([], [], [])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("airflow: [", "not valid YAML"),
        ("", "`airflow:`"),
        ("connections: []", "`airflow:`"),
        ("airflow: {pools: {a: 1}}", "airflow.pools must be a list"),
        ("airflow: {pools: [{pool_slot: 4}]}", "lacks `pool_name`"),
        ("airflow: {pools: [{pool_name: p, pool_slot: none}]}", "pool_name 'p'"),
        ("airflow: {pools: [{pool_name: p, pool_slot: 0}]}", "give at least 1"),
        ("airflow: {connections: [{conn_id: c}]}", "conn_type is missing"),
        ("airflow: {connections: [{conn_id: c, conn_type: http, conn_port: x}]}", "conn_id 'c'"),
        ("airflow: {connections: [{conn_id: c, conn_type: aws, conn_extra: '{'}]}", "conn_id 'c'"),
        ("airflow: {connections: [text]}", "entry 1 of airflow.connections"),
    ],
)
def test_a_malformed_file_is_an_error_that_names_the_place(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        settings.load(write(tmp_path, text))
    assert said in str(caught.value)
    assert "airflow_settings.yaml" in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"airflow_settings\.yaml"):
        settings.load(tmp_path / "airflow_settings.yaml")
