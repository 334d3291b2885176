"""A dataset's newest commits on its page: what is damaged hides no newer one, and nothing becomes HTML."""

import pytest

from include.lake_page import overview
from include.lake_page.commits import MOST_COMMITS, Commits, commits
from include.lake_page.render import render
from include.transfer.commit.entry import Entry
from include.transfer.commit.live import Live
from include.transfer.store.bucket import Bucket
from include.transfer.store.client import connect
from include.transfer.store.keys import Prefix

FIRES = Prefix("fires", "any")
HOSTILE = "<script>alert('x')</script>"


@pytest.fixture
def bucket(store, bucket_name):
    keys = (store.access_key, store.secret_key, None)
    made = Bucket(connect(store.endpoint, "us-east-1", keys), bucket_name)
    for number in range(1, 8):
        entry = Entry(number, f"run{number}", "m", "s", rows=number)
        made.put_json(FIRES.entry(number), entry.to_dict())
    return made


def test_the_newest_come_first_and_no_more_than_a_few(bucket):
    assert [entry.number for entry in commits(bucket, "fires").entries] == [7, 6, 5, 4, 3][:MOST_COMMITS]
    assert commits(bucket, "acres") == Commits()


def test_a_damaged_entry_is_named_and_hides_no_newer_one(bucket):
    bucket.put_json(FIRES.entry(5), ["no entry"])
    found = commits(bucket, "fires")
    assert [entry.number for entry in found.entries] == [7, 6]
    assert bucket.uri(FIRES.entry(5)) in found.problem


def test_the_page_has_each_commit_and_no_markup_of_others():
    lines = [Live("2024-01", "2024-02", "old", 1), Live("2024-02", HOSTILE, "new", 2)]
    entry = Entry(2, HOSTILE, "m", "s", rows=5, replaces=[HOSTILE], windows=lines)
    dataset = overview.DatasetRuns("fires", (), (), 0)
    log = Commits((entry,), HOSTILE)
    html = render("dataset.html", {"root_path": "/lake"}, dataset=dataset, commits=log, page=1, pages=1)
    assert HOSTILE not in html
    assert html.count("2024-02 … &lt;script&gt;") == 1
    assert "2024-01" not in html
