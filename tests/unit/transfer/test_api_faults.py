"""What a source can do wrong, and what a batch makes of it: all rows once, or a named error."""

import dataclasses
import logging
import re
import traceback
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from include.transfer.batches import Batch
from include.transfer.errors import (
    BadSettings,
    BodyBroken,
    NotRows,
    SourceChanged,
    SourceRefused,
    SourceUnavailable,
    TransferError,
)
from include.transfer.redact import redact
from include.transfer.source.pace import retry_after
from tests.servers.faults import Fault
from tests.servers.ports import free_port
from tests.unit.transfer.conftest import IMPATIENT, open_api, rows_of

ROWS = [{"id": n, "name": f"row {n}", "text": "x" * 200} for n in range(4_000)]
ANY = {"times": None, "when": lambda request: True}


def starts(source):
    return [int(request.query["start"]) for request in source.row_requests]


@pytest.mark.parametrize("code", [408, 425, 429, 500, 502, 503, 529])
def test_statuses_that_may_pass(source, code):
    served = source(ROWS).fault(Fault.status(code), times=2)
    assert rows_of(open_api(served), 0, 10) == ROWS[:10]
    assert [r.status for r in served.row_requests] == [code, code, 200]


@pytest.mark.parametrize("code", [400, 401, 403, 404, 405, 406, 410, 422, 202, 304])
def test_statuses_that_will_not(source, code):
    served = source(ROWS).fault(Fault.status(code, "" if code == 304 else "because"), times=None)
    with pytest.raises(SourceRefused, match=f"status {code}"):
        rows_of(open_api(served), 0, 10)
    assert len(served.requests) == 1


def too_large(code, most):
    return {"times": None, "when": lambda request: int(request.query["limit"]) > most}, Fault.status(code)


@pytest.mark.parametrize("code", [413, 504])
@pytest.mark.parametrize(
    ("settings", "limits"),
    [({}, ["10", "5", "3", "3", "3", "3"]), ({"size": 15}, ["15", "5", *["1"] * 10])],
)
def test_a_page_that_is_too_large_is_asked_for_in_smaller_ones(source, code, settings, limits):
    when, fault = too_large(code, 3)
    served = source(ROWS).fault(fault, **when)
    assert rows_of(open_api(served, paging=settings), 30, 10) == ROWS[30:40]
    assert [request.query["limit"] for request in served.row_requests] == limits


def test_a_gateway_that_was_down_leaves_no_tiny_pages_behind(source):
    served = source(ROWS).fault(Fault.status(504), times=7)
    patience = dataclasses.replace(IMPATIENT, attempts=9)
    assert rows_of(open_api(served, patience, paging={"size": 1_000}), 0, 4_000) == ROWS
    assert {int(request.query["limit"]) for request in served.row_requests if request.status == 200} == {125}


@pytest.mark.parametrize(("code", "requests"), [(413, 1), (504, IMPATIENT.attempts)])
@pytest.mark.parametrize(
    "settings",
    [
        {"style": "page", "limit_param": "page_size", "size": 5},
        {"size": 1},
        {"limit_param": ""},
    ],
    ids=["pages", "one row", "no limit"],
)
def test_a_page_that_cannot_be_smaller(source, code, requests, settings):
    served = source(ROWS).fault(Fault.status(code), times=None)
    with pytest.raises((SourceRefused, SourceUnavailable), match=f"status {code}") as raised:
        rows_of(open_api(served, paging=settings), 0, 10)
    assert "size in paging" in raised.value.fix
    assert len(served.requests) == requests


@pytest.mark.parametrize("code", [429, 503])
def test_a_source_that_stays_away(source, code):
    served = source(ROWS).fault(Fault.status(code), **ANY)
    for call in (lambda api: api.count(), lambda api: rows_of(api, 0, 10)):
        with pytest.raises(SourceUnavailable, match=f"status {code}"):
            call(open_api(served))
    assert len(served.requests) == 2 * IMPATIENT.attempts


@pytest.mark.parametrize("value", ["0", "-1", "soon", "²", "Fri, 31 Dec 1999 23:59:59 GMT", "Mon, 99 Abc"])
def test_retry_after_that_asks_for_nothing(source, value):
    served = source(ROWS).fault(Fault.status(429, Retry_After=value.encode().decode("latin-1")))
    assert rows_of(open_api(served), 0, 10) == ROWS[:10]


@pytest.mark.parametrize(
    "value",
    [
        "3600",
        "9" * 40,
        format_datetime(datetime.now(UTC) + timedelta(days=1), usegmt=True),
        "Fri, 31 Dec 9999 23:59:59 GMT",
    ],
    ids=["an hour", "for ever", "tomorrow", "the last date"],
)
def test_retry_after_that_is_too_long_frees_the_slot(source, value):
    served = source(ROWS).fault(Fault.status(503, Retry_After=value), times=None)
    with pytest.raises(SourceUnavailable) as raised:
        rows_of(open_api(served), 0, 10)
    assert raised.value.retry_after > 3_000
    assert len(served.requests) == 1


def test_retry_after_reads_both_forms():
    assert retry_after("17") == 17
    assert retry_after(None) is None
    assert retry_after("Fri, 31 Dec 1999 23:59:59 +9999") in (None, 0.0)
    in_an_hour = datetime.now(UTC) + timedelta(hours=1)
    assert 3_500 < retry_after(format_datetime(in_an_hour, usegmt=True)) <= 3_600


def test_nobody_there():
    closed = type("Closed", (), {"url": f"http://127.0.0.1:{free_port()}"})
    with pytest.raises(SourceUnavailable, match="Connection refused"):
        open_api(closed).count()


@pytest.mark.parametrize("url", ["http://", "ftp://host", "no-scheme", "http://[::1", "http://a b"])
def test_urls_that_are_none(url):
    with pytest.raises(TransferError) as raised:
        open_api(type("Wrong", (), {"url": url})).count()
    assert isinstance(raised.value, BadSettings | SourceUnavailable)


def test_reset_before_an_answer(source):
    served = source(ROWS).fault(Fault.reset(), times=2)
    assert rows_of(open_api(served), 0, 10) == ROWS[:10]
    assert starts(served) == [0, 0, 0]


@pytest.mark.parametrize("ending", ["reset", "close"])
@pytest.mark.parametrize("framing", ["length", "chunked"])
@pytest.mark.parametrize(
    ("shape", "settings"),
    [
        ({}, {}),
        ({"rows_key": "data.rows"}, {"rows_key": "data.rows"}),
        ({"offers_ndjson": True}, {"accept": "application/x-ndjson"}),
    ],
    ids=["array", "key", "lines"],
)
def test_a_body_that_breaks_off_is_continued(source, ending, framing, shape, settings):
    served = source(ROWS, framing=framing, **shape)
    for after in (300_000, 100_000):
        served.fault(Fault.cut(after, ending))
    assert rows_of(open_api(served, **settings), 100, 3_000) == ROWS[100:3_100]
    first, second, third = starts(served)
    assert first == 100
    # A reset may overtake what was sent before it.
    assert 100 <= second <= third <= 100 + 400_000 // 230
    if ending == "close":
        assert second > 900


def test_continuing_where_pages_are_numbered(source):
    served = source(ROWS, page_name="page").fault(Fault.cut(150_000, "close"))
    api = open_api(served, paging={"style": "page", "limit_param": "page_size", "size": 1_000, "first": 0})
    assert rows_of(api, 0, 2_000) == ROWS[:2_000]
    assert [r.query["page"] for r in served.row_requests] == ["0", "0", "1"]


def test_attempts_are_counted_anew_where_rows_arrive(source):
    served = source(ROWS).fault(Fault.cut(100_000, "close"), times=3 * IMPATIENT.attempts)
    assert rows_of(open_api(served), 0, 4_000) == ROWS
    assert len(served.requests) > IMPATIENT.attempts


@pytest.mark.parametrize(
    "fault", [Fault.truncated(100), Fault.empty(), Fault.gzip_cut(30)], ids=["json", "empty", "gzip"]
)
def test_an_answer_that_always_ends_too_early(source, fault):
    served = source(ROWS).fault(fault, times=None)
    with pytest.raises(BodyBroken, match=r"end|empty"):
        rows_of(open_api(served), 0, 10)
    assert len(served.requests) == IMPATIENT.attempts


@pytest.mark.parametrize(
    "fault", [Fault.truncated(200_000), Fault.gzip_cut(5_000), Fault.wrong_length(-50_000)]
)
def test_an_answer_that_ends_too_early_once(source, fault):
    served = source(ROWS).fault(fault)
    assert rows_of(open_api(served), 0, 2_000) == ROWS[:2_000]
    assert starts(served)[1] > 0


def test_a_length_that_promises_too_much(source):
    served = source(ROWS).fault(Fault.wrong_length(100))
    assert rows_of(open_api(served), 0, 1_000) == ROWS[:1_000]


def test_a_slow_drip_is_waited_for(source):
    served = source(ROWS).fault(Fault.drip(piece=400, pause=0.001))
    assert rows_of(open_api(served), 0, 20) == ROWS[:20]
    assert len(served.requests) == 1


@pytest.mark.parametrize("after", [None, 100_000])
def test_a_stall_is_not(source, after):
    served = source(ROWS).fault(Fault.stall(after))
    api = open_api(served, dataclasses.replace(IMPATIENT, read=0.2))
    assert rows_of(api, 0, 2_000) == ROWS[:2_000]
    assert len(served.requests) == 2


def test_a_page_for_people(source):
    served = source(ROWS).fault(Fault.html(), times=None)
    with pytest.raises(NotRows, match=r"GET http://127.*rows from 5 on.*HTML"):
        rows_of(open_api(served), 5, 10)
    assert len(served.requests) == 1


def test_text_that_is_not_utf8(source):
    served = source(ROWS).fault(Fault.invalid_utf8(after=1_000))
    with pytest.raises(NotRows, match="not UTF-8: byte 0xff at position 1,"):
        rows_of(open_api(served), 0, 100)


def test_a_redirect_is_followed_and_a_circle_is_not(source):
    served = source(ROWS).fault(Fault.redirect())
    assert rows_of(open_api(served), 0, 10) == ROWS[:10]
    served.fault(Fault.redirect(), times=None)
    with pytest.raises(SourceRefused, match="circle"):
        rows_of(open_api(served), 0, 10)


def test_a_version_of_each_answer_is_named_as_such(source):
    served = source(ROWS, version='"first"')
    served.fault(Fault.version('"other"'), times=None, when=lambda request: request.query.get("start") != "0")
    with pytest.raises(SourceChanged) as raised:
        rows_of(open_api(served, version_header="ETag", paging={"size": 5}), 0, 10)
    assert "version_header" in raised.value.fix


@pytest.mark.parametrize("version", ['"two"', ""])
def test_a_version_that_changes_within_a_batch(source, version):
    served = source(ROWS, version='"one"').fault(Fault.cut(200_000, "close"))
    served.fault(Fault.version(version)) if version else None
    api = open_api(served, version_header="ETag")
    blocks = api.rows(Batch(0, 2_000))
    next(blocks)
    served.version = version or None
    with pytest.raises(SourceChanged, match=f"from one to {version.strip(chr(34)) or None}") as raised:
        list(blocks)
    assert "version_header" not in raised.value.fix
    weak = source(ROWS, version='"one"').fault(Fault.cut(200_000, "close"))
    api = open_api(weak, version_header="ETag")
    weak.fault(Fault.version('W/"one"'))
    assert len(rows_of(api, 0, 2_000)) == 2_000
    assert api.version == "one"


@pytest.mark.parametrize(
    "fault",
    [
        Fault.status(401, "token header-canary and query-canary are wrong"),
        Fault.status(500, "query-canary"),
        Fault.status(429, Retry_After="9999"),
        Fault.html("<p>"),
        Fault.reset(),
        Fault.truncated(50),
        Fault.gzip_cut(20),
        Fault.stall(),
        Fault.redirect(),
        Fault.redirect("http://127.0.0.1:1/?token=query-canary"),
        Fault.more_rows(),
        Fault.version("other"),
    ],
)
def test_no_secret_is_in_any_error_or_log(source, fault, caplog):
    served = source(ROWS[:20], version="v").fault(fault, **ANY)
    settings = {"query": {"api_key": "query-canary"}, "version_header": "ETag"}
    api = open_api(served, dataclasses.replace(IMPATIENT, read=0.05, attempts=2), **settings)
    api._base_url = served.url.replace("://", "://login-canary:basic-canary@")
    api._session.headers["X-Api-Key"] = "header-canary"
    texts = [api.url, repr(api)]
    for call in (api.count, lambda: rows_of(api, 0, 10)):
        try:
            call()
        except TransferError as error:
            texts += ["".join(traceback.format_exception(error)), str(error)]
            logging.getLogger("include").exception("the task failed")
    assert served.requests[-1].headers["x-api-key"] == "header-canary"
    assert not re.search("canary", "\n".join(texts) + caplog.text)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://me:pw@host:1/a?x=1&api_key=k&Token=t#f", "http://host:1/a?x=1&api_key=***&Token=***"),
        ("http://host/a", "http://host/a"),
        ("http://[bad", "(not a URL)"),
    ],
)
def test_redact(url, shown):
    assert redact(url) == shown
