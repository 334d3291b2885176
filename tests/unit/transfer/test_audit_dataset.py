"""A dataset by windows read back from outside: whole it passes, and every damage to what is live is found."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from include.transfer import run as steps
from include.transfer.commit.audit_dataset import audit_dataset
from include.transfer.commit.log import newest
from include.transfer.store.keys import Prefix
from include.transfer.windowed.due import Interval
from tests.servers.memory_bucket import MemoryBucket
from tests.servers.windowed_source import WindowedSource

FIRES = Prefix("fires", "any")
START = datetime(2026, 1, 1, tzinfo=UTC)
NAMES = [f"20260101T{number:06d}-aaaa" for number in range(9)]


def text(day):
    return f"2026-01-{day + 1:02d}T00:00:00Z"


class Lake:
    """Four days, of which the third has no row; the second was corrected, and copied again."""

    def __init__(self):
        at = [START + timedelta(days=day, hours=hour) for day in (0, 1, 3, 4, 5) for hour in range(6)]
        self.rows = [{"id": n, "at": each.isoformat(), "acres": 1} for n, each in enumerate(at)]
        self.bucket = MemoryBucket()
        self.run(0, Interval(until=text(4)))
        self.rows[7]["acres"] = 2
        self.run(1, Interval(text(1), text(2)))

    def run(self, number, interval, **settings):
        api = WindowedSource(self.rows).api(**settings)
        steps.run(api, self.bucket, NAMES[number], interval=interval)

    def key(self, number, day):
        """The object of a run's window."""
        begins = f"fires/{NAMES[number]}/data_2026010{day + 1}_"
        (found,) = [key for key in self.bucket.held if key.startswith(begins)]
        return found

    def change(self, key, change):
        document = json.loads(self.bucket.held[key])
        change(document)
        self.bucket.put_json(key, document)

    @property
    def log(self):
        return FIRES.entry(newest(self.bucket, FIRES).number)

    def manifest(self, number):
        return FIRES.of(NAMES[number]).manifest

    def found(self):
        return [f"{each.where}: {each.got}" for each in audit_dataset(self.bucket, FIRES).findings]


@pytest.fixture
def lake():
    return Lake()


def test_the_live_windows_are_read_and_no_others(lake):
    told = []
    lake.bucket.delete(lake.key(0, 1))  # what the second run replaced
    audit = audit_dataset(lake.bucket, FIRES, told.append)
    assert (audit.findings, audit.windows, audit.rows, len(audit.receipts)) == ([], 4, 18, 3)
    assert audit.bytes == sum(len(lake.bucket.held[lake.key(*of)]) for of in ((0, 0), (1, 1), (0, 3)))
    assert audit.proven[1:] == ["rows distinct", "key unique, ordered", f"no gap from {text(0)} to {text(4)}"]
    assert {each.split(":")[0] for each in told} >= {"run 1 of 2", "run 2 of 2"}


def test_a_snapshot_is_its_last_run(source, make_run):
    served = source([{"id": n} for n in range(25)])
    runs = [make_run(served, run=name) for name in NAMES[:2]]
    for run in runs:
        run.whole()
    runs[0].bucket.delete(runs[0].key(10))
    audit = audit_dataset(runs[1].bucket, runs[1].prefix)
    assert (audit.findings, audit.windows, audit.rows) == ([], 0, 25)
    runs[1].bucket.put_json(runs[1].prefix.manifest, runs[1].manifest() | {"provenance": "elsewhere"})
    (finding,) = audit_dataset(runs[1].bucket, runs[1].prefix).findings
    assert finding.got.startswith("its sha256 is ")


def test_a_range_that_nobody_copied_is_named(lake):
    lake.run(2, Interval(text(5), text(6)))
    assert lake.found() == [f"{text(4)} to {text(5)}: no window of it is committed"]


def test_a_row_that_moved_from_one_window_to_another_is_in_both(lake):
    lake.rows[0]["at"] = (START + timedelta(days=4)).isoformat()
    lake.run(2, Interval(text(4), text(5)))
    (finding,) = audit_dataset(lake.bucket, FIRES).findings
    assert finding.got.startswith("1 keys came twice, such as in row 0 of rows 0–5 of 20260101–20260102 and ")


def test_a_key_of_other_columns_is_not_compared(lake):
    for row in lake.rows:
        row["number"] = row["id"] - 18
    lake.run(2, Interval(text(4), text(5)), key=["number"])
    assert lake.found() == []


def rows_of(number, rows):
    return lambda document: document["windows"][number].update(rows=rows)


DAMAGE = {
    "an object gone": (lambda lake: lake.bucket.delete(lake.key(0, 3)), "it is not there"),
    "an object of other bytes": (
        lambda lake: lake.bucket.held.update({lake.key(1, 1): b"{}"}),
        "its bytes is 2; the receipt says",
    ),
    "a manifest gone": (lambda lake: lake.bucket.delete(lake.manifest(1)), "the run is not committed"),
    "a manifest that was written over": (
        lambda lake: lake.change(lake.manifest(0), lambda document: document.update(created_at="")),
        "its sha256 is",
    ),
    "a window of other rows": (
        lambda lake: lake.change(lake.manifest(0), rows_of(2, 5)),
        "says 5 rows, and its receipts have 0",
    ),
    "a window that the manifest lacks": (
        lambda lake: lake.change(lake.manifest(0), lambda document: document["windows"].pop(2)),
        f"{text(2)} to {text(3)}: the log names run {NAMES[0]}",
    ),
    "a watermark of nothing": (
        lambda lake: lake.change(lake.log, lambda document: document.update(watermark=text(9))),
        "its watermark is",
    ),
    "a run that can be none": (
        lambda lake: lake.change(lake.log, lambda document: document["windows"][0].update(run="../x")),
        "which cannot be a run",
    ),
    "an entry that is none": (
        lambda lake: lake.change(lake.log, lambda document: document.pop("run")),
        "it is no log entry",
    ),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_damage_is_found(lake, name):
    spoil, says = DAMAGE[name]
    spoil(lake)
    assert any(says in each for each in lake.found()), lake.found()
