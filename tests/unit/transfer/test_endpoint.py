"""A connection crosses to another process as plain values, and asks there as it does here."""

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
        ("verify", "/etc/own-ca.pem"),
        ("cert", ("/client.pem", "/client.key")),
        ("cert", "/both.pem"),
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


@pytest.mark.parametrize("url", ["", "http://", "api.example.com"])
def test_a_connection_without_a_host(url):
    with pytest.raises(BadSettings) as refused:
        Endpoint(url)
    assert "host" in refused.value.fix


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"base_url": 7}', '{"secret": "s3cret"', '{"base_url": "http://x", "s3cret": 1}'],
)
def test_what_is_no_endpoint_is_not_repeated(text):
    with pytest.raises(BadSettings) as refused:
        Endpoint.from_json(text)
    assert "s3cret" not in str(refused.value)
