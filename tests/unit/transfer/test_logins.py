"""Logins beside basic auth: where they go, how a token is renewed, and that nothing repeats a secret."""

import json

import pytest

from include.transfer.copy_chain import copy_chain, sealed
from include.transfer.dataset import Dataset
from include.transfer.errors import BadSettings, SourceRefused, SourceUnavailable
from include.transfer.source.api import Api
from include.transfer.source.endpoint import Endpoint
from include.transfer.source.logins import login_of
from include.transfer.store.keys import Prefix
from tests.conformance.logins import SECRET, LinksWithTheKey
from tests.conformance.styles import Served
from tests.servers.faults import Fault
from tests.servers.raw_http import RawServer, says
from tests.unit.transfer.conftest import IMPATIENT, rows_of

ROWS = [{"id": n} for n in range(25)]
KEY = {"style": "query", "param": "appid"}


def always(request):
    return True


def opened(url, auth, **settings):
    endpoint = Endpoint(url, trust_env=False).with_login(login_of(auth, "me", SECRET))
    session = Endpoint.from_json(endpoint.to_json()).session()
    return Api(session, url, Dataset(**{"name": "things", **settings}), IMPATIENT)


def clean(text):
    return not any(form in str(text) for form in (SECRET, "3cret", "7f3a9c1e"))


def keys(served):
    return [request.query.get("appid") for request in served.requests]


# A key in the query -------------------------------------------------------------------------------------


def test_a_key_follows_a_redirect_to_its_own_origin(source):
    served = source(ROWS).fault(Fault.redirect("/api/get?start=0&limit=10"))
    assert rows_of(opened(served.url, KEY), 0, 10) == ROWS[:10]
    assert keys(served) == [SECRET, SECRET]


def test_and_to_no_other_even_where_the_redirect_repeats_it(source):
    other = source(ROWS)
    location = f"{other.url}/api/get?start=0&appid={SECRET}&limit=10"
    served = source(ROWS).fault(Fault.redirect(location))
    assert rows_of(opened(served.url, KEY), 0, 10) == ROWS[:10]
    assert keys(other) == [None]
    assert other.requests[0].query == {"start": "0", "limit": "10"}


def test_and_does_not_come_back_by_way_of_a_third(source):
    back, other = source(ROWS), source(ROWS)
    other.fault(Fault.redirect(f"{back.url}/api/get?start=0&limit=10"))
    back.fault(Fault.redirect(f"{other.url}/api/get"))
    assert rows_of(opened(back.url, KEY), 0, 10) == ROWS[:10]
    assert keys(back) == [SECRET, None]


def test_a_parameter_of_the_dataset_does_not_stand_beside_it(source):
    served = source(ROWS)
    assert opened(served.url, KEY, query={"appid": "x", "a": "é b"}).count().rows == 25
    assert served.requests[0].query == {"appid": SECRET, "a": "é b"}


@pytest.mark.parametrize("head", ["HTTP/1.1 403 No", "HTTP/1.1 500 No", "HTTP/1.1 200 OK"])
def test_an_answer_that_repeats_the_request_shows_no_key(head):
    with RawServer(lambda target: says(head, target.encode())) as server:
        with pytest.raises(Exception, match=r"appid=\*\*\*") as raised:
            opened(server.url, KEY).count()
        assert clean(raised.value)


def test_no_receipt_of_a_chain_holds_the_key_and_a_retry_goes_on_from_the_last(bucket):
    prefix = Prefix("things", "20260101T000000-aaaa")
    with Served(LinksWithTheKey()) as served:
        settings = {"format": "ndjson", "batch_size": 60} | served.style.settings
        api = opened(served.url, LinksWithTheKey.auth, **settings)
        copy_chain(api, bucket, prefix)
        receipts = list(sealed(bucket, prefix))
        assert [each.chain["next"] for each in receipts] == [
            *(f"/api/get?cursor=t{row}" for row in (75, 150, 225)),
            None,
        ]
        assert all(clean(json.dumps(each.to_dict())) for each in receipts)


# Tokens -------------------------------------------------------------------------------------------------

TOKENS = {"style": "oauth2", "token_url": "", "scope": "read"}


def given(token="t0k3n-1", **more):
    return Fault.status(200, json.dumps({"access_token": token, "token_type": "Bearer", **more}))


@pytest.fixture
def tokens(source):
    """A server of tokens; each test has its own, so no token is there yet."""
    return source(ROWS)


def asking(served, tokens, **settings):
    return opened(served.url, TOKENS | {"token_url": f"{tokens.url}/token"} | settings)


def sent(served):
    return [request.headers.get("authorization") for request in served.requests]


def test_one_token_serves_all_that_a_process_asks(source, tokens):
    served = source(ROWS, bearer="t0k3n-1")
    tokens.fault(given(expires_in=3600), times=None, when=always)
    assert rows_of(asking(served, tokens), 0, 10) == ROWS[:10]
    assert asking(served, tokens).count().rows == 25
    assert [request.method for request in tokens.requests] == ["POST"]


def test_a_token_that_is_refused_is_renewed_once(source, tokens):
    served = source(ROWS, bearer="t0k3n-2")
    for n in (1, 2, 3):
        tokens.fault(given(f"t0k3n-{n}"), when=always)
    assert asking(served, tokens).count().rows == 25
    assert sent(served) == ["Bearer t0k3n-1", "Bearer t0k3n-2"]
    served.bearer = "another"
    with pytest.raises(SourceRefused, match="status 401"):
        asking(served, tokens).count()
    assert sent(served)[2:] == ["Bearer t0k3n-2", "Bearer t0k3n-3"]


def test_a_token_that_is_about_to_expire_is_renewed_before_it_is_refused(source, tokens):
    served = source(ROWS)
    for n in (1, 2):
        tokens.fault(given(f"t0k3n-{n}", expires_in="20"), when=always)
    api = asking(served, tokens)
    assert [api.count().rows, api.count().rows] == [25, 25]
    assert sent(served) == ["Bearer t0k3n-1", "Bearer t0k3n-2"]


def test_a_token_goes_to_no_other_origin(source, tokens):
    other = source(ROWS)
    served = source(ROWS).fault(Fault.redirect(f"{other.url}/api/get?start=0&limit=10"))
    tokens.fault(given(), when=always)
    assert rows_of(asking(served, tokens), 0, 10) == ROWS[:10]
    assert sent(other) == [None]


WRONG_SECRET = Fault.status(
    401, json.dumps({"error": "invalid_client", "error_description": f"not {SECRET}"})
)


@pytest.mark.parametrize(
    ("answer", "got"),
    [
        (WRONG_SECRET, "status 401"),
        (Fault.status(400, '{"error": "invalid_scope"}'), "invalid_scope"),
        (Fault.status(200, json.dumps({"error": "invalid_client", "error_description": SECRET})), "invalid"),
        (Fault.status(200, '{"token": "x"}'), "no token"),
        (Fault.status(200, json.dumps({"access_token": ["x"]})), "no bearer token"),
        (Fault.status(200, json.dumps({"access_token": "x\ny"})), "no bearer token"),
        (Fault.status(200, json.dumps({"access_token": "x", "token_type": "mac"})), "no bearer token"),
        (Fault.status(200, json.dumps({"access_token": "x", "expires_in": "soon"})), "no bearer token"),
        (Fault.status(200, f'["{SECRET}"]'), "no bearer token"),
        (Fault.html(f"<p>Sign in {SECRET}"), "no bearer token"),
        (Fault.redirect("/token"), "redirects a POST"),
    ],
)
@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
def test_no_token_is_said_with_the_token_url_and_no_secret(source, tokens, answer, got, method):
    served = source(ROWS)
    tokens.fault(answer, times=None, when=always)
    with pytest.raises(SourceRefused) as raised:
        asking(served, tokens, method=method).count()
    assert raised.value.where == f"POST {tokens.url}/token"
    assert got in raised.value.got
    assert "token_url" in raised.value.fix
    assert clean(raised.value)
    assert served.requests == []


@pytest.mark.parametrize("code", [302, 307])
@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
def test_a_token_url_that_leads_elsewhere_takes_no_secret_there(source, tokens, code, method):
    other = source(ROWS)
    tokens.fault(Fault.redirect(f"{other.url}/token", code=code), times=None, when=always)
    with pytest.raises(SourceRefused, match="token: it redirects a POST"):
        asking(source(ROWS), tokens, method=method).count()
    assert other.requests == []


def test_a_token_url_that_is_down_is_asked_again(source, tokens):
    served = source(ROWS, bearer="t0k3n-1")
    tokens.fault(Fault.status(503), times=2, when=always).fault(given(), when=always)
    assert asking(served, tokens).count().rows == 25
    tokens.close()
    with pytest.raises(SourceUnavailable) as raised:
        asking(served, tokens, scope="other").count()
    assert raised.value.where == f"POST {tokens.url}/token"


def test_a_new_token_is_told_to_who_masks(source, tokens):
    served = source(ROWS)
    tokens.fault(given("t0k3n-7f3a9c1e55"), when=always)
    endpoint = Endpoint(served.url, trust_env=False).with_login(
        login_of(TOKENS | {"token_url": f"{tokens.url}/token"}, "me", SECRET)
    )
    told: set[str] = set()
    Api(endpoint.session(told.update), served.url, Dataset(name="things"), IMPATIENT).count()
    assert "t0k3n-7f3a9c1e55" in told


# Settings -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("auth", "user", "password"),
    [
        ({}, "", SECRET),
        (SECRET, "", "x"),
        ({"style": SECRET}, "", "x"),
        ({"style": ["bearer"]}, "", "x"),
        ({"style": "bearer", "token": SECRET}, "", "x"),
        ({"style": "bearer"}, "", ""),
        ({"style": "bearer"}, "", f"{SECRET}\nx"),
        ({"style": "header"}, "", SECRET),
        ({"style": "header", "name": "X Key"}, "", SECRET),
        ({"style": "query"}, "", SECRET),
        ({"style": "query", "param": 1}, "", SECRET),
        ({"style": "query", "param": "k"}, "", ""),
        ({"style": "oauth2", "token_url": "https://a.example/token"}, "", SECRET),
        ({"style": "oauth2", "token_url": "https://a.example/token"}, "me", ""),
        ({"style": "oauth2", "token_url": f"a.example/{SECRET}"}, "me", SECRET),
        ({"style": "oauth2", "token_url": "https://a.example", "method": SECRET}, "me", SECRET),
    ],
)
def test_settings_that_are_wrong_are_said_without_their_values(auth, user, password):
    with pytest.raises(BadSettings) as raised:
        login_of(auth, user, password)
    assert raised.value.where == "auth in the extra"
    assert raised.value.fix
    assert clean(raised.value)


@pytest.mark.parametrize("auth", [KEY, {"style": "bearer"}, TOKENS | {"token_url": "https://a.example/t"}])
def test_an_endpoint_holds_the_password_as_a_secret_and_no_repr_shows_it(auth):
    login = login_of(auth, "me", SECRET)
    assert SECRET in Endpoint("https://a.example").with_login(login).secrets
    assert clean(repr(login))
