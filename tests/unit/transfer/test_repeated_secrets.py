"""A source or proxy that repeats what it was sent: no error and no log line of a copy shows it."""

import base64
import logging
from urllib.parse import quote

import pytest
import requests

from include.transfer.dataset import Dataset
from include.transfer.errors import BodyBroken, ColumnsDiffer, SourceRefused, SourceUnavailable, TransferError
from include.transfer.source.api import Api
from tests.servers.faults import Fault
from tests.servers.raw_http import RawServer, says
from tests.unit.transfer.conftest import IMPATIENT, rows_of

TOKEN = "7f3a/9c1e=55-of-ours"
ROWS = [{"id": n} for n in range(20)]
SECRETS = {"X-Tenant": TOKEN, "Authorization": f"Bearer {TOKEN}"}


def opened(url, headers=None, auth=None, **settings):
    session = requests.Session()
    session.trust_env = False
    session.headers.update(headers or SECRETS)
    session.auth = auth
    return Api(session, url, Dataset(**{"name": "things", **settings}), IMPATIENT)


def told(error, caplog):
    """All that a log shows of an error: its chain as Airflow prints it, and the lines before it."""
    texts = [record.getMessage() for record in caplog.records]
    while error is not None:
        texts += [str(error), repr(error.args)]
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return "\n".join(texts)


def repeated(answer, error, caplog):
    caplog.set_level(logging.DEBUG, "include")
    with RawServer(answer) as server, pytest.raises(error) as raised:
        opened(server.url).count()
    return told(raised.value, caplog)


@pytest.mark.parametrize(
    "said", [TOKEN, quote(TOKEN), quote(TOKEN, safe=""), base64.b64encode(TOKEN.encode()).decode()]
)
@pytest.mark.parametrize("status", [400, 401, 503])
def test_in_the_reason_and_the_body(said, status, caplog):
    text = repeated(
        lambda _: says(f"HTTP/1.1 {status} No access for {said}", f"no token {said}".encode()),
        SourceUnavailable if status == 503 else SourceRefused,
        caplog,
    )
    assert "No access for ***" in text
    assert said not in text


@pytest.mark.parametrize("place", ["/at/{}", "/?next={}", "/?api_key={}"])
@pytest.mark.parametrize("then", ["HTTP/1.1 403 No", "HTTP/1.1 500 No"])
def test_in_where_it_redirects_to(place, then, caplog):
    def answer(target):
        location = place.format(quote(TOKEN, safe=""))
        return says(f"HTTP/1.1 302 Found\nLocation: {location}" if target == "/api/count" else then)

    text = repeated(answer, TransferError, caplog)
    assert "***" in text
    assert "9c1e" not in text


def test_in_where_a_body_breaks_off(caplog):
    def answer(target):
        if target == "/api/count":
            return says(f"HTTP/1.1 302 Found\nLocation: /at/{quote(TOKEN)}")
        return [b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n12"]

    assert "9c1e" not in repeated(answer, BodyBroken, caplog)


def test_in_a_version(source, caplog):
    served = source(ROWS, largest_limit=10, version='"1"')
    served.fault(
        Fault.version(f'"{TOKEN}"'), times=None, when=lambda request: request.query.get("start") == "10"
    )
    with pytest.raises(TransferError) as raised:
        rows_of(opened(served.url, version_header="ETag"), 0, 20)
    assert "9c1e" not in told(raised.value, caplog)


def test_in_a_column(source, make_run, caplog, monkeypatch):
    rows = [*ROWS[:9], {"id": 1, TOKEN: 2}]
    run = make_run(source(rows))
    monkeypatch.setattr(type(run), "api", property(lambda run: opened(run.source.url)))
    with pytest.raises(ColumnsDiffer) as raised:
        run.copy(0, 10)
    assert "9c1e" not in told(raised.value, caplog)


@pytest.mark.parametrize(
    "password", ["p/7f3a=9c1e", "p\u00e4ss-7f3a9c1e", "\u043f\u0430\u0440\u043e\u043b\u044c-9c1e"]
)
def test_a_login_that_it_decodes(password, caplog):
    sent = tuple(part.encode() for part in ("me", password))

    def answer(_):
        return says("HTTP/1.1 401 No", f"no user me with {password}".encode())

    with RawServer(answer) as server, pytest.raises(SourceRefused) as raised:
        opened(server.url, {"Accept": "*/*"}, sent).count()
    assert "no user me with ***" in str(raised.value)


def test_a_proxy_that_repeats_its_own_login(caplog):
    def answer(_):
        return says("HTTP/1.1 407 No", b"no access for me:proxy-7f3a9c1e")

    with RawServer(answer) as server:
        api = opened("http://api.example.invalid")
        api._session.proxies = {"http": server.url.replace("//", "//me:proxy-7f3a9c1e@")}
        with pytest.raises(SourceRefused) as raised:
            api.count()
    assert "no access for me:***" in str(raised.value)
