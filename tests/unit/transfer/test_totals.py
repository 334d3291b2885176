"""The number of rows, wherever and however an API says it, or does not say it."""

import json

import pytest

from include.transfer.batches import Batch
from include.transfer.errors import BadSettings, NotRows, SourceRefused, WrongRowCount
from include.transfer.source.count import read_number, whole_number
from tests.servers.faults import Fault
from tests.unit.transfer.conftest import open_api, rows_of

ROWS = [{"id": n} for n in range(25)]
COUNT = {"times": None, "when": lambda request: request.asks_for == "count"}


NUMBERS = (1234, 1234.0, "1234", " 1234 ", "1234.0", "1,234", "1 234", "1_234", "1'234", "1,234.00")
NONE = (True, None, -1, 2.5, float("nan"), float("inf"), 1e300, 10**30, [1], {}, "", "-1", "+1", "1e3")
NO_TEXT = ("1.234", "1.234.567", "12,34", "1,23,456", "1,234 567", "1,234,", ",234", "1234,567", "1.000")


@pytest.mark.parametrize("value", [*NUMBERS, "1\u00a0234", "1\u202f234"])
def test_numbers_of_rows(value):
    assert whole_number(value) == 1_234


@pytest.mark.parametrize("value", [*NONE, *NO_TEXT, "\u0661\u0662", "9" * 30])
def test_what_is_no_number_of_rows(value):
    assert whole_number(value) is None


def test_large_numbers():
    assert whole_number("1,234,567,890") == 1_234_567_890
    assert whole_number("0") == whole_number(0.0) == 0


@pytest.mark.parametrize(
    ("place", "body"),
    [
        ("body", 7),
        ("body:total", {"total": "7"}),
        ("body:meta.total", {"meta": {"total": 7}}),
        ("body:0.n", [{"n": 7}]),
        ("body:/@odata.count", {"@odata.count": 7}),
        ("body:/odata.count/@x", {"odata.count": {"@x": 7}}),
        ("body:@count", {"@count": 7}),
        ("body:meta.s:total", {"meta": {"s:total": 7}}),
        ("body:/a b/1/~0~1~01", {"a b": [0, {"~/~1": 7}]}),
        ("body:/", {"": 7}),
    ],
)
def test_places_in_a_body(place, body):
    assert read_number(place, {}, json.dumps(body).encode()) == 7


@pytest.mark.parametrize("text", [b"1,234", b" 1234.0\n", b'"1 234"'])
def test_a_body_that_is_the_number_alone(text):
    assert read_number("body", {}, text) == 1_234


@pytest.mark.parametrize("place", ["body:total", "body:/a/b", "body:a.b", "header:X-Total"])
def test_a_place_that_the_answer_does_not_have(place):
    with pytest.raises(NotRows) as raised:
        read_number(place, {}, b'{"a": [7]}')
    assert place in raised.value.got
    assert raised.value.fix


@pytest.mark.parametrize(
    "value", ["items 0-0/1234", "0-24/1234", "*/1234", "items */1234", "rows=0-24/1234", "items 0-24/1,234"]
)
def test_content_range(value):
    assert read_number("header:content-range", {"Content-Range": value}, b"") == 1_234


@pytest.mark.parametrize("value", ["items 0-0/*", "0-24", "bytes 0-99/1234", "/1234", "1234"])
def test_a_content_range_without_a_number_of_rows(value):
    with pytest.raises(NotRows):
        read_number("header:Content-Range", {"Content-Range": value}, b"")


@pytest.mark.parametrize(
    "total", ["meta.total", "header:", "body: a", "body:/a~2", "pages:", "pages:probe", "last_link", "body\n"]
)
def test_totals_that_are_none(total):
    with pytest.raises(BadSettings):
        open_api(type("Nobody", (), {"url": "http://x"}), total=total)


@pytest.mark.parametrize("total", ["last-link", "pages:body:n"])
def test_pages_have_a_size(total):
    with pytest.raises(BadSettings, match="needs a size"):
        open_api(type("Nobody", (), {"url": "http://x"}), total=total)


def test_an_answer_in_part_is_an_answer(source):
    part = {"Content-Range": "items 0-0/25", "Content-Type": "application/json"}
    served = source(ROWS).fault(Fault("status", code=206, headers=part, text=b'[{"id": 0}]'), **COUNT)
    served.fault(Fault("status", code=206, headers=part, text=b'[{"id": 0}]'))
    api = open_api(served, total="header:Content-Range")
    assert api.count().rows == 25
    assert rows_of(api, 0, 1) == ROWS[:1]


def test_no_content_is_a_total_only_where_a_header_says_so(source):
    served = source(ROWS).fault(Fault.status(204, X_Total="0"), **COUNT)
    assert open_api(served, total="header:X-Total").count().rows == 0
    for total in ("body", "body:total", "header:X-Other"):
        with pytest.raises(NotRows) as raised:
            open_api(served, total=total).count()
        assert raised.value.fix


def test_no_content_is_a_page_without_rows(source):
    served = source(ROWS).fault(Fault.status(204), times=None)
    api = open_api(served)
    with pytest.raises(WrongRowCount, match="no row at offset 0"):
        rows_of(api, 0, 10)
    assert api.behind(25).end == "empty"
    for total in ("probe", "last-link", "pages:body:n"):
        assert open_api(served, total=total, paging={"size": 5}).count().rows == 0


def test_the_count_has_a_query_and_a_media_type_of_its_own(source):
    served = source(ROWS)
    settings = {"query": {"state": "CA"}, "accept": "application/x-ndjson"}
    open_api(served, **settings).count()
    open_api(served, **settings, count_query={"only": ["n", "m"]}, count_accept="text/plain").count()
    open_api(served, **settings, count_query={}).count()
    assert [request.query for request in served.requests] == [{"state": "CA"}, {"only": "m"}, {}]
    asked = [request.headers["accept"] for request in served.requests]
    assert asked == ["application/json", "text/plain", "application/json"]


def test_a_count_is_asked_for_in_the_rows_own_kind_of_json(source):
    served = source(ROWS)
    open_api(served, accept="application/vnd.api+json").count()
    assert served.requests[0].headers["accept"] == "application/vnd.api+json"


def probed(source, **settings):
    api = open_api(source, total="probe", **settings)
    return api.count().rows


@pytest.mark.parametrize("rows", [0, 1, 2, 3, 4, 5, 25, 1_023, 1_024, 1_025])
def test_a_probe_is_exact_and_short(source, rows):
    served = source(lambda n: {"id": n}, count=rows)
    assert probed(served) == rows
    assert {request.query["limit"] for request in served.requests} == {"1"}
    assert len(served.requests) <= 2 * rows.bit_length() + 2
    pages = source(lambda n: {"id": n}, count=rows, page_name="page", page_size_name="limit", first_page=1)
    assert probed(pages, paging={"style": "page", "size": 4}) == rows


def test_a_probe_of_an_api_without_a_limit(source):
    assert probed(source(ROWS, largest_limit=10), paging={"limit_param": ""}) == 25


def test_a_probe_takes_a_refusal_for_the_end_only_where_it_means_that(source):
    behind = {"times": None, "when": lambda request: int(request.query["start"]) >= 7}
    assert probed(source(ROWS).fault(Fault.status(404), **behind)) == 7
    with pytest.raises(SourceRefused) as raised:
        probed(source(ROWS).fault(Fault.status(400), **behind))
    assert "probe" in raised.value.fix
    with pytest.raises(SourceRefused):
        probed(source(ROWS).fault(Fault.status(404), times=None))


def test_a_probe_goes_on_where_a_request_failed(source):
    served = source(ROWS).fault(Fault.status(503), times=2)
    assert probed(served) == 25


def test_a_probe_of_an_api_that_ignores_the_offset_ends(source):
    served = source(ROWS, offset_name="another")
    with pytest.raises(NotRows, match="ignore"):
        probed(served)
    assert len(served.requests) < 50


def test_pages_that_grow_between_two_requests_are_counted_to_the_end(source):
    served = source(ROWS, page_name="page", page_size_name="limit", rows_key="items", first_page=1)
    served.fault(Fault.status(200, json.dumps({"items": ROWS[:10], "pages": 3})))
    settings = {"paging": {"style": "page", "size": 10}, "rows_key": "items"}
    assert open_api(served, total="pages:body:pages", **settings).count().rows == 25


def test_the_total_is_of_the_batch(source):
    api = open_api(source(ROWS), total="probe", paging={"size": 10})
    count = api.count().rows
    assert [row for block in api.rows(Batch(0, count, count)) for row in block.rows] == ROWS
