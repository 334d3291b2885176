"""Whatever happens to a source and to the runs that copy it: what is committed is what the source had."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from include.transfer import run as steps
from include.transfer.commit.audit_dataset import audit_dataset
from include.transfer.commit.entry import Entry
from include.transfer.commit.live import Live
from include.transfer.commit.log import newest
from include.transfer.commit.manifest import Manifest
from include.transfer.errors import SourceChanged, Unverified
from include.transfer.policy import Policy
from include.transfer.store.keys import Prefix, window_in
from include.transfer.windowed.due import Interval, due
from include.transfer.windowed.plan import bound, plan_windows
from tests.servers.memory_bucket import Killed, MemoryBucket
from tests.servers.windowed_source import WindowedSource

START = datetime(2026, 1, 1, tzinfo=UTC)
LOOKBACK = 2


def text(day: int) -> str:
    return (START + timedelta(days=day)).isoformat()


def name(number: int) -> str:
    return f"20260101T{number:06d}-aaaa"


class World:
    """A source that changes, and the lake that copies it."""

    def __init__(self) -> None:
        self.rows: list[dict] = []
        self.source, self.bucket = WindowedSource(self.rows), MemoryBucket()
        self.api = self.source.api(batch_size=4, window={"lookback": f"P{LOOKBACK}D"})
        self.runs = self.made = 0
        self.now = 0
        self.left: list[str] = []  # runs that died and were not tried again

    def insert(self, day: int, hour: int) -> None:
        self.made += 1
        at = START + timedelta(days=day, hours=hour)
        self.rows.append({"id": self.made, "at": at.isoformat(), "acres": 1})

    def change(self, kind: str, day: int, hour: int) -> None:
        """Something within the lookback: a late row, a correction, or one that goes."""
        there = [row for row in self.rows if row["at"].startswith(text(day)[:10])]
        if kind == "late" or not there:
            self.insert(day, hour)
        elif kind == "corrected":
            there[hour % len(there)]["acres"] += 1
        else:
            self.rows.remove(there[hour % len(there)])

    def of_day(self, day: int) -> list[dict]:
        found = [dict(row) for row in self.rows if row["at"].startswith(text(day)[:10])]
        return sorted(found, key=lambda row: row["id"])

    def _day(self, text: str) -> int:
        return (datetime.fromisoformat(text) - START).days

    def lake(self) -> dict[int, list[dict]]:
        """The rows of all live windows by day, from the objects of the runs that the log names."""
        any_run = Prefix("fires", "x")
        entry = newest(self.bucket, any_run)
        found: dict[int, list[dict]] = {}
        for line in entry.windows if entry else []:
            prefix = any_run.of(line.run)
            manifest = Manifest.from_dict(self.bucket.get_json(prefix.manifest), prefix)
            for each in manifest.windows:
                if line.since <= each["since"] and each["until"] <= line.until:
                    days = range(self._day(each["since"]), self._day(each["until"]))
                    found |= {day: [] for day in days}
                    window = self.api.dataset.window
                    key = window.key(window.span(each["since"], each["until"]))
                    for receipt in manifest.receipts:
                        if window_in(receipt.key) == key:
                            for line_ in self.bucket.held[receipt.key].splitlines():
                                row = json.loads(line_)
                                found[self._day(row["at"])].append(row)
        return {day: sorted(rows, key=lambda row: row["id"]) for day, rows in found.items()}

    def objects(self) -> set[str]:
        return {key for key in self.bucket.held if "/data_" in key and "_receipts" not in key}

    def named(self) -> set[str]:
        """The objects that a reader of the live windows may read."""
        entry = newest(self.bucket, Prefix("fires", "x"))
        runs = [Prefix("fires", run) for run in {line.run for line in entry.windows}]
        read = [Manifest.from_dict(self.bucket.get_json(run.manifest), run) for run in runs]
        return {receipt.key for manifest in read for receipt in manifest.receipts}

    def run(self, interval: Interval, dies_at: int | None = None) -> str:
        """One run; where it dies, another attempt, or another run that knows nothing of it."""
        self.runs += 1
        run = name(self.runs)
        before = self.lake()
        self.bucket.dies_at = dies_at
        try:
            steps.run(self.api, self.bucket, run, interval=interval)
        except Killed:
            self.bucket.dies_at = None
            now = self.lake()
            assert now == before or newest(self.bucket, Prefix("fires", run)).run == run
            if dies_at and dies_at % 2:
                self.left.append(run)
                self.runs += 1
                run = name(self.runs)
            steps.run(self.api, self.bucket, run, interval=interval)
        self.bucket.dies_at = None
        return run


CHANGES = st.lists(
    st.tuples(st.sampled_from(["late", "corrected", "gone"]), st.integers(0, LOOKBACK), st.integers(0, 23)),
    max_size=4,
)
NEW = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 23)), max_size=12)
BACKFILL = st.none() | st.tuples(st.integers(0, 6), st.integers(1, 3))
STEP = st.tuples(NEW, CHANGES, st.none() | st.integers(0, 90), BACKFILL)


HISTORIES = st.lists(STEP, min_size=1, max_size=4)


def play(history):
    """Changes of the source, runs that may die at any call of the store, backfills: after each, a look."""
    world = World()
    for new, changes, dies_at, backfill in history:
        for day, hour in new:
            world.insert(world.now + day, hour)
        for kind, back, hour in changes:
            world.change(kind, max(0, world.now - back), hour)
        world.now += 1 + any(day for day, _ in new)
        world.run(Interval(until=text(world.now)), dies_at)
        watermark = newest(world.bucket, Prefix("fires", "x")).watermark
        assert watermark >= text(world.now)[:19]
        assert world.lake() == {day: world.of_day(day) for day in range(world.now)}
        if backfill:
            first = backfill[0] % world.now
            days = min(backfill[1], world.now - first)
            world.run(Interval(text(first), text(first + days)), dies_at)
            assert world.lake() == {day: world.of_day(day) for day in range(world.now)}
    assert world.objects() >= world.named()
    audit = audit_dataset(world.bucket, Prefix("fires", "any"))
    # What its next attempt would have swept, or retention will.
    left = tuple(f"fires/{run}/" for run in world.left)
    assert [each for each in audit.findings if not each.where.startswith(left)] == []
    assert audit.rows == len(world.rows)


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(HISTORIES)
def test_what_is_live_is_what_the_source_had(history):  # more of them: tests/long/test_histories.py
    play(history)


def filled(days=6):
    world = World()
    for day in range(days):
        for hour in (1, 11):
            world.insert(day, hour)
    return world


def verified(world, run, interval):
    """A run up to its commit."""
    api, bucket = world.api, world.bucket
    found = due(api.dataset, bucket, run, interval)
    counted = {**steps.count(bound(api, found["since"], found["until"])), "due": found}
    batches = plan_windows(api, bucket, counted, run, 99)
    copied = [steps.copy(api, bucket, batch, run) for batch in batches]
    return steps.verify(api, bucket, batches, copied, run, Policy())


@pytest.mark.parametrize(("first", "refused"), [(0, False), (3, True)])
def test_of_two_runs_at_once_the_second_is_refused_where_they_overlap(first, refused):
    world = filled()
    world.run(Interval(until=text(4)))
    for row in world.rows:
        row["acres"] += 1
    slow = verified(world, name(9), Interval(text(first), text(first + 2)))
    quick = world.run(Interval(text(3), text(5)))
    if refused:
        with pytest.raises(Unverified) as raised:
            steps.commit(world.api.dataset, world.bucket, slow, name(9), Policy())
        assert quick in str(raised.value)
        assert world.bucket.head(Prefix("fires", name(9)).manifest) is None
    else:
        steps.commit(world.api.dataset, world.bucket, slow, name(9), Policy())
    assert world.lake()[first] == world.of_day(first)
    assert world.lake()[3] == world.of_day(3)


def test_rows_behind_an_open_end_are_left_to_the_next_window():
    world = filled()
    world.api = world.source.api(batch_size=4, window={"until": ""})
    send, arrived = world.source.send, iter(range(10, 1_000))

    def sending(request, **named):  # behind all others, and between the first counts too
        day = next(arrived)
        if day < 13 or "/get" in request.url:
            world.insert(day, 0)
        return send(request, **named)

    world.source.send = sending
    for end in (4, 6):
        world.run(Interval(until=text(end)))
        assert world.lake() == {day: world.of_day(day) for day in range(end)}
    manifest = world.bucket.get_json(newest(world.bucket, Prefix("fires", "x")).manifest)
    assert manifest["proof"]["end"] == "left out"
    assert all("until" not in query for _, query in world.source.asked)


def test_a_source_that_grows_faster_than_it_is_counted_is_tried_again():
    world = filled()
    world.api = world.source.api(window={"until": ""})
    send, arrived = world.source.send, iter(range(10, 1_000))

    def sending(request, **named):
        world.insert(next(arrived), 0)
        return send(request, **named)

    world.source.send = sending
    with pytest.raises(SourceChanged):
        world.run(Interval(until=text(4)))


def test_a_run_whose_windows_were_taken_meanwhile_copies_nothing():
    world = filled()
    api, bucket, run = world.api, world.bucket, name(9)
    found = due(api.dataset, bucket, run, Interval(text(0), text(2)))
    counted = {**steps.count(bound(api, found["since"], found["until"])), "due": found}
    quick = world.run(Interval(text(1), text(2)))
    with pytest.raises(Unverified) as raised:
        plan_windows(api, bucket, counted, run, 99)
    assert quick in str(raised.value)


def test_nothing_new_asks_the_source_twice_and_moves_nothing():
    world = filled(days=2)
    world.api = world.source.api()
    world.run(Interval(until=text(2)))
    world.source.asked.clear()
    before = world.objects()
    world.run(Interval(until=text(3)))  # a day without a row
    assert [path for path, _ in world.source.asked] == ["/count", "/get"]
    assert world.objects() == before
    assert newest(world.bucket, Prefix("fires", "x")).watermark.startswith("2026-01-04")
    world.source.asked.clear()
    world.run(Interval(until=text(3)))
    assert world.source.asked == []


def test_windows_that_hold_the_same_rows_keep_their_objects():
    world = filled()
    world.run(Interval(until=text(4)))
    entry, before = newest(world.bucket, Prefix("fires", "x")), world.objects()
    world.run(Interval(text(0), text(4)))
    assert world.objects() == before
    assert newest(world.bucket, Prefix("fires", "x")) == entry
    world.change("corrected", 1, 1)
    run = world.run(Interval(text(0), text(4)))
    changed = newest(world.bucket, Prefix("fires", "x"))
    assert [(line.since[:10], line.until[:10]) for line in changed.windows if line.run == run] == [
        ("2026-01-02", "2026-01-03")
    ]
    assert len(world.objects()) == len(before) + 1
    gone = next(key for key in world.named() if "data_20260103" in key)
    world.bucket.delete(gone)
    steps.run(world.api, world.bucket, name(99), interval=Interval(text(0), text(4)))
    assert world.lake() == {day: world.of_day(day) for day in range(4)}


def test_a_run_that_is_cleared_takes_what_it_took_and_what_others_replaced_since():
    world = filled()
    first = world.run(Interval(until=text(4)))
    stored = world.bucket.held[Prefix("fires", first).manifest]
    steps.run(world.api, world.bucket, first, interval=Interval(until=text(6)))
    assert world.bucket.held[Prefix("fires", first).manifest] == stored
    assert newest(world.bucket, Prefix("fires", "x")).number == 1

    world.change("corrected", 2, 1)
    world.run(Interval(text(2), text(3)))
    world.change("corrected", 2, 1)
    steps.run(world.api, world.bucket, first, interval=Interval(until=text(6)))
    assert world.lake() == {day: world.of_day(day) for day in range(4)}


def test_gaps_are_named_and_the_watermark_stays_in_front_of_them(caplog):
    world = filled()
    world.run(Interval(text(1), text(2)))
    world.run(Interval(text(4), text(5)))
    said = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert any("2026-01-01T00:00:00Z to 2026-01-02T00:00:00Z" in each for each in said)
    assert any("2026-01-03T00:00:00Z to 2026-01-05T00:00:00Z" in each for each in said)
    assert newest(world.bucket, Prefix("fires", "x")).watermark.startswith("2026-01-03")
    world.run(Interval(text(2), text(4)))
    assert newest(world.bucket, Prefix("fires", "x")).watermark.startswith("2026-01-06")


def test_a_run_that_would_cut_a_window_takes_all_of_it():
    world = filled()
    world.api = world.source.api(window={"step": "P3D"})
    world.run(Interval(until=text(6)))
    world.change("corrected", 4, 1)
    world.api = world.source.api(window={"step": "P1D"})
    world.run(Interval(text(4), text(5)))
    assert world.lake() == {day: world.of_day(day) for day in range(6)}


def test_all_windows_of_a_run_have_the_same_columns():
    world = filled()
    for row in world.rows[-2:]:
        row["cause"] = "lightning"
    world.api = world.source.api(format="csv")
    steps.run(world.api, world.bucket, name(1), interval=Interval(until=text(6)))
    manifest = world.bucket.get_json(Prefix("fires", name(1)).manifest)
    assert manifest["columns"] == ["id", "at", "acres", "cause"]
    assert all("columns" not in receipt for receipt in manifest["receipts"])  # those of the manifest


def test_settle_and_the_number_of_maps_hold():
    world = filled()
    world.api = world.source.api(window={"step": "PT6H", "settle": "P1D"})
    steps.run(world.api, world.bucket, name(1), interval=Interval(until=text(4)), max_maps=5)
    entry = newest(world.bucket, Prefix("fires", "x"))
    assert entry.watermark.startswith("2026-01-04")
    manifest = Manifest.from_dict(world.bucket.get_json(entry.manifest), Prefix("fires", name(1)))
    assert len(manifest.windows) <= 5
    assert manifest.rows == 6


def test_planning_after_a_year_of_hourly_commits_asks_the_store_no_more_than_after_a_day():
    asked = []
    for commits in (24, 8_760):
        world = filled(days=1)
        world.api = world.source.api(window={"step": "PT1H", "lookback": "PT3H"})
        hours = [(START + timedelta(hours=n)).isoformat().replace("+00:00", "Z") for n in range(commits + 1)]
        lines = [Live(hours[n], hours[n + 1], name(n), n + 1) for n in range(commits)]
        prefix = Prefix("fires", "x")
        entry = Entry(commits, name(commits - 1), "k", "s", watermark=hours[-1], windows=lines)
        world.bucket.put_json(prefix.entry(commits), entry.to_dict())
        world.bucket.put_json(prefix.latest, {"run": name(commits - 1), "manifest": "k", "log": commits})
        world.bucket.calls.clear()
        until = (START + timedelta(hours=commits + 1)).isoformat()
        found = due(world.api.dataset, world.bucket, "20280101T000000-bbbb", Interval(until=until))
        assert found["since"] == hours[commits - 3]
        counted = {**steps.count(bound(world.api, found["since"], found["until"])), "due": found}
        plan_windows(world.api, world.bucket, counted, "20280101T000000-bbbb", 99)
        asked.append(world.bucket.calls.total())
    assert asked[0] == asked[1] <= 20
