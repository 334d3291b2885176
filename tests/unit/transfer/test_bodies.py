"""Requests with a body: what is put where, and errors that come with status 200."""

import json

import pytest

from include.transfer.dataset import Dataset
from include.transfer.errors import BadSettings, NotRows, SourceRefused, SourceUnavailable
from include.transfer.source.bodies import placed
from tests.servers.faults import Fault
from tests.servers.raw_http import RawServer, says
from tests.unit.transfer.conftest import open_api, rows_of
from tests.unit.transfer.test_logins import KEY, SECRET, clean, opened

ROWS = [{"id": n} for n in range(25)]
CURSOR = {"style": "cursor", "token": "body:next", "param": "body:v.after"}


def dataset(**settings):
    return Dataset(**{"name": "things", **settings})


@pytest.mark.parametrize(
    ("body", "paging", "params", "sent"),
    [
        ({}, {"param": "body:from"}, [("body:from", "7"), ("limit", "5")], {"from": 7}),
        ({"a": {"b": 1}}, {"param": "body:a.c"}, [("body:a.c", "7")], {"a": {"b": 1, "c": 7}}),
        ({"a": [1, {"n": 0}]}, {"param": "body:a.1.n"}, [("body:a.1.n", "7")], {"a": [1, {"n": 7}]}),
        ({}, CURSOR, [("body:v.after", "7")], {"v": {"after": "7"}}),
        ({"v": {"after": None}}, CURSOR, [("body:v.after", "7")], {"v": {"after": "7"}}),
        ({"v": {"after": 0}}, CURSOR, [("body:v.after", "7")], {"v": {"after": 7}}),
        ({"v": {"after": 0}}, CURSOR, [("body:v.after", "x")], {"v": {"after": "x"}}),
        ({"v": 1}, CURSOR | {"limit_param": "body:n", "size": 5}, [("body:n", "5")], {"v": 1, "n": 5}),
    ],
)
def test_what_is_put_where(body, paging, params, sent):
    found = dataset(body=body, paging=paging) if body.get("v") != 1 else None
    if found is None:
        with pytest.raises(BadSettings, match="v is no object"):
            dataset(body=body, paging=paging)
        return
    before = json.dumps(body)
    query, text = placed(found, params)
    assert json.loads(text) == sent
    assert all(not name.startswith("body:") for name, _ in query)
    assert json.dumps(found.body) == before


@pytest.mark.parametrize(
    ("settings", "wrong"),
    [
        ({"paging": {"param": "body:from"}}, "needs a body"),
        ({"paging": {"limit_param": "body:size"}, "body": {"size": {}}}, "size is an object"),
        ({"paging": CURSOR, "body": {"v": []}}, "v has no place after"),
        ({"paging": {"param": "body:"}, "body": {}}, "names no place"),
        ({"body": [1]}, "body is .*not an object"),
        ({"body": {"a": float("nan")}}, "body is no JSON"),
        ({"body": {"a": {1, 2}}}, "body is no JSON"),
    ],
)
def test_settings_that_cannot_be_sent(settings, wrong):
    with pytest.raises(BadSettings, match=wrong):
        dataset(**settings)


def test_a_post_that_fails_for_a_passing_reason_is_made_again(source):
    served = source(ROWS).fault(Fault.status(503), times=2)
    api = open_api(served, body={"q": 1})
    assert rows_of(api, 0, 10) == ROWS[:10]
    assert [(each.method, each.body) for each in served.requests] == [("POST", b'{"q": 1}')] * 3


def test_a_post_is_not_redirected_into_a_get(source):
    served = source(ROWS).fault(Fault.redirect("/api/get"))
    with pytest.raises(SourceRefused) as raised:
        rows_of(open_api(served, body={"q": 1}), 0, 10)
    assert raised.value.where.startswith("POST ")
    assert raised.value.fix


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (
            {"errors": [{"message": "Field 'x' is unknown"}, {"message": "two"}], "data": None},
            "'x' is unknown; two",
        ),
        ({"error": {"code": 498, "message": "Invalid Token", "details": ["expired"]}}, "498.*Invalid Token"),
        ({"error": "over quota"}, "over quota"),
        ({"errors": ["one"]}, "one"),
        ({"errors": {"a": 1}}, '"a"'),
    ],
)
@pytest.mark.parametrize("asks_for", ["rows", "count"])
@pytest.mark.parametrize("body", [None, {"q": 1}])
def test_the_words_of_an_error_in_200_are_shown(source, answer, words, asks_for, body):
    fault = Fault.status(200, json.dumps(answer))
    served = source(ROWS, rows_key="items").fault(fault, times=None, when=lambda request: True)
    api = open_api(served, rows_key="items", total="body:n", body=body)
    with pytest.raises(NotRows, match=words) as raised:
        rows_of(api, 0, 10) if asks_for == "rows" else api.count()
    assert raised.value.where.startswith("GET " if body is None else "POST ")


@pytest.mark.parametrize(
    "error",
    [
        {"message": "x", "extensions": {"code": "INTERNAL_SERVER_ERROR"}},
        {"message": "x", "type": "RATE_LIMITED"},
        {"message": "x", "code": 429},
        {"message": "The query timed out"},
        "please try again later",
    ],
)
@pytest.mark.parametrize("asks_for", ["rows", "count"])
def test_an_error_in_200_that_passes_is_asked_for_again(source, error, asks_for):
    served = source(ROWS, rows_key="items", total_key="n")
    fault = Fault.status(200, json.dumps({"data": None, "errors": [error]}))
    api = open_api(served, rows_key="items", total="body:n", count_path="/api/get", body={})

    def ask():
        return rows_of(api, 0, 10) if asks_for == "rows" else api.count().rows

    served.fault(fault, times=2)
    assert ask() == (ROWS[:10] if asks_for == "rows" else len(ROWS))
    served.fault(fault, times=None)
    with pytest.raises(SourceUnavailable):
        ask()


@pytest.mark.parametrize(
    "errors",
    [
        [{"message": "x", "extensions": {"code": "GRAPHQL_VALIDATION_FAILED"}}],
        [{"message": "timed out", "code": "INVALID_TOKEN"}],
        [{"message": "x", "extensions": {"code": "THROTTLED"}}, {"message": "no such field"}],
    ],
)
def test_an_error_in_200_that_stays_is_asked_for_once(source, errors):
    served = source(ROWS, rows_key="items").fault(Fault.status(200, json.dumps({"errors": errors})), times=9)
    with pytest.raises(NotRows):
        rows_of(open_api(served, rows_key="items", body={}), 0, 10)
    assert len(served.row_requests) == 1


def test_no_error_in_200_shows_the_key():
    def answer(target):
        return says("HTTP/1.1 200 OK", json.dumps({"errors": [{"message": f"no {SECRET}"}]}).encode())

    with RawServer(answer) as server, pytest.raises(NotRows, match=r"no \*\*\*") as raised:
        rows_of(opened(server.url, KEY, rows_key="items"), 0, 10)
    assert clean(raised.value)


def test_no_errors_are_no_error(source):
    served = source(ROWS, rows_key="items")
    served.fault(Fault.status(200, json.dumps({"errors": [], "items": ROWS[:10]})))
    assert rows_of(open_api(served, rows_key="items", body={}), 0, 10) == ROWS[:10]
