"""The time line of a dataset's windows: what it shows, and that it stays small whatever stands there."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from include.lake_page import timeline
from include.lake_page.axis import axis_of
from include.lake_page.commits import Commit, Commits
from include.lake_page.stored_windows import StoredWindow
from include.transfer.commit.entry import Entry
from include.transfer.commit.live import Live
from include.transfer.dataset import Dataset
from include.transfer.store.keys import Prefix

FIRES, NOTHING = Prefix("fires", "any"), Commits()
BY_YEAR = Dataset(
    name="fires", window={"field": "at", "start": "1992-01-01", "end": "2000-01-01", "step": "P1Y"}
)


def year(number):
    return f"{number}-01-01T00:00:00Z"


def entry(*lines, watermark=None):
    """Lines are (since, until, number) in years; each commit is a run of its own."""
    live = [Live(year(since), year(until), f"run{number}", number) for since, until, number in lines]
    last = max((line.number for line in live), default=1)
    return Entry(last, f"run{last}", "m", "s", watermark=watermark and year(watermark), windows=live)


def drawn(entry, log=NOTHING, windows=(), missing=(), copying=(), end=""):
    line = timeline.draw(entry, log, dict(windows), missing, copying, end)
    return line, {each.kind: list(each.ranges) for each in line.told}


def test_what_is_there_and_what_is_not():
    newest = entry((1994, 1996, 1), (1997, 1998, 3), (1998, 1999, 2), watermark=1996)
    stored = {
        FIRES.of("run1"): (StoredWindow(year(1994), year(1995), 5), StoredWindow(year(1995), year(1996), 0))
    }
    missing, end = timeline.declared(BY_YEAR, newest)
    line, told = drawn(newest, windows=stored, missing=missing, copying=[(year(1996), year(1997))], end=end)
    assert told == {
        "covered": ["1994-01-01 to 1996-01-01", "1997-01-01 to 1999-01-01"],
        "empty": ["1995-01-01 to 1996-01-01"],
        "late or copied again": ["1997-01-01 to 1998-01-01"],  # after what lies behind it
        "missing": ["1992-01-01 to 1994-01-01", "1996-01-01 to 1997-01-01"],
        "being copied": ["1996-01-01 to 1997-01-01"],
    }
    assert [each.kind for each in line.bands] == [
        "missing", "covered", "empty", "being-copied", "late-or-copied-again", "covered",
    ]  # fmt: skip
    assert line.bands[-1].x + line.bands[-1].width == pytest.approx(87.5, abs=0.2)  # 2000 is to come
    assert (line.watermark, line.watermark_x) == ("1996-01-01", pytest.approx(50, abs=0.1))
    assert [label for _, label in line.ticks] == ["1992", "1994", "1996", "1998", "2000"]


def test_a_window_that_a_commit_replaced_was_copied_again():
    old, new = Live(year(1993), year(1994), "run1", 1), entry((1992, 1993, 1), (1993, 1995, 2))
    _, told = drawn(new, Commits((Commit(new, (old,), 3),)))
    assert told["late or copied again"] == ["1993-01-01 to 1994-01-01"]


def test_a_year_of_hours_is_a_handful_of_bands_and_the_smallest_hole_is_seen():
    begin = datetime(2025, 1, 1, tzinfo=UTC)
    ends = [f"{begin + timedelta(hours=hour):%Y-%m-%dT%H:%M:%SZ}" for hour in range(8_761)]
    lines = [Live(*ends[n : n + 2], f"run{n}", n + 1) for n in range(8_760) if n != 4_000]
    newest = Entry(8_760, "run8759", "m", "s", watermark=ends[4_000], windows=lines)
    line, told = drawn(newest)
    assert [each.kind for each in line.bands] == ["covered", "missing", "covered"]
    assert told["missing"] == [f"{ends[4_000]} to {ends[4_001]}"]
    assert len(timeline.runs_to_read(newest, FIRES)) == timeline.MOST_RUNS
    assert timeline.runs_to_read(newest, FIRES)[0].run == "run8759"


def test_ranges_beyond_a_few_are_counted():
    newest = entry(*((1900 + 2 * n, 1901 + 2 * n, 1) for n in range(9)))
    line, _ = drawn(newest)
    assert {each.kind: each.more for each in line.told} == {"covered": 4, "missing": 3}


MARKS = st.sampled_from(
    ["", "2024-02", "-5", "9" * 18, "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59Z"]
) | (st.text(max_size=9) | st.datetimes().map(lambda at: at.isoformat() + "Z") | st.just("x" * 100_000))


@given(st.lists(st.tuples(MARKS, MARKS), max_size=6), MARKS, st.lists(st.tuples(MARKS, MARKS), max_size=2))
@example([], "", [("0001-01-01T00:00:00", "0001-01-01T00:00:00+14:00")])
@example([("0001-01-01", "0001-02-01")], "", [])
@example([("0001-01-01", "9999-12-31T23:59:59.999999")], "", [("9999-12-31T23:59:59-14:00", "x")])
def test_whatever_stands_in_an_entry_is_drawn_or_left_out(ends, watermark, copying):
    stored = {"number": 1, "run": "a", "manifest": "b", "sha256": "c", "watermark": watermark}
    newest = Entry.from_dict({**stored, "windows": [{"since": a, "until": b, "run": "a"} for a, b in ends]})
    line = newest and timeline.draw(newest, Commits(), {}, [], copying, "")
    if line:
        assert all(0 <= band.x <= band.x + band.width <= 100.1 for band in line.bands)
        assert len(line.text) < 5_000
        assert len(line.ticks) < 20


@given(st.integers(-(10**6), 10**6), st.integers(1, 10**15))
def test_a_few_ticks_on_any_axis_of_numbers(first, length):
    ticks = list(axis_of([str(first), str(first + length)]).ticks())
    assert len(ticks) <= 8
    assert all(0 <= x <= 100 for x, _ in ticks)


@given(st.datetimes(datetime(1, 1, 2), datetime(2900, 1, 1)), st.integers(3_600, 10**10))
def test_a_few_ticks_on_any_axis_of_times(first, seconds):
    until = first + timedelta(seconds=seconds)
    ticks = list(axis_of([f"{first.isoformat()}Z", f"{until.isoformat()}Z"]).ticks())
    assert 0 < len(ticks) <= 9 or seconds < 3 * 3_600
    assert len({label for _, label in ticks}) == len(ticks)


@pytest.mark.parametrize(
    ("window", "ends"),
    [
        ("20150101_20150201", ("2015-01-01T00:00:00Z", "2015-02-01T00:00:00Z")),
        ("20150101T063000Z_20150101T073000Z", ("2015-01-01T06:30:00Z", "2015-01-01T07:30:00Z")),
        ("000000000000000040_000000000000000080", ("40", "80")),
        ("x_y", None),
        ("", None),
    ],
)
def test_the_windows_of_a_plan(window, ends):
    assert timeline.planned_range(window) == ends
