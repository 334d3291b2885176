"""A dataset's newest commits on its page: what is damaged hides no newer one, and nothing becomes HTML."""

from datetime import UTC, datetime, timedelta

import pytest

from include.lake_page import overview, timeline
from include.lake_page.commits import MOST_COMMITS, Commit, Commits, commits
from include.lake_page.render import render
from include.transfer import run as steps
from include.transfer.commit.entry import Entry
from include.transfer.commit.live import Live
from include.transfer.store.keys import Prefix
from include.transfer.windowed.due import Interval
from tests.servers.memory_bucket import MemoryBucket
from tests.servers.windowed_source import WindowedSource

FIRES = Prefix("fires", "any")
HOSTILE = "<script>alert('x')</script>"


@pytest.fixture
def bucket():
    made = MemoryBucket()
    for number in range(1, 8):
        entry = Entry(number, f"run{number}", "m", "s", rows=number, replaces=[f"run{number - 1}"])
        made.put_json(FIRES.entry(number), entry.to_dict())
    return made


def test_the_newest_come_first_and_no_more_than_a_few(bucket):
    found = commits(bucket, "fires").found
    assert [each.entry.number for each in found] == [7, 6, 5, 4, 3][:MOST_COMMITS]
    assert [each.replaced_rows for each in found] == [6, 5, 4, 3, 2][:MOST_COMMITS]
    assert commits(bucket, "acres") == Commits()


def test_a_damaged_entry_is_named_and_hides_no_newer_one(bucket):
    bucket.put_json(FIRES.entry(5), ["no entry"])
    found = commits(bucket, "fires")
    assert [each.entry.number for each in found.found] == [7, 6]
    assert found.found[-1].replaced_rows is None
    assert bucket.uri(FIRES.entry(5)) in found.problem


def test_what_a_commit_replaced_is_its_windows_and_their_rows():
    at = [datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=6 * n) for n in range(16)]
    rows = [{"id": n, "at": each.isoformat(), "acres": 1} for n, each in enumerate(at)]
    api, bucket = WindowedSource(rows).api(), MemoryBucket()
    steps.run(api, bucket, "20260101T000000-a", interval=Interval(until="2026-01-04"))
    rows[5]["acres"] = rows[6]["acres"] = 2
    del rows[7]
    steps.run(api, bucket, "20260101T000001-b", interval=Interval("2026-01-02", "2026-01-05"))
    again, first = commits(bucket, "fires").found
    assert [(line.since, line.until) for line in again.replaced] == [
        ("2026-01-02T00:00:00Z", "2026-01-03T00:00:00Z")  # the third day kept its object
    ]
    assert (again.entry.rows, again.replaced_rows) == (7, 4)
    assert (first.entry.rows, first.replaced, first.replaced_rows) == (12, (), 0)
    bucket.delete("fires/20260101T000000-a/_manifest.json")
    assert commits(bucket, "fires").found[0].replaced_rows is None


def test_the_page_has_each_commit_and_no_markup_of_others():
    lines = [Live("2024-01", "2024-02", "old", 1), Live("2024-02", HOSTILE, "new", 2)]
    entry = Entry(2, HOSTILE, "m", "s", rows=5, replaces=[HOSTILE], windows=lines)
    told = timeline.Told(HOSTILE, (HOSTILE,), 0)
    line = timeline.Timeline((timeline.Band(0, 1, HOSTILE, HOSTILE),), ((0, HOSTILE),), HOSTILE, 0, (told,))
    log = Commits((Commit(entry, tuple(lines), 1),), HOSTILE)
    values = {"dataset": overview.DatasetRuns("fires", (), (), 0), "commits": log, "timeline": line}
    html = render("dataset.html", {"root_path": "/lake"}, **values, page=1, pages=1)
    assert HOSTILE not in html
    assert html.count("2024-02 to &lt;script&gt;") == 2
