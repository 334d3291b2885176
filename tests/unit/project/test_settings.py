"""airflow_settings.yaml, .env.example and the local stack say the same, and the CLI understands it."""

import json
import re

import pytest
import yaml

from include.pools import wanted
from services import connections
from services.local.airflow_env import local_connections
from services.local.home import Credentials
from services.local.ports import Ports
from tests.env_files import readings
from tests.project_files import PROJECT

# The keys of the Astro CLI's settings file; others are dropped without a word.
KNOWN_KEYS = {
    "connections": {
        "conn_id",
        "conn_type",
        "conn_host",
        "conn_schema",
        "conn_login",
        "conn_password",
        "conn_port",
        "conn_extra",
        "conn_uri",
    },
    "pools": {"pool_name", "pool_slot", "pool_description"},
    "variables": {"variable_name", "variable_value"},
}


def text_of(name):
    return (PROJECT / name).read_text()


def lower_cased(value):
    if isinstance(value, dict):
        return {key.lower(): lower_cased(inner) for key, inner in value.items()}
    return value


def fields_of(found):
    return {each.conn_id: each.fields for each in found}


def test_both_files_name_the_same_connections():
    found = fields_of(connections.from_settings())
    assert found == fields_of(connections.from_environment(connections.read_lines(PROJECT / ".env.example")))
    assert {"wildfires_api", "locals3", "warehouse", "lake_catalog"} == set(found)
    assert all(fields["description"] for fields in found.values())


# .env: three programs read it ----------------------------------------------------------------------------


def settings_in(environment):
    """The lines NAME=VALUE, and those that a comment offers."""
    return re.findall(r"^(?:# )?([A-Z][A-Z0-9_]*)=(.*)$", environment, re.MULTILINE)


def read_differently(environment):
    return [name for name, value in settings_in(environment) if len(readings(value)) > 1]


def test_every_reader_of_the_env_file_sees_the_same():
    environment = text_of(".env.example")
    assert {"AIRFLOW_CONN_LOCALS3", "AIRFLOW__LOGGING__REMOTE_LOGGING"} <= dict(
        settings_in(environment)
    ).keys()
    assert read_differently(environment) == []


@pytest.mark.parametrize(
    "value", ['\'{"conn_type": "http"}\'', '"quoted"', "pa$word", "a #comment", "trailing ", "${HOME}/x"]
)
def test_a_value_that_depends_on_its_reader_shows(value):
    assert read_differently(f"PLAIN=a#b=c\nNAME={value}\n") == ["NAME"]


# airflow_settings.yaml: what the CLI drops ---------------------------------------------------------------


def problems(settings):
    """What the CLI would drop, skip or spoil in a settings file, silently."""
    found = []
    airflow = yaml.safe_load(settings)["airflow"]
    found += [f"unknown section {section}" for section in airflow if section not in KNOWN_KEYS]
    for section, known in KNOWN_KEYS.items():
        for entry in airflow.get(section) or []:
            found += [f"unknown key {key}" for key in entry.keys() - known]
    for entry in airflow.get("connections") or []:
        extra = entry.get("conn_extra")
        if isinstance(extra, dict) and extra != lower_cased(extra):
            found.append(f"{entry['conn_id']}: keys of the extra would be lower-cased: give a JSON string")
        elif isinstance(extra, str) and not isinstance(json.loads(extra), dict):
            found.append(f"{entry['conn_id']}: the extra is not an object")
        if not isinstance(entry.get("conn_port", 0), int):
            found.append(f"{entry['conn_id']}: the port is not a number")
        if entry.get("conn_uri") and len(entry) > 2:
            found.append(f"{entry['conn_id']}: conn_uri is ignored beside other keys")
    for entry in airflow.get("variables") or []:
        if isinstance(entry.get("variable_value"), (dict, list)):
            found.append(f"{entry['variable_name']}: the value is no text")
    for entry in airflow.get("pools") or []:
        if not (isinstance(entry.get("pool_slot"), int) and entry["pool_slot"] > 0):
            found.append(f"{entry['pool_name']}: a pool without slots is skipped")
        if not entry.get("pool_description"):
            found.append(f"{entry['pool_name']}: no description")
    return found


def test_the_cli_understands_every_setting():
    assert problems(text_of("airflow_settings.yaml")) == []


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("conn_host:", "host:"),
        ("conn_type: http", "conn_type: http\n      conn_description: the API"),
        ("  pools:", "  pool:"),
        ("pool_slot: 4", "pool_slot: 0"),
        ("pool_slot: 8", 'pool_slot: "8"'),
        ("conn_port: 8000", 'conn_port: "8000"'),
        ("conn_extra: '{", "conn_extra: '[]' #"),
        ('conn_extra: \'{"endpoint_url"', "conn_extra: {Endpoint: 1} #"),
        ("pool_description: Copies of small", "# "),
        ("conn_port: 8000", "conn_uri: http://wildfires-api:8000"),
        ("  pools:", "  variables: [{variable_name: a, variable_value: {b: 1}}]\n  pools:"),
    ],
)
def test_what_the_cli_would_drop_shows(right, wrong):
    settings = text_of("airflow_settings.yaml")
    assert right in settings
    assert problems(settings.replace(right, wrong))


def test_the_cli_and_every_other_airflow_get_the_same_pools():
    entries = yaml.safe_load(text_of("airflow_settings.yaml"))["airflow"]["pools"]
    of_the_cli = {
        entry["pool_name"]: {
            "slots": entry["pool_slot"],
            "description": entry["pool_description"],
            "include_deferred": False,
        }
        for entry in entries
    }
    assert of_the_cli == wanted()


def test_nothing_else_defines_a_pool():
    """The other places create the pools of pools.json; numbers of their own could differ from it."""
    files = [
        "docker-compose.celery.yml",
        "docker-compose.override.yml",
        *map(str, (PROJECT / "k8s").iterdir()),
    ]
    assert [file for file in files if re.search(r"copies_(small|large)", text_of(file))] == []
    for file in ("docker-compose.celery.yml", "k8s/pools-job.yaml"):
        assert "include.pools" in re.sub(r"[\s,]+", " ", text_of(file)), file


# The local stack, which starts the same services without Docker -----------------------------------------


def test_the_stack_changes_addresses_and_keys_alone():
    ports, keys = Ports(api=18000, s3=18333, postgres=15432), Credentials.generate()
    expected = fields_of(connections.from_settings())
    expected["wildfires_api"] |= {"host": "127.0.0.1", "port": 18000}
    expected["locals3"] |= {"login": keys.s3_access_key, "password": keys.s3_secret_key}
    expected["locals3"]["extra"] |= {"endpoint_url": "http://127.0.0.1:18333"}
    for name in ("warehouse", "lake_catalog"):
        expected[name] |= {"host": "127.0.0.1", "port": 15432, "password": keys.warehouse_password}
    assert fields_of(local_connections(ports, keys)) == expected
