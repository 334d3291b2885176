"""What of a connection is a secret, and in which forms it is found again in what a server or library says."""

import base64
import html
import json
import re
from urllib.parse import quote, quote_plus

import pytest

from include.transfer.redact import hidden, secrets_in, secrets_of_login

PASSWORD = "p\u00e4ss/w\u00f6rd:7+f 'x\"&"


def forms(secret):
    """What servers and libraries make of a text before they repeat it."""
    quoted = [quote(secret), quote(secret, safe=""), quote_plus(secret)]
    return [
        secret,
        *quoted,
        *(re.sub("%..", lambda code: code[0].lower(), each) for each in quoted),
        base64.b64encode(secret.encode()).decode(),
        base64.urlsafe_b64encode(secret.encode()).decode(),
        json.dumps(secret),
        json.dumps(secret, ensure_ascii=False),
        json.dumps(secret).replace("/", "\\/"),
        repr(secret),
        html.escape(secret),
        secret.encode().decode("latin-1"),
        secret.encode("latin-1").decode("utf-8", "replace"),
    ]


def shown(text, found):
    """What is left of `text` without marks, and without quotes and padding around them."""
    return hidden(text, found).replace("***", "").strip("\"'= ")


@pytest.mark.parametrize("said", forms(PASSWORD))
@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_a_password_that_a_server_decodes_and_repeats(said, encoding):
    sent = base64.b64encode(f"me:{PASSWORD}".encode(encoding)).decode()
    assert shown(said, secrets_in("http://host/", {"Authorization": f"Basic {sent}"})) == ""
    assert shown(said, secrets_of_login("me", PASSWORD)) == ""
    assert shown(sent, secrets_of_login("me", PASSWORD)) == ""


@pytest.mark.parametrize("value", ["7f3a9c1e55", "7f3a9c1e55\n", "735190155", "7f3a9c1e55 of-another"])
@pytest.mark.parametrize("name", ["X-Tenant", "X-Api-Key", "Authorization", "Cookie"])
def test_every_header_of_a_connection_but_those_that_all_clients_send(name, value):
    found = secrets_in("http://host/", {name: value, "User-Agent": "python/3", "Accept": "application/json"})
    assert hidden(f"{value.split()[0]} of python/3 is no application/json", found) == (
        "*** of python/3 is no application/json"
    )


def test_each_line_of_a_value_of_several():
    found = secrets_in("http://host/", {"X-Key": "-----BEGIN KEY-----\nq83vEjRWeJA\nz2Xw4DkfPbE\n"})
    assert hidden("line 2: z2Xw4DkfPbE", found) == "line 2: ***"


@pytest.mark.parametrize("url", ["http://host/?api_key=a%2Fbcd", "http://me:a%2Fbcd@host/"])
def test_those_of_a_url_quoted_and_not(url):
    assert hidden("a/bcd a%2Fbcd a%2fbcd", secrets_in(url, {})) == "*** *** ***"


def test_a_short_token_behind_its_scheme():
    assert hidden("no token a1b2", secrets_in("http://host/", {"Authorization": "Bearer a1b2"})) == (
        "no token ***"
    )


def test_a_login_without_a_password_is_a_key():
    assert hidden("no access for keyofours", secrets_of_login("keyofours", "")) == "no access for ***"


@pytest.mark.parametrize(
    "found",
    [
        secrets_of_login("admin", "canary-7f3a"),
        secrets_of_login("wildfires", "canary-7f3a"),
        secrets_in("http://admin:80ab@host:8080/", {}),
        secrets_in("http://host/", {"X-Stage": "production", "X-Tenant": "wildfires-eu", "X-Year": "2026"}),
        secrets_in("http://host/", {"X-Exact": "true", "X-Api-Key": "none", "X-Page": "80"}),
        secrets_in("http://host/", {"Authorization": "Bearer canary-7f3a"}),
        secrets_in(
            "http://host/", {"Origin": "https://host.example", "X-Callback": "https://host.example/x"}
        ),
    ],
)
def test_ordinary_words_and_numbers_stay_readable(found):
    line = "the admin's Bearer of wildfires: true, none, 80 rows, 2026-01-01, production, GET https://host/x"
    assert hidden(line, found) == line


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("it said abcdefghij twice: abcdefghij", "it said *** twice: ***"),
        ("cut behind abcdefgh", "cut behind ***"),
        ("defghij is its end", "*** is its end"),
        ("nothing of abcde", "nothing of abcde"),
        ("", ""),
    ],
)
def test_what_an_excerpt_cuts(text, shown):
    assert hidden(text, {"abcdefghij"}) == shown
