"""A dataset's commit log: one entry a committed run, whatever breaks off, and what each says is live."""

import hashlib

import pytest

from include.transfer.commit.history import committed_runs
from include.transfer.commit.live import Live
from include.transfer.commit.log import append, newest, read_entry
from include.transfer.commit.manifest import Manifest
from include.transfer.errors import StoreUnavailable, Unverified
from include.transfer.source.count import Count
from include.transfer.store.bucket import Bucket, Stored
from include.transfer.store.keys import Prefix

ROWS = [{"id": n} for n in range(8)]
NAMES = [f"2026010{day}T000000-{day}" for day in range(1, 7)]


@pytest.fixture
def make(source, make_run):
    served = source(ROWS)
    return lambda run, **settings: make_run(served, run=run, **settings)


def entries(bucket):
    """The whole log, as the store lists it."""
    keys = [stored.key for stored in bucket.objects("things/_log/")]
    assert keys == [f"things/_log/{n:012}.json" for n in range(1, len(keys) + 1)]
    return [read_entry(bucket, Prefix("things", "any"), n) for n in range(1, len(keys) + 1)]


def test_each_commit_is_an_entry_that_names_its_manifest(make):
    runs = [make(name) for name in NAMES[:3]]
    for run in runs:
        run.whole()
    log = entries(runs[0].bucket)
    assert [entry.run for entry in log] == NAMES[:3]
    assert [entry.replaces for entry in log] == [[], [NAMES[0]], [NAMES[1]]]
    for run, entry in zip(runs, log, strict=True):
        assert entry.manifest == run.prefix.manifest
        assert entry.sha256 == hashlib.sha256(run.bytes_of(entry.manifest)).hexdigest()
        assert (entry.rows, entry.bytes, entry.windows) == (8, run.manifest()["bytes"], [])
    assert newest(runs[0].bucket, runs[0].prefix) == log[-1]


class Dying:
    """A client whose process dies before its n-th request to the store, or after the store has done it."""

    def __init__(self, store, at, *, after):
        self.client, self.left = store.client(), at
        self._send, self._after = self.client._url_open, after
        self.client._url_open = self

    def __call__(self, *arguments, **named):
        self.left -= 1
        if self.left == 0:
            if self._after:
                self._send(*arguments, **named)
            raise StoreUnavailable("killed")
        return self._send(*arguments, **named)


@pytest.mark.parametrize("after", [False, True], ids=["before it", "after it"])
def test_a_commit_that_dies_at_any_request_is_finished_by_the_next_attempt_or_run(store, make, after):
    """Each run dies one request later than the one before; every other one is tried again."""
    number, tried_again = 0, set()
    while True:
        number += 1
        run = make(f"20260101T{number:06}-x")
        run.copy_all()
        verified = run.verify()
        dying, whole = Dying(store, number, after=after), run.bucket
        run.bucket = Bucket(dying.client, whole.name)
        try:
            commit(run, verified)
        except StoreUnavailable:
            run.bucket = whole
            if number % 2:
                commit(run, verified)
                tried_again.add(run.prefix.run)
        if dying.left > 0:
            break
    run.bucket = bucket = whole
    committed = [each.prefix.run for each in committed_runs(bucket, run.prefix)][::-1]
    assert [entry.run for entry in entries(bucket)] == committed
    assert tried_again < set(committed)
    assert all(
        entry.sha256 == hashlib.sha256(run.bytes_of(entry.manifest)).hexdigest() for entry in entries(bucket)
    )


def commit(run, verified):
    from include.transfer import run as steps
    from include.transfer.policy import Policy

    return steps.commit(run.dataset, run.bucket, verified, run.prefix.run, Policy())


def test_a_run_that_finds_nothing_to_copy_enters_what_died_before_its_entry(source, make_run):
    served = source(ROWS, version='"v1"')
    first, second = (make_run(served, run=name, version_header="ETag") for name in NAMES[:2])
    first.whole()
    first.bucket.delete("things/_log/000000000001.json")
    assert second.whole(force=False)["run"] == NAMES[0]
    assert [entry.run for entry in entries(first.bucket)] == [NAMES[0]]


def test_an_older_run_that_commits_late_is_no_state_of_the_dataset(make):
    older, newer = make(NAMES[0]), make(NAMES[1])
    newer.whole()
    older.whole()
    assert [entry.run for entry in entries(newer.bucket)] == [NAMES[1]]


def test_a_run_that_is_committed_anew_is_entered_anew(make):
    run = make(NAMES[0])
    run.whole()
    run.source.rows = ROWS[:6]
    run.whole()
    first, second = entries(run.bucket)
    assert (first.run, first.rows) == (second.run, 8) == (NAMES[0], 8)
    assert second.rows == 6


def test_the_first_commit_in_an_older_releases_lake_begins_the_log_with_what_stands(make):
    for name in NAMES[:3]:
        make(name).whole()
    last = make(NAMES[3])
    for stored in [*last.bucket.objects("things/_log/")]:
        last.bucket.delete(stored.key)
    last.bucket.put_json(
        "things/_latest.json", {"run": NAMES[2], "manifest": f"things/{NAMES[2]}/_manifest.json"}
    )
    last.whole()
    assert [(entry.run, entry.replaces) for entry in entries(last.bucket)] == [
        (NAMES[2], []),
        (NAMES[3], [NAMES[2]]),
    ]


DAMAGED = {
    "torn": b'{"number": 1, ',
    "of another number": b'{"number": 7, "run": "a", "manifest": "b", "sha256": "c"}',
    "without a run": b'{"number": 1, "manifest": "b", "sha256": "c"}',
    "windows out of order": b'{"number": 1, "run": "a", "manifest": "b", "sha256": "c", "windows": '
    b'[{"since": "2", "until": "3", "run": "a"}, {"since": "1", "until": "2", "run": "a"}]}',
    "a window that ends before it begins": b'{"number": 1, "run": "a", "manifest": "b", "sha256": "c", '
    b'"windows": [{"since": "10", "until": "9", "run": "a"}]}',
}


@pytest.mark.parametrize("name", DAMAGED)
def test_what_is_no_entry_stops_a_commit(make, name):
    run = make(NAMES[0])
    run.bucket.put_stream("things/_log/000000000001.json", iter([DAMAGED[name]]))
    with pytest.raises(Unverified) as error:
        run.whole()
    assert [finding.where for finding in error.value.findings] == [
        "s3://transfer/things/_log/000000000001.json"
    ]
    assert run.manifest() is None


def test_fields_of_a_newer_release_are_ignored_and_missing_ones_have_defaults(bucket):
    stored = {"number": 1, "run": "a", "manifest": "m", "sha256": "s", "version": 9, "colour": "red"}
    bucket.put_json("things/_log/000000000001.json", stored)
    entry = newest(bucket, Prefix("things", "any"))
    assert (entry.rows, entry.watermark, entry.windows, entry.seen) == (0, None, [], "a")


# Windows: the log alone, without a copy.


def enter(bucket, run, *windows, base=None):
    """Commit a run of these windows, given as (since, until), and enter it."""
    manifest = Manifest(
        prefix=Prefix("things", run),
        url="http://127.0.0.1/rows",
        source=Count(0, None),
        format="csv",
        compression="none",
        batch_size=1,
        columns=[],
        types={},
        receipts=[],
        windows=[{"since": since, "until": until} for since, until in windows],
        base=base,
        created_at=run,
    )
    bucket.put_json(manifest.prefix.manifest, manifest.to_dict())
    return append(bucket, manifest)


def live(entry):
    return [(line.since, line.until, line.run) for line in entry.windows]


def test_consecutive_windows_of_a_run_are_one_line_and_a_later_run_takes_what_it_covers(bucket):
    first = enter(bucket, "a", ("01", "02"), ("02", "03"), ("03", "06"))
    assert live(first) == [("01", "06", "a")]
    second = enter(bucket, "b", ("02", "03"))
    assert live(second) == [("01", "02", "a"), ("02", "03", "b"), ("03", "06", "a")]
    third = enter(bucket, "c", ("02", "07"))
    assert live(third) == [("01", "02", "a"), ("02", "07", "c")]
    assert [entry.replaces for entry in (first, second, third)] == [[], ["a"], ["b", "a"]]
    assert third.added == [Live("02", "07", "c", 3)]
    assert newest(bucket, Prefix("things", "any")) == third


def test_integers_are_in_the_order_of_their_values(bucket):
    enter(bucket, "a", ("0", "900"), ("900", "1000"))
    assert live(enter(bucket, "b", ("1000", "1100")))[-1] == ("1000", "1100", "b")
    assert newest(bucket, Prefix("things", "any")).watermark == "1100"


def test_the_watermark_stops_at_a_gap_and_never_goes_back(bucket):
    assert enter(bucket, "a", ("03", "04")).watermark == "04"
    assert enter(bucket, "b", ("05", "06")).watermark == "04"
    assert enter(bucket, "c", ("01", "02")).watermark == "04"
    assert enter(bucket, "d", ("04", "05")).watermark == "06"
    assert enter(bucket, "e", ("03", "04")).watermark == "06"


def test_disjoint_windows_planned_at_once_both_stand(bucket):
    enter(bucket, "a", ("01", "02"))
    enter(bucket, "b", ("02", "03"), base=1)
    third = enter(bucket, "c", ("03", "04"), base=1)
    assert live(third) == [("01", "02", "a"), ("02", "03", "b"), ("03", "04", "c")]
    # Its next attempt, after somebody else's commit.
    enter(bucket, "d", ("04", "05"), base=3)
    assert enter(bucket, "c", ("03", "04"), base=1) == third
    assert len(entries(bucket)) == 4


def test_windows_that_another_run_committed_since_they_were_planned_fail_and_name_it(bucket):
    enter(bucket, "a", ("01", "05"))
    enter(bucket, "b", ("02", "03"), base=1)
    with pytest.raises(Unverified) as error:
        enter(bucket, "c", ("01", "04"), base=1)
    (finding,) = error.value.findings
    assert (finding.where, "run b" in finding.got) == ("windows 02…03", True)
    assert live(enter(bucket, "d", ("01", "04"), base=2)) == [("01", "04", "d"), ("04", "05", "a")]


def test_windows_follow_a_snapshot_and_a_snapshot_windows(bucket, make):
    make(NAMES[0]).whole()
    entry = enter(bucket, NAMES[1], ("01", "02"))
    assert (entry.replaces, live(entry)) == ([NAMES[0]], [("01", "02", NAMES[1])])
    make(NAMES[2]).whole()
    snapshot = newest(bucket, Prefix("things", "any"))
    assert (snapshot.run, snapshot.replaces, snapshot.windows) == (NAMES[2], [NAMES[1]], [])


class Raced(Bucket):
    """A store in which somebody else's entry appears right before ours is written, as often as told."""

    others = ()

    def put_json(self, key, value, condition=None):
        if "_log/" in key and self.others:
            self.others, (other, *self.others) = (), self.others
            enter(Bucket(self._client, self.name), *other)
        return super().put_json(key, value, condition)


def test_whoever_loses_a_race_goes_on_from_the_winners_entry(bucket):
    enter(bucket, "a", ("01", "02"))
    raced = Raced(bucket._client, bucket.name)
    raced.others = [("b", ("02", "03")), ("c", ("03", "04"))]
    assert live(enter(raced, "d", ("04", "05"))) == [
        *[("01", "02", "a"), ("02", "03", "b"), ("03", "04", "c")],
        ("04", "05", "d"),
    ]
    raced.others = [("e", ("05", "06"))]
    with pytest.raises(Unverified, match="run e"):
        enter(raced, "f", ("05", "07"))
    assert [entry.run for entry in entries(bucket)] == ["a", "b", "c", "d", "e"]


def test_an_entry_that_is_written_over_is_entered_after_the_others(bucket):
    """By a store that does not know If-None-Match."""
    enter(bucket, "a", ("01", "02"))

    class WrittenOver(Bucket):
        other = None

        def put_json(self, key, value, condition=None):
            stored = super().put_json(key, value, condition)
            if "_log/" in key and self.other:
                self.other, other = None, self.other
                bucket.delete(key)
                enter(bucket, *other)
            return stored

    over = WrittenOver(bucket._client, bucket.name)
    over.other = ("b", ("02", "03"))
    assert live(enter(over, "c", ("03", "04"))) == [("01", "02", "a"), ("02", "03", "b"), ("03", "04", "c")]
    assert [entry.run for entry in entries(bucket)] == ["a", "b", "c"]


def test_the_last_entry_of_many_is_found_in_few_requests(bucket):
    """8,760: a year of hours."""
    calls = []

    class Counted(Bucket):
        there = 8_760

        def head(self, key):
            calls.append(key)
            return bucket.head("things/any") if number(key) > self.there else True

        def get_document(self, key):
            calls.append(key)
            if key.endswith("_latest.json"):
                return self.latest, "e"
            n = number(key)
            return {"number": n, "run": f"r{n}", "manifest": "m", "sha256": "s"}, "e"

        def objects(self, prefix):
            calls.append(prefix)
            return iter([Stored(f"things/_log/{n:012}.json", 1, "") for n in range(1, 1_001)])

    counted, prefix = Counted(bucket._client, bucket.name), Prefix("things", "any")
    counted.latest = {"log": 8_760}
    assert newest(counted, prefix).number == 8_760
    assert len(calls) == 3
    counted.latest = {"log": 8_700}
    assert newest(counted, prefix).number == 8_760
    counted.latest = {"log": "many"}
    calls.clear()
    assert newest(counted, prefix).number == 8_760
    assert len(calls) < 32


def number(key):
    return int(key.removeprefix("things/_log/").removesuffix(".json"))
