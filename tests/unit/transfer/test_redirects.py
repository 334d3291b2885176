"""What a request carries on to where it is redirected, and what an error repeats of it."""

import socket

import pytest
import requests

from include.transfer.dataset import Dataset
from include.transfer.errors import NotRows, SourceRefused
from include.transfer.source.addresses import kind_of
from include.transfer.source.api import Api
from include.transfer.source.redirects import same_origin
from tests.servers.certificates import self_signed
from tests.servers.faults import Fault
from tests.servers.raw_http import RawServer, says
from tests.servers.s3_gate import S3Answer, S3Gate
from tests.unit.transfer.conftest import IMPATIENT, open_api, rows_of

ROWS = [{"id": n} for n in range(25)]
SENT = {
    "X-Api-Key": "s3cret",
    "Authorization": "Bearer s3cret",
    "Cookie": "session=s3cret",
    "X-Tenant": "ours",
}


def keyed(source):
    api = open_api(source)
    api._session.headers.update(SENT)
    return api


def test_all_headers_stay_on_the_same_host(source):
    served = source(ROWS).fault(Fault.redirect("/api/get?start=0&limit=10"))
    assert rows_of(keyed(served), 0, 10) == ROWS[:10]
    assert [request.headers.get("x-api-key") for request in served.requests] == ["s3cret"] * 2
    assert served.requests[1].headers["x-tenant"] == "ours"


def test_no_header_of_the_connection_goes_to_another_host(source):
    other = source(ROWS)
    served = source(ROWS).fault(Fault.redirect(f"{other.url}/api/get?start=0&limit=10"))
    assert rows_of(keyed(served), 0, 10) == ROWS[:10]
    (request,) = other.requests
    assert {name.lower() for name in SENT} & set(request.headers) == set()
    assert request.headers["accept"] == "application/json"


def test_and_none_comes_back_by_way_of_a_third(source):
    back, other = source(ROWS), source(ROWS)
    other.fault(Fault.redirect(f"{back.url}/api/get?start=0&limit=10"))
    back.fault(Fault.redirect(f"{other.url}/api/get"))
    assert rows_of(keyed(back), 0, 10) == ROWS[:10]
    assert [request.headers.get("x-api-key") for request in back.requests] == ["s3cret", None]


def test_a_host_that_wants_a_login_after_a_redirect_is_named(source):
    other = source(ROWS, bearer="s3cret")
    served = source(ROWS).fault(Fault.redirect(f"{other.url}/api/get?start=0&limit=10"))
    with pytest.raises(SourceRefused, match="status 401") as refused:
        rows_of(keyed(served), 0, 10)
    assert "redirects to another host" in refused.value.fix


@pytest.mark.parametrize(
    ("other", "same"),
    [
        ("http://host/b", True),
        ("http://host:80/", True),
        ("http://HOST/", True),
        ("https://host/", False),
        ("http://host:81/", False),
        ("http://host.else/", False),
    ],
)
def test_origins(other, same):
    assert same_origin("http://host/a", other) is same


ASKED = {
    "count": lambda api: api.count(),
    "rows": lambda api: rows_of(api, 0, 10),
    "end": lambda api: api.behind(9),
}


def redirecting(location):
    return RawServer(lambda _: says(f"HTTP/1.1 302 Found\nLocation: {location}"))


def api_at(url, **session):
    made = requests.Session()
    made.trust_env = False
    for name, value in session.items():
        setattr(made, name, value)
    return Api(made, url, Dataset(name="things"), IMPATIENT)


def refused_at(server, api, asked="count"):
    """The error, and that nothing else was asked for."""
    with pytest.raises(SourceRefused) as refused:
        ASKED[asked](api)
    assert len(server.targets) == 1
    assert refused.value.where.startswith(f"GET {api._base_url}/api/")
    assert refused.value.fix
    assert "s3cret" not in str(refused.value)
    return refused.value


@pytest.mark.parametrize("asked", ASKED)
@pytest.mark.parametrize(
    "location",
    [
        "file:///etc/passwd",
        "ftp://me:s3cret@host/x",
        "javascript:s3cret",
        "http://[::1?s3cret",
        "http://host:port/?s3cret",
        "http://:80/s3cret",
        "http://host\xff\xfe/s3cret",
    ],
)
def test_what_is_no_http_url_is_not_followed(location, asked):
    with redirecting(location) as server:
        refused_at(server, api_at(server.url), asked)


@pytest.mark.parametrize(("of_connection", "followed"), [(30, 10), (10, 10), (3, 3), (0, 0)])
@pytest.mark.parametrize("asked", ASKED)
def test_so_many_redirects_and_no_more(of_connection, followed, asked):
    def answer(target):
        return says(f"HTTP/1.1 302 Found\nLocation: /{len(target)}{target}")

    with RawServer(answer) as server:
        with pytest.raises(SourceRefused, match="redirects"):
            ASKED[asked](api_at(server.url, max_redirects=of_connection))
        assert len(server.targets) == followed + 1


def test_no_header_goes_from_https_to_http_of_the_same_host(source, tmp_path):
    plain = source(ROWS)
    to_plain = S3Answer(302, headers={"Location": f"{plain.url}/api/count?redirected"})
    with S3Gate(answer=lambda _: to_plain, tls=self_signed(tmp_path)) as gate:
        api = api_at(gate.url, headers=SENT, auth=("me", "s3cret"), verify=str(tmp_path / "cert.pem"))
        assert api.count().rows == len(ROWS)
    assert gate.seen[0].headers["x-api-key"] == "s3cret"
    (request,) = plain.requests
    assert "s3cret" not in str(request.headers)


def test_neither_a_login_nor_a_cookie_nor_one_of_netrc_goes_to_another_host(source, tmp_path, monkeypatch):
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login other password s3cret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    other = source(ROWS)
    served = source(ROWS).fault(
        Fault.status(302, Location=f"{other.url}/api/count", Set_Cookie="session=s3cret"),
        when=lambda request: request.asks_for == "count",
    )
    api = api_at(served.url, auth=("me", "s3cret"), trust_env=True)
    assert api.count().rows == len(ROWS)
    assert "authorization" in served.requests[0].headers
    assert {"authorization", "cookie"} & set(other.requests[0].headers) == set()


def test_a_clients_certificate_is_for_its_own_host(source, monkeypatch):
    sent = []
    real = requests.adapters.HTTPAdapter.send

    def send(adapter, request, **named):
        sent.append(named["cert"])
        return real(adapter, request, **named)

    monkeypatch.setattr(requests.adapters.HTTPAdapter, "send", send)
    other = source(ROWS)
    served = source(ROWS).fault(Fault.redirect(f"{other.url}/api/get?start=0&limit=10"))
    assert rows_of(api_at(served.url, cert=__file__), 0, 10) == ROWS[:10]
    assert sent == [__file__, None]


INNER = [
    "http://10.0.0.1/?s3cret",
    "http://me:s3cret@192.168.1.1:8080/x",
    "http://172.16.0.1",
    "http://169.254.169.254/latest/meta-data",
    "http://[fe80::1]/",
    "http://[fd00:ec2::254]/",
    "http://[fc00::1]/",
    "http://[::ffff:10.0.0.1]/",
    "http://[64:ff9b::a00:1]/",
    "http://0xA000001/",
    "http://10.1/",
    "http://167772161",
    "http://100.64.0.1/",
    "http://224.0.0.1/",
    "//10.0.0.1/",
]
LOOPBACK = [
    "http://127.0.0.1:{}/",
    "http://localhost:{}/",
    "http://a.localhost:{}/",
    "http://0.0.0.0:{}/",
    "http://[::1]:{}/",
    "http://[::]:{}/",
    "http://[::ffff:127.0.0.1]:{}/",
    "http://2130706433:{}/",
    "http://127.1:{}/",
]


@pytest.mark.parametrize("asked", ASKED)
@pytest.mark.parametrize("location", INNER)
def test_an_inner_address_is_not_asked_for_a_connection_elsewhere(location, asked):
    with redirecting(location) as server:
        refused = refused_at(server, api_at(server.url), asked)
    assert "address" in refused.got


@pytest.mark.parametrize("location", [*INNER, *LOOPBACK])
def test_nor_through_a_proxy(location):
    with redirecting(location.format(9)) as server:
        api = api_at("http://api.example.invalid", proxies={"http": server.url})
        refused_at(server, api)


@pytest.fixture
def resolver(monkeypatch):
    """Names and their addresses, each list used up to its last but one: the next question gets the next."""
    real = socket.getaddrinfo
    names = {}

    def getaddrinfo(host, port, *rest, **named):
        if host not in names:
            return real(host, port, *rest, **named)
        answers = names[host]
        addresses = answers.pop(0) if len(answers) > 1 else answers[0]
        return [found for address in addresses for found in real(address, port, *rest, **named)]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return names


OUTSIDE = "93.184.215.14"


def by_name(server, name):
    return api_at(server.url.replace("127.0.0.1", name))


@pytest.mark.parametrize("asked", ASKED)
@pytest.mark.parametrize("addresses", [["10.0.0.1"], [OUTSIDE, "169.254.169.254"], ["::ffff:192.168.0.1"]])
def test_a_name_of_an_inner_address(resolver, addresses, asked):
    resolver["inner.example"] = [addresses]
    with redirecting("http://inner.example/x?s3cret") as server:
        refused = refused_at(server, api_at(server.url), asked)
    assert "inner.example" in refused.got


def test_a_name_of_another_address_a_moment_later(source, resolver):
    other = source(ROWS)
    resolver["own.example"] = [["127.0.0.1"], [OUTSIDE]]
    resolver["other.example"] = [[OUTSIDE], ["127.0.0.1"]]
    with redirecting(f"http://other.example:{other.port}/api/count") as server:
        refused_at(server, by_name(server, "own.example"))
    assert other.requests == []


def test_a_connection_that_is_inside_itself(source, resolver):
    other = source(ROWS)
    resolver["own.example"] = resolver["other.example"] = [["127.0.0.1"]]
    with redirecting(f"http://other.example:{other.port}/api/count") as server:
        assert by_name(server, "own.example").count().rows == len(ROWS)


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("8.8.8.8", ""),
        ("2606:4700::1111", ""),
        ("::ffff:8.8.8.8", ""),
        ("64:ff9b::808:808", ""),
        ("127.8.9.10", "loopback"),
        ("::", "loopback"),
        ("fe80::1%eth0", "link-local"),
        ("2002:a9fe:a9fe::1", "link-local"),
        ("100.100.100.200", "link-local"),
        ("fec0::1", "private"),
        ("255.255.255.255", "private"),
        ("192.0.2.1", "private"),
    ],
)
def test_kinds_of_addresses(address, kind):
    assert kind_of(address) == kind


@pytest.mark.parametrize("when", ["count", "rows"])
def test_a_token_that_a_200_repeats_is_not_quoted(source, when):
    token = "Bearer-of-a-rather-long-token-that-an-excerpt-cuts-somewhere-in-its-middle"
    for text in (f'"{token} has expired"', f'["{"x" * 20}{token}"]', f'{{"error": "{token}"}}'):
        served = source(ROWS)
        served.fault(Fault.status(200, text), times=None, when=lambda request: request.asks_for == when)
        api = open_api(served)
        api._session.headers["X-Api-Key"] = token
        with pytest.raises(NotRows) as raised:
            api.count() if when == "count" else rows_of(api, 0, 10)
        assert not any(token[at : at + 6] in str(raised.value) for at in range(len(token) - 6))
        assert raised.value.__suppress_context__
