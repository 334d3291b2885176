"""What a request carries on to where it is redirected, and what an error repeats of it."""

import pytest

from include.transfer.errors import NotRows, SourceRefused
from include.transfer.source.fetch import same_origin
from tests.servers.faults import Fault
from tests.unit.transfer.conftest import open_api, rows_of

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
