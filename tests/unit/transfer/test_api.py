"""Rows of a batch, each once, from APIs of every shape."""

import pytest

from include.transfer.batches import Batch
from include.transfer.errors import NotRows, SourceRefused, WrongRowCount
from tests.servers.faults import Fault
from tests.unit.transfer.conftest import open_api, rows_of

ROWS = [{"id": n, "name": f"row {n}"} for n in range(25)]


def asked(source, *names):
    return [tuple(request.query.get(name) for name in names) for request in source.row_requests]


def test_a_batch_in_one_request(source):
    served = source(ROWS)
    assert rows_of(open_api(served), 5, 10) == ROWS[5:15]
    assert asked(served, "start", "limit") == [("5", "10")]


def test_a_batch_in_several_requests(source):
    served = source(ROWS, offset_name="skip", limit_name="count")
    api = open_api(served, paging={"size": 4, "param": "skip", "limit_param": "count"})
    assert rows_of(api, 5, 10) == ROWS[5:15]
    assert asked(served, "skip", "count") == [("5", "4"), ("9", "4"), ("13", "4")]


@pytest.mark.parametrize("first_page", [0, 1])
def test_pages(source, first_page):
    served = source(ROWS, page_name="page", page_size_name="per_page", first_page=first_page)
    settings = {
        "paging": {"style": "page", "limit_param": "per_page", "size": 5, "first": first_page},
    }  # fmt: skip
    assert rows_of(open_api(served, **settings), 10, 15) == ROWS[10:]
    assert asked(served, "page", "per_page") == [(str(n + first_page), "5") for n in (2, 3, 4)]
    assert rows_of(open_api(served, **settings), 0, 1) == ROWS[:1]
    assert rows_of(open_api(served, **settings), 3, 4) == ROWS[3:7]


def test_pages_that_the_server_makes_smaller(source):
    served = source(ROWS, page_name="page", page_size_name="limit", largest_limit=3)
    api = open_api(served, paging={"style": "page", "size": 5, "first": 0})
    with pytest.raises(WrongRowCount, match="set paging's size"):
        rows_of(api, 0, 10)


def test_a_limit_that_the_server_caps(source):
    served = source(ROWS, largest_limit=4)
    assert rows_of(open_api(served), 0, 10) == ROWS[:10]
    assert asked(served, "start", "limit") == [("0", "10"), ("4", "6"), ("8", "2")]


def test_a_limit_that_the_server_refuses(source):
    served = source(ROWS, largest_limit=4, over_limit="refuse")
    with pytest.raises(SourceRefused, match=r"status 422.*at most 4.*paging"):
        rows_of(open_api(served), 0, 10)


@pytest.mark.parametrize("paging", [{"limit_param": "ignored"}, {"limit_param": ""}])
def test_a_limit_that_the_server_does_not_know(source, paging):
    with pytest.raises(WrongRowCount, match="more than the 10 rows"):
        rows_of(open_api(source(ROWS), paging=paging), 0, 10)


def test_more_rows_than_asked_for(source):
    served = source(ROWS).fault(Fault.more_rows())
    with pytest.raises(WrongRowCount, match=r"rows from 5 on.*more than the 10 rows"):
        rows_of(open_api(served), 5, 10)


def test_fewer_rows_once_are_asked_for_again(source):
    served = source(ROWS).fault(Fault.fewer_rows(3))
    assert rows_of(open_api(served), 0, 10) == ROWS[:10]
    assert asked(served, "start", "limit") == [("0", "10"), ("7", "3")]


@pytest.mark.parametrize("shape", [{}, {"offers_ndjson": True}, {"rows_key": "items"}])
def test_a_source_with_fewer_rows_than_it_counted(source, shape):
    settings = {"rows_key": shape.get("rows_key", "")}
    settings |= {"accept": "application/x-ndjson"} if shape.get("offers_ndjson") else {}
    with pytest.raises(WrongRowCount, match=r"no row at offset 25, .*fewer rows than it counted"):
        rows_of(open_api(source(ROWS, **shape), **settings), 20, 10)


@pytest.mark.parametrize(
    ("shape", "settings"),
    [
        ({}, {}),
        ({"offers_gzip": True}, {}),
        ({"framing": "length"}, {"accept_encoding": "identity"}),
        ({"rows_key": "data.rows", "total_key": "meta.total"}, {"rows_key": "data.rows"}),
        ({"rows_key": "items", "total_key": "total", "total_first": False}, {"rows_key": "items"}),
        ({"offers_ndjson": True, "offers_gzip": True}, {"accept": "application/x-ndjson"}),
        ({"indent": 2, "separators": (", ", " : "), "ascii_only": True}, {}),
    ],
)
def test_shapes_of_answers(source, shape, settings):
    rows = [{"id": n, "text": 'é😀"},{' * 3} for n in range(3_000)]
    assert rows_of(open_api(source(rows, **shape), paging={"size": 1_700}, **settings), 0, 3_000) == rows


@pytest.mark.parametrize(
    ("shape", "settings"),
    [
        ({}, {}),
        ({"count_key": "meta.total"}, {"total": "body:meta.total"}),
        (
            {"total_header": "X-Total-Count"},
            {"total": "header:x-total-count", "count_path": "/api/get?limit=1"},
        ),
        ({"rows_key": "items", "total_key": "n"}, {"total": "body:n", "count_path": "/api/get?limit=1"}),
    ],
)
def test_where_the_total_is(source, shape, settings):
    served = source(ROWS, version='"v1"', **shape)
    count = open_api(served, version_header="etag", **settings).count()
    assert (count.rows, count.version) == (25, "v1")


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (Fault.html(), "not JSON"),
        (Fault.status(200, '{"detail": "no"}'), "not a number of rows"),
        (Fault.status(200, "-1"), "not a number of rows"),
        (Fault.status(200, "2.5"), "not a number of rows"),
        (Fault.status(200, "true"), "not a number of rows"),
        (Fault.status(200, "[" * 100_000), "not JSON"),
        (Fault.status(200, "[" + "1," * (3 << 20)), "longer than 4 MB"),
        (Fault.empty(), "not JSON"),
    ],
)
def test_a_count_that_is_none(source, fault, says):
    served = source(ROWS).fault(fault, when=lambda request: request.asks_for == "count")
    with pytest.raises(NotRows, match=says):
        open_api(served).count()


def test_parameters_of_every_request(source):
    served = source(ROWS)
    api = open_api(served, paging={"size": 5}, query={"state": "CA", "year": [1999, 2000]})
    api.count()
    rows_of(api, 0, 10)
    assert [(r.query["state"], r.query["year"]) for r in served.requests] == [("CA", "2000")] * 3


def test_parameters_are_sent_as_json_writes_them(source):
    served = source(ROWS)
    api = open_api(served, query={"archived": False, "exact": True, "n": 1.0, "filter": {"a": [None, "é"]}})
    rows_of(api, 0, 5)
    (request,) = served.row_requests
    sent = [request.query[name] for name in ("archived", "exact", "n", "filter")]
    assert sent == ["false", "true", "1.0", '{"a":[null,"é"]}']


def test_credentials(source):
    served = source(ROWS, bearer="s3cret-token")
    api = open_api(served)
    with pytest.raises(SourceRefused, match=r"status 401.*check the login"):
        api.count()
    api._session.headers["Authorization"] = "Bearer s3cret-token"
    assert api.count().rows == 25
    assert rows_of(api, 0, 5) == ROWS[:5]


def test_a_login_in_the_url_is_used_and_not_shown(source):
    served = source(ROWS, basic=("me", "s3cret"))
    api = open_api(served)
    api._base_url = served.url.replace("://", "://me:s3cret@")
    assert api.count().rows == 25
    assert "s3cret" not in api.url


def test_rows_taken_in_part_leave_no_open_answer(source):
    served = source(lambda n: {"id": n, "text": "x" * 1000}, count=20_000)
    blocks = open_api(served).rows(Batch(0, 20_000))
    assert next(blocks).rows[0]["id"] == 0
    blocks.close()
    assert len(served.row_requests) == 1
