"""A connection crosses to another process as plain values, and asks there as it does here."""

import base64

import certifi
import pytest
import requests
from requests.auth import HTTPBasicAuth

from include.transfer.errors import BadSettings
from include.transfer.source.endpoint import Endpoint


def carried(**attributes):
    session = requests.Session()
    for name, value in attributes.items():
        setattr(session, name, value)
    return Endpoint.from_json(Endpoint.of(session, "https://api.example.com").to_json()).session()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("verify", False),
        ("verify", certifi.where()),
        ("cert", (__file__, certifi.where())),
        ("cert", certifi.where()),
        ("proxies", {"https": "http://proxy:3128"}),
        ("max_redirects", 3),
        ("trust_env", False),
        ("auth", ("me", "pässword")),
    ],
)
def test_what_a_session_carries_is_the_same_on_the_other_side(name, value):
    assert getattr(carried(**{name: value}), name) == value


def test_headers_and_a_login_object():
    session = carried(auth=HTTPBasicAuth("me", "secret"))
    assert session.auth == ("me", "secret")
    sent = requests.Session()
    sent.headers["X-Api-Key"] = "k"
    endpoint = Endpoint.of(sent, "https://api.example.com")
    assert endpoint.session().headers["x-api-key"] == "k"
    assert endpoint.session().headers["User-Agent"] == sent.headers["User-Agent"]


@pytest.mark.parametrize(
    "url",
    [
        "",
        "http://",
        "api.example.com",
        "ftp://api.example.com",
        "api/v2://127.0.0.1:8000",
        "http://::1:8000",
        "http://[::1:8000",
        "http://[::s3cret]",
        "http://api.example.com:8000:8000",
        "http://api.example.com:s3cret",
        "http://api.example.com:0",
        "http://api.example.com:99999",
        "https://api.example.com/api:8443",
        "https://me:s3cret@api.example.com/api/v2:8443",
        "https://api.example.com?key=s3cret",
        "https://api.example.com/#s3cret",
        "https://api.example.com\n",
        "https:// api.example.com",
        "https://api..example.com",
        f"https://{'a' * 64}.example.com",
        "https://\u2025.example.com",
        "https://xn--\u00e9.example.com",
        "https://*.example.com",
    ],
)
def test_urls_that_are_none(url):
    with pytest.raises(BadSettings) as refused:
        Endpoint(url)
    assert "host" in refused.value.fix
    assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize(
    "url",
    [
        "http://[::1]:8000",
        "https://api.example.com:8443/api/v2/",
        "HTTPS://ex\u00e4mple.com",
        "http://a:80/b:c",
    ],
)
def test_urls(url):
    assert Endpoint(url).base_url == url


def sent(endpoint, path="/rows"):
    """The headers of a request as they are sent."""
    session = endpoint.session()
    return session.prepare_request(requests.Request("GET", endpoint.base_url + path)).headers


def with_extra(auth=None, url="https://api.example.com", **headers):
    session = requests.Session()
    session.headers.update(headers)
    session.auth = auth
    return Endpoint.from_json(Endpoint.of(session, url).to_json())


@pytest.mark.parametrize(
    ("auth", "expected"),
    [
        (HTTPBasicAuth("key", None), b"key:"),
        (("key", ""), b"key:"),
        (HTTPBasicAuth("me", "pässword"), "me:pässword".encode("latin-1")),
        (HTTPBasicAuth("me", "пароль€"), "me:пароль€".encode()),
        (HTTPBasicAuth("mé", "€"), "mé:€".encode()),
        (HTTPBasicAuth("me", 12345), b"me:12345"),
    ],
)
def test_a_login_as_it_is_sent(auth, expected):
    assert base64.b64decode(sent(with_extra(auth))["Authorization"].removeprefix("Basic ")) == expected


@pytest.mark.parametrize(("inside", "expected"), [("m%65:p%40ss", b"me:p@ss"), ("key", b"key:")])
def test_a_login_in_the_url(inside, expected):
    endpoint = with_extra(url=f"https://{inside}@api.example.com/v2")
    assert endpoint.base_url == "https://api.example.com/v2"
    assert base64.b64decode(sent(endpoint)["Authorization"].removeprefix("Basic ")) == expected


def test_a_header_wins_over_a_login_in_netrc(tmp_path, monkeypatch):
    (tmp_path / "netrc").write_text("machine api.example.com login other password other\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    assert sent(with_extra(Authorization="Bearer ours"))["Authorization"] == "Bearer ours"


@pytest.mark.parametrize(
    ("value", "text"), [("tok\n", "tok"), (" tok\t", "tok"), (5, "5"), (12345678901, "12345678901")]
)
def test_a_header_as_it_is_sent(value, text):
    assert sent(with_extra(**{"X-Api-Key": value}))["X-Api-Key"] == text


@pytest.mark.parametrize(
    "value", ["s3cret\nX: y", "s3cret\x00", "s3cret\u2019", True, None, ["s3cret"], {"s3cret": 1}]
)
def test_a_header_that_cannot_be_sent(value):
    with pytest.raises(BadSettings) as refused:
        with_extra(**{"X-Api-Key": value})
    assert "X-Api-Key" in refused.value.where
    assert "s3cret" not in str(refused.value)


def test_a_name_that_is_no_headers_is_not_repeated():
    with pytest.raises(BadSettings) as refused:
        with_extra(**{"Bearer s3cret": "x"})
    assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("verify", "/nowhere/s3cret.pem"),
        ("verify", 7),
        ("cert", ["a", "b", "s3cret"]),
        ("cert", "/nowhere/s3cret"),
        ("cert", {"s3cret": 1}),
        ("proxies", "http://me:s3cret@proxy:1"),
        ("proxies", {"http": 7}),
        ("max_redirects", "s3cret"),
        ("trust_env", "s3cret"),
    ],
)
def test_options_that_cannot_be_used(name, value):
    with pytest.raises(BadSettings) as refused:
        carried(**{name: value})
    assert name in refused.value.where
    assert "s3cret" not in str(refused.value)


def test_options_as_a_uri_holds_them():
    session = carried(verify="False", max_redirects="3", trust_env="true", cert=[__file__, __file__])
    assert (session.verify, session.max_redirects, session.cert) == (False, 3, (__file__, __file__))


def used(session, url="https://api.example.com/rows"):
    """Proxies and authorities as requests chooses them for a request."""
    chosen = session.merge_environment_settings(url, {}, True, None, None)
    return requests.utils.select_proxy(url, chosen["proxies"]), chosen["verify"]


@pytest.fixture
def environment(monkeypatch):
    for name in (
        "http_proxy",
        "https_proxy",
        "all_proxy",
        "no_proxy",
        "curl_ca_bundle",
        "requests_ca_bundle",
    ):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("HTTPS_PROXY", "http://of.environment:1")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/of/environment.pem")


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize(
    ("extra", "proxy", "verify"),
    [
        ({}, "http://of.environment:1", "/of/environment.pem"),
        ({"verify": False}, "http://of.environment:1", False),
        ({"verify": certifi.where()}, "http://of.environment:1", certifi.where()),
        ({"proxies": {"https": "http://own:1"}}, "http://own:1", "/of/environment.pem"),
        ({"proxies": {"all": "http://own:1"}, "verify": False}, "http://own:1", False),
        ({"trust_env": False}, None, True),
    ],
)
def test_the_connections_own_settings_win_over_the_environments(extra, proxy, verify):
    assert used(carried(**extra)) == (proxy, verify)


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize("extra", [{}, {"verify": False}])
def test_hosts_that_the_environment_reaches_without_its_proxy(monkeypatch, extra):
    monkeypatch.setenv("NO_PROXY", "example.com")
    assert used(carried(**extra))[0] is None


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"base_url": 7}', '{"secret": "s3cret"', '{"base_url": "http://x", "s3cret": 1}'],
)
def test_what_is_no_endpoint_is_not_repeated(text):
    with pytest.raises(BadSettings) as refused:
        Endpoint.from_json(text)
    assert "s3cret" not in str(refused.value)
