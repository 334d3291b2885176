"""The proxy: what a client sees of each fault, and that clean weather changes nothing."""

import gzip
import http.client
import json
import socket
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator

import pytest

from tests.faults import weather as w
from tests.faults.messages import Answer
from tests.faults.proxy import Proxy
from tests.faults.spoiling import CHANGED
from tests.faults.weather import Weather
from tests.servers.scripted_http import ScriptedSource

ROWS = "/api/get?start=0&limit=50"


@pytest.fixture
def proxy(source: Callable[..., ScriptedSource]) -> Iterator[Proxy]:
    upstream = source(lambda n: {"id": n, "name": f"row {n}"}, count=50)
    with Proxy(upstream.port) as running:
        yield running


def ask(proxy: Proxy, target: str = ROWS) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=10)
    connection.request("GET", target)
    response = connection.getresponse()
    try:
        return response.status, {k.lower(): v for k, v in response.getheaders()}, response.read()
    finally:
        connection.close()


def always(proxy: Proxy, kind: str) -> Weather:
    proxy.weather = Weather("a seed", (kind,), 1.0, repeats=1_000)
    return proxy.weather


def test_clean_weather_changes_nothing(proxy):
    status, _, body = ask(proxy)
    assert status == 200
    assert [row["id"] for row in json.loads(body)] == list(range(50))


@pytest.mark.parametrize("kind", [w.REFUSE, w.RESET, w.READ_RESET, w.PUT_LOST])
def test_no_answer_comes(proxy, kind):
    weather = always(proxy, kind)
    with pytest.raises(ConnectionError):
        ask(proxy) if kind != w.PUT_LOST else _put(proxy)
    assert weather.injected[kind] == 1


def test_a_refused_connection_is_refused_by_the_system_and_then_taken_again(proxy):
    always(proxy, w.REFUSE)
    with pytest.raises(ConnectionError):
        ask(proxy)
    proxy.weather = Weather()
    while True:  # ends: the proxy listens again after REFUSING_SECONDS
        try:
            assert ask(proxy)[0] == 200
            return
        except ConnectionError:
            continue


def test_gzip_that_was_cut(proxy):
    always(proxy, w.GZIP_CUT)
    _, headers, body = ask(proxy)
    assert (headers["content-encoding"], int(headers["content-length"])) == ("gzip", len(body))
    with pytest.raises(EOFError):
        gzip.decompress(body)


def test_a_listing_without_what_was_written_last():
    keys = [f"<Contents><Key>{n}</Key></Contents>" for n in range(5)]
    whole = Answer(200, [], f"<List><Count>5</Count>{''.join(keys)}</List>".encode())
    lagging = CHANGED[w.LIST_LAGS](whole).body.decode()
    assert lagging == f"<List><Count>5</Count>{''.join(keys[:2])}</List>"


@pytest.mark.parametrize("kind", [w.CUT, w.READ_CUT, w.STALL, w.TOO_LONG])
def test_a_client_can_tell_that_the_body_is_not_whole(proxy, kind):
    always(proxy, kind)
    with pytest.raises((ConnectionError, http.client.IncompleteRead)):
        ask(proxy)


@pytest.mark.parametrize("kind", [w.TRUNCATED, w.TOO_SHORT])
def test_a_cut_body_of_the_right_length_is_no_json(proxy, kind):
    always(proxy, kind)
    status, headers, body = ask(proxy)
    assert (status, int(headers["content-length"])) == (200, len(body))
    with pytest.raises(ValueError, match=r"Expecting|Unterminated"):
        json.loads(body)


def test_a_drip_brings_all(proxy):
    clean = ask(proxy)[2]
    always(proxy, w.DRIP)
    assert ask(proxy)[2] == clean


def test_a_page_for_people(proxy):
    always(proxy, w.HTML)
    status, headers, body = ask(proxy)
    assert (status, headers["content-type"]) == (200, "text/html")
    assert body.startswith(b"<!doctype html>")


def test_bytes_that_are_not_utf8(proxy):
    always(proxy, w.BAD_UTF8)
    with pytest.raises(UnicodeDecodeError):
        ask(proxy)[2].decode()


def test_a_redirect_never_arrives(proxy):
    always(proxy, w.LOOP)
    with pytest.raises(urllib.error.HTTPError, match="infinite loop"):
        urllib.request.build_opener(urllib.request.ProxyHandler({})).open(
            f"http://127.0.0.1:{proxy.port}{ROWS}", timeout=10
        )


@pytest.mark.parametrize(
    ("kind", "status", "retry_after"),
    [
        (w.TOO_MANY, 429, None),
        (w.TOO_MANY_SOON, 429, "1"),
        (w.TOO_MANY_LATE, 429, "600"),
        (w.SLOW_DOWN, 503, None),
        *((name, code, None) for name, code in w.STATUSES.items()),
    ],
)
def test_an_error_status(proxy, kind, status, retry_after):
    always(proxy, kind)
    answered, headers, body = ask(proxy)
    assert (answered, headers.get("retry-after")) == (status, retry_after)
    assert (b"<Code>SlowDown</Code>" in body) == (kind == w.SLOW_DOWN)


def test_a_store_that_is_full(proxy):
    always(proxy, w.DISK_FULL)
    assert _put(proxy) == 507
    assert ask(proxy)[0] == 200


def test_a_server_that_is_down_looks_down(proxy):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        with Proxy(unused.getsockname()[1]) as other, pytest.raises(ConnectionError):
            ask(other)


def test_the_same_seed_draws_the_same_faults_in_any_order():
    targets = [f"/api/get?start={n}" for n in range(40)]

    def drawn(order: list[str]) -> dict[str, str | None]:
        weather = Weather("7", w.SOURCE_KINDS, 0.5)
        return {target: weather.draw("GET", target) for target in order}

    assert drawn(targets) == drawn(targets[::-1])
    assert len(set(drawn(targets).values())) > 5


def test_a_request_made_often_enough_gets_through():
    weather = Weather("7", (w.RESET,), 1.0, repeats=2)
    assert [weather.draw("GET", "/x") for _ in range(4)] == [w.RESET, w.RESET, None, None]


@pytest.mark.parametrize("kind", w.SOURCE_KINDS + w.STORE_KINDS)
def test_a_fault_meets_only_requests_that_it_fits(kind):
    reads, writes = (w.READ_RESET, w.READ_CUT, w.LIST_LAGS), (w.PUT_CUT, w.PUT_LOST, w.DISK_FULL)
    weather = Weather("7", (kind,), 1.0, repeats=9)
    assert weather.draw("PUT", "/api/get/a") == (None if kind in reads else kind)
    assert weather.draw("GET", "/api/get?list-type=2") == (None if kind in writes else kind)
    assert (weather.draw("GET", "/bucket/a") is None) == (kind in (*writes, w.LIST_LAGS, w.GZIP_CUT))


def _put(proxy: Proxy) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=10)
    connection.request("PUT", "/bucket/key", body=b"x" * 1000)
    return connection.getresponse().status
