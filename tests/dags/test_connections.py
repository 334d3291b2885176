"""A connection that Airflow does not give: named, and asked for again, since its server may restart."""

import base64
import json
from urllib.parse import quote

import pytest

from include.transfer.dataset import Dataset
from include.transfer.errors import BadSettings, NoConnection, Retryable
from tests.servers.faults import Fault


@pytest.mark.usefixtures("lake")
@pytest.mark.parametrize(
    ("opener", "arguments", "kind"),
    [
        ("open_endpoint", ["nowhere"], "http"),
        ("open_api", [Dataset(name="x", conn_id="nowhere")], "http"),
        ("open_bucket", ["nowhere", "a-bucket"], "aws"),
        ("store_url", ["nowhere"], "aws"),
    ],
)
def test_a_connection_that_is_missing(opener, arguments, kind):
    from include.tasks import connections

    with pytest.raises(NoConnection, match=f"connection nowhere: .*create it, of type {kind}"):
        getattr(connections, opener)(*arguments)
    assert issubclass(NoConnection, Retryable)


@pytest.mark.usefixtures("lake")
@pytest.mark.parametrize(
    ("error", "raised"), [("CONNECTION_NOT_FOUND", BadSettings), ("API_SERVER_ERROR", NoConnection)]
)
def test_a_task_is_tried_again_unless_airflow_says_that_there_is_none(monkeypatch, error, raised):
    from airflow.sdk.exceptions import ErrorType
    from airflow.sdk.execution_time import task_runner
    from airflow.sdk.execution_time.comms import ErrorResponse

    from include.tasks.connections import open_endpoint

    class Supervisor:
        def send(self, message):
            return ErrorResponse(error=ErrorType[error])

    monkeypatch.setattr(task_runner, "SUPERVISOR_COMMS", Supervisor(), raising=False)
    with pytest.raises(raised, match=r"connection nowhere: .*create it, of type http"):
        open_endpoint("nowhere")


S3CRET = "s3cret-7f3a9c1e55"


@pytest.mark.usefixtures("lake")
@pytest.mark.parametrize(
    "text",
    [
        "http://ops:S3CRET@127.0.0.1:8000/api/v2",
        "http://ops:S3CRET@127.0.0.1:8000/api",
        '{"conn_type": "http", "host": "::1", "port": 8000, "password": "S3CRET"}',
        '{"conn_type": "http", "host": "https://u:S3CRET@a.example/api", "port": 8443}',
        '{"conn_type": "http", "host": "a..example", "extra": {"X-Api-Key": "S3CRET"}}',
        '{"conn_type": "http", "host": "a.example", "extra": {"X-Api-Key": "S3CRET\\nX"}}',
        '{"conn_type": "http", "host": "a.example", "extra": {"X-Api-Key": ["S3CRET"]}}',
        '{"conn_type": "http", "host": "a.example", "extra": ["S3CRET"]}',
        '{"conn_type": "http", "host": "a.example", "extra": {"proxies": "http://me:S3CRET@b:1"}}',
        '{"conn_type": "http", "host": "a.example", "extra": {"cert": ["S3CRET", 1, 2]}}',
        '{"conn_type": "http", "host": "a.example", "extra": {"auth": "S3CRET"}}',
        '{"conn_type": "http", "host": "a.example", "extra": {"auth": null}}',
        '{"conn_type": "http", "host": "a.example", "extra": {"auth": {"style": "S3CRET"}}}',
        '{"conn_type": "http", "host": "a.example", "extra": {"auth": {"style": "bearer"}}}',
        '{"conn_type": "http", "host": "a.example", "password": "S3CRET", "extra": {"auth": {"style": "x"}}}',
    ],
)  # fmt: skip
def test_a_source_that_cannot_be_prepared_is_named_without_a_value(monkeypatch, caplog, capfd, text):
    from include.tasks.connections import open_endpoint

    monkeypatch.setenv("AIRFLOW_CONN_ODD", text.replace("S3CRET", S3CRET))
    with pytest.raises(BadSettings) as refused:
        open_endpoint("odd")
    assert refused.value.where.startswith("connection odd")
    assert refused.value.fix
    assert S3CRET not in str(refused.value) + caplog.text + "".join(capfd.readouterr())
    assert refused.value.__cause__ is None


@pytest.mark.usefixtures("lake")
@pytest.mark.parametrize(
    "extra",
    [
        '["S3CRET"]',
        '{"config_kwargs": {"no_such": "S3CRET"}}',
        '{"config_kwargs": "S3CRET"}',
        '{"verify": ["S3CRET"]}',
        '{"service_config": {"s3": {"extra_args": {"ACL": "S3CRET"}}}}',
        '{"endpoint_url": "http://me:S3CRET@store.example"}',
        '{"endpoint_url": ["S3CRET"]}',
    ],
)  # fmt: skip
def test_nor_is_one_of_a_store(monkeypatch, caplog, capfd, extra):
    from include.tasks.connections import open_bucket

    text = f'{{"conn_type": "aws", "login": "key", "password": "S3CRET", "extra": {extra}}}'
    monkeypatch.setenv("AIRFLOW_CONN_ODD", text.replace("S3CRET", S3CRET))
    with pytest.raises(BadSettings) as refused:
        open_bucket("odd", "a-bucket")
    assert refused.value.where.startswith("connection odd")
    assert S3CRET not in str(refused.value) + caplog.text + "".join(capfd.readouterr())


@pytest.mark.usefixtures("lake")
@pytest.mark.parametrize(
    "opened",
    [
        ("open_endpoint", ["odd"], "http"),
        ("store_url", ["odd"], "aws"),
        ("connection_json", ["odd", "aws"], "aws"),
    ],
)
@pytest.mark.parametrize("extra", ["S3CRET", '{"X-Api-Key": "S3CRET"', "X-Api-Key: S3CRET"])
def test_an_extra_that_is_no_json_is_said(monkeypatch, caplog, capfd, opened, extra):
    from include.tasks import connections

    opener, arguments, kind = opened
    fields = {"conn_type": kind, "host": "a.example", "login": "key", "password": "p4ss", "extra": extra}
    monkeypatch.setenv("AIRFLOW_CONN_ODD", json.dumps(fields).replace("S3CRET", S3CRET))
    with pytest.raises(BadSettings) as refused:
        getattr(connections, opener)(*arguments)
    assert refused.value.where == "connection odd: the extra"
    assert refused.value.__suppress_context__
    assert S3CRET not in str(refused.value) + caplog.text + "".join(capfd.readouterr())


VALUE = "p/7f3a9c1e=55"
TOKENS = {"style": "oauth2", "token_url": "https://a.example/token"}


@pytest.mark.usefixtures("lake")
@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("http", {"extra": {"X-Tenant": f"{VALUE}\n"}}),
        ("http", {"login": "me", "password": VALUE}),
        ("http", {"login": VALUE}),
        ("http", {"password": VALUE, "extra": {"auth": {"style": "bearer"}}}),
        ("http", {"password": VALUE, "extra": {"auth": {"style": "query", "param": "appid"}}}),
        ("http", {"login": "me", "password": VALUE, "extra": {"auth": TOKENS}}),
        ("http", {"extra": {"proxies": {"https": f"http://me:{quote(VALUE, safe='')}@proxy:1"}}}),
        ("aws", {"login": "me", "password": VALUE}),
        ("aws", {"login": "me", "password": "p", "extra": {"aws_session_token": VALUE}}),
    ],
)
@pytest.mark.parametrize(
    "said", [VALUE, quote(VALUE, safe=""), base64.b64encode(VALUE.encode()).decode(), json.dumps(VALUE)[1:-1]]
)
def test_airflow_masks_what_a_connection_holds(monkeypatch, kind, fields, said):
    from airflow.sdk._shared.secrets_masker import SecretsMasker, _secrets_masker
    from airflow.sdk.log import redact

    from include.tasks import connections

    host = "a.example" if kind == "http" else ""
    monkeypatch.setenv("AIRFLOW_CONN_MASKED", json.dumps({"conn_type": kind, "host": host, **fields}))
    masker = _secrets_masker()
    monkeypatch.setattr(masker, "patterns", set())
    monkeypatch.setattr(masker, "replacer", SecretsMasker.replacer)
    connections.open_endpoint("masked") if kind == "http" else connections.open_bucket("masked", "a-bucket")
    assert redact(f"it said {said}, twice").replace("=", "") == "it said ***, twice"


@pytest.mark.usefixtures("lake")
def test_a_login_of_the_extra_is_sent_in_place_of_basic_auth(monkeypatch, source):
    from include.tasks.connections import open_api

    served = source([{"id": 1}])
    extra = {"auth": {"style": "query", "param": "appid"}, "X-Tenant": "ours", "trust_env": False}
    fields = {"conn_type": "http", "host": served.url, "login": "me", "password": VALUE, "extra": extra}
    monkeypatch.setenv("AIRFLOW_CONN_KEYED", json.dumps(fields))
    assert open_api(Dataset(name="x", conn_id="keyed")).count().rows == 1
    (request,) = served.requests
    assert request.query == {"appid": VALUE}
    assert request.headers["x-tenant"] == "ours"
    assert {"auth", "authorization"} & set(request.headers) == set()


@pytest.mark.usefixtures("lake")
def test_airflow_masks_a_token(monkeypatch, source):
    from airflow.sdk.log import redact

    from include.tasks.connections import open_api

    tokens = source([])
    answer = Fault.status(200, '{"access_token": "t0k3n-7f3a9c1e55"}')
    tokens.fault(answer, when=lambda request: True)
    auth = TOKENS | {"token_url": f"{tokens.url}/token"}
    served = source([{"id": 1}], bearer="t0k3n-7f3a9c1e55")
    extra = {"auth": auth, "trust_env": False}
    fields = {"conn_type": "http", "host": served.url, "login": "me", "password": VALUE, "extra": extra}
    monkeypatch.setenv("AIRFLOW_CONN_KEYED", json.dumps(fields))
    assert open_api(Dataset(name="x", conn_id="keyed")).count().rows == 1
    assert redact("it said t0k3n-7f3a9c1e55") == "it said ***"


@pytest.mark.usefixtures("lake")
def test_airflow_masks_a_number_that_a_header_holds(monkeypatch):
    from airflow.sdk.log import redact

    from include.tasks.connections import open_endpoint

    fields = {"conn_type": "http", "host": "a.example", "extra": {"X-Number": 735190155}}
    monkeypatch.setenv("AIRFLOW_CONN_MASKED", json.dumps(fields))
    open_endpoint("masked")
    assert redact("it said 735190155") == "it said ***"


def generic(monkeypatch, **fields):
    monkeypatch.setenv("AIRFLOW_CONN_LAKE_CATALOG", json.dumps({"conn_type": "generic", **fields}))


@pytest.mark.usefixtures("lake")
def test_a_catalogs_properties_take_the_connections_own_fields(monkeypatch):
    from include.tasks.catalog import catalog_properties

    uri = "postgresql://{login}:{password}@{host}:{port}/{schema}"
    extra = {"type": "sql", "uri": uri, "credential": "{login}:{password}", "echo": False}
    own = {"login": "me", "password": "p@ss/word{host}", "host": "db", "port": 5432, "schema": "lake"}
    generic(monkeypatch, **own, extra=extra)
    assert catalog_properties("lake_catalog") == {
        "type": "sql",
        "uri": "postgresql://me:p%40ss%2Fword%7Bhost%7D@db:5432/lake",
        "credential": "me:p@ss/word{host}",
        "echo": "false",
    }


@pytest.mark.usefixtures("lake")
@pytest.mark.parametrize("extra", [{}, {"uri": [S3CRET]}, [S3CRET], {"type": "sql", "more": {"a": S3CRET}}])
def test_a_catalog_that_cannot_be_read_is_named_without_a_value(monkeypatch, extra):
    from include.tasks.catalog import catalog_properties

    generic(monkeypatch, password=S3CRET, extra=extra)
    with pytest.raises(BadSettings, match="connection lake_catalog") as refused:
        catalog_properties("lake_catalog")
    assert S3CRET not in str(refused.value)
