"""Windows: how a range is cut, what requests ask for, and which rows are refused."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.transfer.dataset import Dataset
from include.transfer.errors import BadSettings, OutOfWindow
from include.transfer.schema.numbers import ExactNumber
from include.transfer.source.blocks import Block
from include.transfer.source.bodies import placed
from include.transfer.source.paging import pairs
from include.transfer.source.windows import Span, Window
from include.transfer.source.within import Within, within

STEPS = ("PT1H", "P1D", "P1W", "P1M", "P1Y", "P1M2DT3H", "PT36H")
ZONES = ("UTC", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia")
TIMES = st.datetimes(datetime(1970, 1, 1), datetime(2037, 1, 1), timezones=st.just(UTC)).map(
    lambda when: int(when.timestamp()) * 1_000_000
)


@given(
    st.sampled_from(STEPS), st.sampled_from(ZONES), TIMES, TIMES, st.integers(0, 3_000), st.integers(1, 60)
)
def test_a_range_is_cut_into_at_most_so_many_whole_steps(step, zone, anchor, since, hours, most):
    window = Window(field="at", step=step, zone=zone)
    span = Span(since, since + hours * 3_600_000_000)
    cut = window.cut(span, anchor, most)
    if not hours:
        assert cut == []
        return
    assert (cut[0].since, cut[-1].until) == (span.since, span.until)
    assert all(before.until == after.since for before, after in pairwise(cut))
    assert all(each.since < each.until for each in cut)
    assert len(cut) <= most
    inner = [each.since for each in cut[1:]]
    assert [window.floor(border, anchor) for border in inner] == inner
    assert window.cut(span, anchor, 1) == [span]


@given(st.integers(0, 10**9), st.integers(0, 10**6), st.integers(1, 10**5), st.integers(1, 60))
def test_keys_are_cut_as_times_are(since, length, step, most):
    window = Window(field="id", format="integer", step=str(step))
    cut = window.cut(Span(since, since + length), 7, most)
    assert len(cut) <= most
    assert sum(each.until - each.since for each in cut) == length
    assert all((each.since - 7) % step == 0 for each in cut[1:])


def test_months_behind_a_31st_do_not_drift():
    window = Window(field="at", step="P1M", start="2015-01-31")
    span = window.span("2015-01-31", "2015-06-01")
    days = [window.texts(each)[0][:10] for each in window.cut(span, span.since, 99)]
    assert days == ["2015-01-31", "2015-02-28", "2015-03-31", "2015-04-30", "2015-05-31"]


def test_a_day_that_a_zone_left_out_is_no_window():
    window = Window(field="at", zone="Pacific/Apia")
    span = window.span("2011-12-29", "2012-01-01")
    assert [window.label(each) for each in window.cut(span, span.since, 99)] == ["2011-12-29", "2011-12-31"]


@pytest.mark.parametrize(
    ("settings", "since", "until"),
    [
        ({}, "2015-03-01T05:00:00Z", "2015-04-01T04:00:00Z"),
        ({"format": "date"}, "2015-03-01", "2015-04-01"),
        ({"format": "date", "closed": "both"}, "2015-03-01", "2015-03-31"),
        ({"format": "epoch", "closed": "none"}, "1425185999", "1427860800"),
        ({"format": "epoch_ms", "closed": "until"}, "1425185999999", "1427860799999"),
        ({"format": "%d.%m.%Y"}, "01.03.2015", "01.04.2015"),
        ({"format": "%Y%m%d%H", "closed": "both"}, "2015030100", "2015033123"),
        ({"format": "julian", "zone": "UTC", "closed": "both"}, "2457082.5", "2457112.5"),
    ],
)
def test_a_window_is_asked_for_in_the_words_of_the_api(settings, since, until):
    window = Window(**{"field": "at", "zone": "America/New_York", "step": "P1M", **settings})
    first = window.read("2015-03-01")
    span = Span(first, window.moved(first, "P1M"))
    assert window.params(span) == {"since": since, "until": until}
    assert window.label(span) == "2015-03"


def test_what_a_format_cannot_say_is_refused():
    window = Window(field="at", format="date", step="PT1H")
    with pytest.raises(BadSettings):
        window.params(window.span("2015-03-01", "2015-03-01T01:00:00Z"))


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"field": ""}, "needs field"),
        ({"until": "since"}, "one parameter"),
        ({"closed": "left"}, "closed is"),
        ({"format": "iso"}, "format is"),
        ({"zone": "Mars/Olympus"}, "zone is"),
        ({"step": "1 day"}, "step is"),
        ({"step": "P0D"}, "step is"),
        ({"lookback": "3"}, "lookback is"),
        ({"lookback": "P9999999999999Y"}, "lookback is"),
        ({"start": "0001-01-01"}, "start is"),
        ({"start": "yesterday"}, "start is"),
        ({"format": "integer", "step": "P1D"}, "step is"),
        ({"format": "integer", "field_format": "date", "step": 5}, "field_format"),
        ({"steps": "P1D"}, "did you mean 'step'"),
        ({"step": True}, "window's step"),
        ({"since": "body:range.gte"}, "needs a body"),
        ({"since": "", "until": ""}, "since or until"),
    ],
)
def test_settings_that_no_window_can_have(settings, says):
    with pytest.raises(BadSettings, match=says):
        Dataset(name="things", window={"field": "at", **settings})


@pytest.mark.parametrize("end", ["since", "until"])
@pytest.mark.parametrize("how", [{"total": "none"}, {"paging": {"style": "link"}}])
def test_an_open_end_needs_rows_that_are_counted_and_asked_for_by_number(end, how):
    with pytest.raises(BadSettings, match=f"window has no {end}"):
        Dataset(name="things", window={"field": "at", end: ""}, **how)


@pytest.mark.parametrize(
    ("settings", "asked", "behind"),
    [
        ({"until": ""}, {"since": "2015-03-01"}, {"since": "2015-04-01"}),
        ({"until": "", "closed": "none"}, {"since": "2015-02-28"}, {"since": "2015-03-31"}),
        ({"since": ""}, {"until": "2015-04-01"}, {"until": "2015-03-01"}),
        ({"since": "", "closed": "both"}, {"until": "2015-03-31"}, {"until": "2015-02-28"}),
    ],
)
def test_an_open_filter_asks_for_one_end_and_is_counted_from_both(settings, asked, behind):
    window = Window(field="at", format="date", **settings)
    span = window.span("2015-03-01", "2015-04-01")
    assert (window.params(span), window.params(window.behind(span))) == (asked, behind)


def test_the_filter_goes_with_the_rows_and_the_count():
    window = Window(field="at", format="date")
    plain = Dataset(name="things", query={"state": "CA"}, count_query={"count": "1"}, window=window)
    part = within(plain, window, window.span("2015-03-01", "2015-04-01"))
    asked = {"since": "2015-03-01", "until": "2015-04-01"}
    assert (part.query, part.count_query) == ({"state": "CA", **asked}, {"count": "1", **asked})
    # The columns of a run are those of all its windows, and an object's name has its own.
    assert part.fingerprint == plain.fingerprint
    other = Dataset(name="things", query={"state": "CA"}, window=replace(window, zone="Asia/Tokyo"))
    assert other.fingerprint != plain.fingerprint != Dataset(name="things", query=plain.query).fingerprint


def test_the_filter_goes_into_bodies():
    window = Window(field="at", format="epoch", since="body:range.gte", until="body:range.lt")
    ends = {"gte": None, "lt": None}
    plain = Dataset(name="things", body={"range": ends}, count_body={"range": ends, "size": 0}, window=window)
    part = within(plain, window, window.span("2015-03-01", "2015-03-02"))
    seconds = {"gte": 1425168000, "lt": 1425254400}
    query, body = placed(part, pairs(part.query))
    assert (query, json.loads(body)) == ([], {"range": seconds})
    assert (part.count_query, part.count_body) == ({}, {"range": seconds, "size": 0})


def refused(settings, value, since="2015-03-02", until="2015-03-03"):
    window = Window(**{"field": "at", **settings})
    check = Within(window, window.span(since, until))
    with pytest.raises(OutOfWindow) as raised:
        list(check.checked(iter([Block([{"at": value}])])))
    return raised.value.fix


@pytest.mark.parametrize(
    ("settings", "value", "cause"),
    [
        ({}, "2015-03-03T00:00:00Z", "set window's closed to both"),
        ({"closed": "none"}, "2015-03-03T00:00:00Z", "set window's closed to until"),
        ({}, "2015-03-01T23:00:00Z", "another zone"),
        ({}, "2014-01-01", "ignore since and until"),
        ({"format": "integer", "step": 1}, 99, "ignore since and until"),
        ({"closed": "both"}, "2015-03-02T10:00:00.5Z", "finer"),
        ({}, None, "field"),
        ({}, {"of": 1}, "field"),
        ({"until": ""}, "2015-03-04", "sort its rows by at, ascending"),
        ({"since": ""}, "2015-02-01", "sort its rows by at, descending"),
        ({"until": ""}, "2014-01-01", "ignore since:"),
        ({}, "soon", "field"),
        ({"format": "epoch"}, "1e999", "field"),
        ({"format": "epoch"}, 10**30, "field"),
    ],
)
def test_a_row_outside_of_its_window_is_refused_with_the_likely_cause(settings, value, cause):
    ends = ("5", "9") if settings.get("format") == "integer" else ("2015-03-02", "2015-03-03")
    assert cause in refused(settings, value, *ends)


@pytest.mark.parametrize(
    ("settings", "value"),
    [
        ({}, "2015-03-02"),
        ({}, "2015-03-02T23:59:59.999999Z"),
        ({}, "2015-03-02T20:30:00-03:00"),
        ({"field_format": "epoch_ms"}, 1425254400000),
        ({"field_format": "julian"}, 2457083.5),
        ({"field_format": "julian"}, ExactNumber("2457083.50")),
        ({"field_format": "%m/%d/%Y"}, "03/02/2015"),
        ({"zone": "Asia/Tokyo"}, "2015-03-02T08:59:59"),
    ],
)
def test_rows_of_the_window_pass(settings, value):
    window = Window(**{"field": "at", **settings})
    rows = [{"at": value}] * 2
    span = window.span("2015-03-01T15:00:00Z" if "zone" in settings else "2015-03-02", "2015-03-03")
    (block,) = Within(window, span).checked(iter([Block(rows)]))
    assert block.rows == rows


@given(TIMES)
def test_a_julian_day_names_a_time_to_the_second(mark):
    window = Window(field="at", format="julian")
    said = window.params(Span(mark, mark + 1_000_000))["since"]
    assert window.mark_of(Decimal(said)) == mark
    assert abs(window.mark_of(float(said)) - mark) < 100_000
