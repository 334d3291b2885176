"""`airflow_settings.yaml` as read by the local stack, and what a connection becomes elsewhere."""

import pytest

connections = pytest.importorskip(
    "services.connections", reason="needs services/, which the Astro image does not carry"
)

from services.local.errors import SettingsError  # noqa: E402


@pytest.fixture
def write(tmp_path):
    def written(text):
        path = tmp_path / "airflow_settings.yaml"
        path.write_text(text)
        return path

    return written


def test_an_endpoint_deep_in_the_extra_is_replaced_and_the_rest_kept():
    extra = {"region_name": "eu-central-1", "service_config": {"s3": {"endpoint_url": "http://far:1"}}}
    lake = connections.Connection("lake", {"conn_type": "aws", "extra": extra})
    moved = lake.at(endpoint_url="http://here:3").fields["extra"]
    assert moved == {
        "region_name": "eu-central-1",
        "service_config": {"s3": {"endpoint_url": "http://here:3"}},
        "endpoint_url": "http://here:3",
    }
    assert lake.at(login="a").fields["extra"] == extra


def test_a_connection_of_ones_own_is_read_as_it_stands(write):
    entry = "{conn_id: elsewhere, conn_type: http, conn_host: example.org, conn_port: '443'}"
    (found,) = connections.from_settings(write(f"airflow: {{connections: [{entry}]}}"))
    assert (found.conn_id, found.fields) == (
        "elsewhere",
        {"conn_type": "http", "host": "example.org", "port": 443},
    )


def test_the_empty_entries_of_the_clis_template_are_skipped(write):
    text = (
        "airflow: {connections: [{conn_id: , conn_type: }], variables: [{variable_name: , variable_value: }]}"
    )
    assert connections.from_settings(write(text)) == []
    assert connections.variables(write(text)) == {}
    assert connections.variables(write("airflow: {variables: [{variable_name: a, variable_value: 1}]}")) == {
        "a": "1"
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("airflow: [", "not valid YAML"),
        ("", "`airflow:`"),
        ("connections: []", "`airflow:`"),
        ("airflow: {connections: {a: 1}}", "`airflow:`"),
        ("airflow: {connections: [text]}", "`airflow:`"),
        ("airflow: {connections: [{conn_type: http}]}", "entry 1 of airflow.connections"),
        ("airflow: {connections: [{conn_id: c, conn_host: x}]}", "connection c: conn_type"),
        ("airflow: {connections: [{conn_id: c, conn_type: http, conn_port: x}]}", "connection c: port"),
        ("airflow: {connections: [{conn_id: c, conn_type: aws, conn_extra: '{'}]}", "connection c: port"),
        (
            "airflow: {connections: [{conn_id: c, conn_type: aws, conn_uri: 'http://x'}]}",
            "unknown fields: uri",
        ),
    ],
)
def test_a_malformed_file_is_an_error_that_names_the_place(write, text, said):
    with pytest.raises(SettingsError) as caught:
        connections.from_settings(write(text))
    assert said in str(caught.value)
    assert "airflow_settings.yaml" in str(caught.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(SettingsError, match=r"airflow_settings\.yaml"):
        connections.from_settings(tmp_path / "airflow_settings.yaml")
