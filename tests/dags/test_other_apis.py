"""APIs of other shapes: copied by settings alone, and the DAG of docs/your-api.md as it stands there."""

import io
import json
import re

import pyarrow.parquet as pq
import pytest

from include.transfer.probe.search import probe
from include.transfer.probe.written import dag_file
from include.transfer.source.endpoint import Endpoint
from include.transfer.source.pace import Pace
from tests.airflow_home import PROJECT
from tests.conformance.bodies import AnswersGraphQL
from tests.conformance.chains import Chain
from tests.conformance.styles import Served
from tests.dags.conftest import Lake, Ran
from tests.servers.faults import Fault

if not (PROJECT / "docs").is_dir():
    pytest.skip("needs docs/, which the Astro image does not carry", allow_module_level=True)

DOC = (PROJECT / "docs/your-api.md").read_text()
README = (PROJECT / "README.md").read_text()
FORM = json.loads(re.search(r"fill in:\n\n```json\n(.*?)```", DOC, re.DOTALL)[1])
DAG_FILE = re.search(r"Save as `dags/fires_to_s3.py`:\n\n```python\n(.*?)```", DOC, re.DOTALL)[1]
CONNECTION = json.loads(re.search(r"same JSON:\n\n```json\n(.*?)```", DOC, re.DOTALL)[1])


def fire(index: int) -> dict:
    return {"id": index, "name": f'O\'{index}, "é"', "acres": index / 7, "causes": [{"of": index}, None]}


def documented(source):
    """The API that the documentation describes."""
    return source(
        fire,
        count=1_234,
        count_path="/v2/fires",
        rows_path="/v2/fires",
        rows_key="data.items",
        total_key="meta.total",
        page_name="page",
        page_size_name="per_page",
        first_page=1,
        largest_limit=500,
        bearer="a-token",
    )


def ndjson(lake: Lake, ran: Ran) -> list[dict]:
    assert ran.state == "success"
    (manifest,) = lake.manifests()
    data = b"".join(lake.read(receipt["key"]) for receipt in manifest["receipts"])
    return [json.loads(line) for line in data.splitlines()]


def test_readme_shows_the_same_connection_and_form():
    shown = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", README, re.DOTALL)]
    assert shown == [CONNECTION, FORM]


def test_the_documented_form_copies_the_documented_api(lake, source):
    served = documented(source)
    connection = CONNECTION | {"host": served.url, "extra": {"Authorization": "Bearer a-token"}}
    lake.connect("fires_api", **connection)
    ran = lake.run("api_to_s3", **FORM, format="ndjson")

    assert ndjson(lake, ran) == [fire(n) for n in range(1_234)]
    pages = [r.query["page"] for r in served.row_requests if r.query["per_page"] == "500"]
    assert pages[:4] == ["1", "2", "3", "4"]
    assert set(pages[4:]) >= {"1", "3"}  # read again
    assert lake.manifests()[0]["dataset"] == "fires"


def test_the_documented_dag_runs_as_it_stands(lake, source, tmp_path):
    served = documented(source)
    lake.connect("fires_api", conn_type="http", host=served.url, extra={"Authorization": "Bearer a-token"})
    file = tmp_path / "fires_to_s3.py"
    file.write_text(DAG_FILE)
    ran = lake.run_file(file)

    assert ran.state == "success"
    (manifest,) = lake.manifests()
    table = pq.read_table(io.BytesIO(lake.read(manifest["receipts"][0]["key"])))
    expected = [fire(n) for n in range(1_234)]
    assert table.drop_columns("causes").to_pylist() == [
        {name: row[name] for name in ("id", "name", "acres")} for row in expected
    ]
    assert [json.loads(text) for text in table["causes"].to_pylist()] == [row["causes"] for row in expected]
    assert len(DAG_FILE.splitlines()) < 50


@pytest.mark.parametrize(
    ("shape", "settings"),
    [
        (
            {"offset_name": "skip", "limit_name": "take", "total_header": "X-Total-Count"},
            {"total": "header:X-Total-Count", "paging": {"param": "skip", "limit_param": "take"}},
        ),
        (
            {"rows_key": "items", "total_key": "total", "total_first": False, "largest_limit": 7},
            {"rows_key": "items", "total": "body:total", "paging": {"size": 7}, "batch_size": 30},
        ),
        (
            {"page_name": "p", "page_size_name": "n", "first_page": 0, "largest_limit": 9},
            {"paging": {"style": "page", "param": "p", "limit_param": "n", "first": 0, "size": 9}}
            | {"batch_size": 20},
        ),
        ({}, {"total": "probe", "count_query": None, "count_accept": None}),
        ({"offers_ndjson": True}, {"accept": "application/x-ndjson"}),
        ({"indent": 2, "offers_gzip": True}, {"batch_size": 11}),
        ({"basic": ("me", "a-password")}, {}),
    ],
    ids=[
        "total in a header",
        "rows under a key",
        "pages from 0",
        "no total",
        "ndjson",
        "indented gzip",
        "basic auth",
    ],
)
def test_other_shapes(lake, source, shape, settings):
    if "total" in settings and settings["total"] != "body":
        shape = {"count_path": "/fires", "rows_path": "/fires", **shape}
        settings = {"count_path": "/fires?limit=1&take=1", "rows_path": "/fires", **settings}
    served = source(fire, count=50, **shape)
    login = {"login": "me", "password": "a-password"} if "basic" in shape else {}
    lake.connect_source(served, "my_conn", **login)
    ran = lake.run("api_to_s3", conn_id="my_conn", format="ndjson", **settings)
    assert ndjson(lake, ran) == [fire(n) for n in range(50)]


def test_copies_that_run_at_once_share_the_pace(lake, source, monkeypatch):
    shares = []

    class Noted(Pace):
        def __init__(self, per_minute):
            shares.append(per_minute)
            super().__init__()

    monkeypatch.setattr("include.transfer.source.pace.Pace", Noted)
    lake.connect_source(source(fire, count=50), "my_conn")
    settings = {"conn_id": "my_conn", "format": "ndjson", "requests_per_minute": 6_000}
    assert lake.run("api_to_s3", **settings, batch_size=10).state == "success"
    assert lake.run("api_to_s3", **settings, batch_size=20, force=True).state == "success"
    # plan, the copies, and verify; of 5 batches at most 4 are copied at once.
    assert shares == [6_000, *[1_500] * 5, 6_000, 6_000, *[2_000] * 3, 6_000]


def test_what_a_probe_prints_is_a_conf_and_a_dag(lake, tmp_path):
    with Served(Chain()) as served:
        lake.connect_source(served, "probed_api")
        settings = probe(Endpoint(served.url, trust_env=False), "/api/get").settings
        assert ndjson(lake, lake.run("api_to_s3", format="ndjson", **settings)) == served.style.rows
        file = tmp_path / "probed.py"
        file.write_text(dag_file(settings | {"name": "nightly", "format": "parquet"}))
        assert lake.run_file(file).state == "success"


def test_a_wrong_token_is_shown_nowhere(lake, source, capfd):
    served = documented(source)
    extra = {"Authorization": "Bearer not-the-token"}
    lake.connect("fires_api", conn_type="http", host=served.url, extra=extra)
    ran = lake.run("api_to_s3", **FORM)
    assert ran.state == "failed"
    assert [request.status for request in served.requests] == [401]
    assert lake.objects() == []
    assert "not-the-token" not in "".join(capfd.readouterr())


def test_a_chain_is_one_copy_of_several_objects(lake):
    with Served(Chain()) as served:
        lake.connect_source(served, "my_conn")
        ran = lake.run("api_to_s3", conn_id="my_conn", format="ndjson", batch_size=60, **Chain.settings)
        assert ndjson(lake, ran) == served.style.rows
    (manifest,) = lake.manifests()
    assert [receipt["rows"] for receipt in manifest["receipts"]] == [75, 75, 75, 5]


def test_graphql_with_a_token_of_oauth(lake, source, capfd):
    """A chain of POSTs; neither the token nor the client's secret is in a log."""
    tokens = source([])
    token = Fault.status(200, '{"access_token": "t0k3n-7f3a9c1e", "expires_in": 3600}')
    tokens.fault(token, times=None, when=lambda request: True)
    auth = {"style": "oauth2", "token_url": f"{tokens.url}/token", "scope": "read"}
    with Served(AnswersGraphQL()) as served:
        lake.connect_source(served, "my_conn", login="me", password="s3cret-7f3a9c1e", extra={"auth": auth})
        ran = lake.run("api_to_s3", conn_id="my_conn", format="ndjson", **AnswersGraphQL.settings)
        assert ndjson(lake, ran) == served.style.rows
        sent = {request.headers.get("authorization") for request in served.requests}
    assert sent == {"Bearer t0k3n-7f3a9c1e"}
    assert "7f3a9c1e" not in "".join(capfd.readouterr())
