"""A source that is what the newest committed run holds is not copied again; whatever else is."""

import re

import pytest

from include.transfer import run as steps
from include.transfer.dataset import Dataset
from tests.servers.faults import Fault
from tests.unit.transfer.conftest import open_api

ROWS = [{"id": n, "name": f"row {n}"} for n in range(25)]
FIRST, SECOND, THIRD = "20260101T000000-aaaa", "20260102T000000-bbbb", "20260103T000000-cccc"


def standing(run, **changes):
    """What the plan of `run` finds: the committed run that stands for it, or None."""
    dataset = Dataset(**{**run.dataset.to_dict(), **changes})
    version = run.source.version.strip('"') if run.source.version and dataset.version_header else None
    counted = {"rows": run.source.total, "version": version}
    batches = steps.plan(dataset, counted, 1000)
    return steps.unchanged(
        open_api(run.source, **dataset.to_dict()), run.bucket, counted, batches, run.prefix.run
    )


@pytest.fixture
def served(source):
    return source(ROWS, version='"v1"')


@pytest.fixture
def first(served, make_run):
    run = make_run(served, run=FIRST, version_header="ETag")
    run.whole()
    return run


@pytest.fixture
def second(first, served, make_run):
    return make_run(served, run=SECOND, version_header="ETag")


def test_the_same_source_is_not_copied_again(second, caplog):
    assert standing(second) == {
        "manifest": f"s3://transfer/things/{FIRST}/_manifest.json",
        "run": FIRST,
        "rows": 25,
        "version": "v1",
    }
    assert "UNCHANGED: the source still has 25 rows of version v1" in caplog.text
    assert [key for key in second.stored_keys() if SECOND in key] == []


def test_asking_costs_no_row(second):
    second.source.requests.clear()
    standing(second)
    assert second.source.requests == []


def change(**attributes):
    def changed(run):
        for name, value in attributes.items():
            setattr(run.source, name, value)

    return changed


def key_of_first(run, start):
    return run.bucket.get_json(f"things/{FIRST}/_receipts/data_from_{start}.json")["key"]


CHANGES = {
    "another version": (change(version='"v2"'), "version v1 → v2"),
    "more rows": (change(rows=ROWS + ROWS), "25 → 50 rows"),
    "no version now": (change(version=None), "names no version"),
    "an object gone": (
        lambda run: run.bucket.delete(key_of_first(run, 10)),
        "1 objects of run .* are gone, such as .*data_from_10",
    ),
    "an object of another size": (
        lambda run: run.bucket.put_stream(key_of_first(run, 10), iter([b"x"])),
        "1 objects of run",
    ),
    "no manifest": (lambda run: run.bucket.delete(f"things/{FIRST}/_manifest.json"), ""),
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_changed_is_copied_and_named(second, caplog, name):
    happen, says = CHANGES[name]
    happen(second)
    assert standing(second) is None
    assert says == "" or re.search(says, caplog.text)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"batch_size": 7}, "cut into other batches"),
        ({"format": "ndjson"}, "other settings"),
        ({"compression": "gzip"}, "other settings"),
        ({"query": {"state": "CA"}}, "other settings"),
        ({"rows_path": "/api/other"}, "source http.* → http.*/api/other; the dataset has other settings"),
        ({"version_header": ""}, "names no version"),
    ],
)
def test_other_settings_copy(second, caplog, changes, says):
    assert standing(second, **changes) is None
    assert re.search(says, caplog.text)


def test_a_run_that_has_begun_is_never_skipped(first, second):
    """Clearing a run repairs it: its own folder holds something, so it goes on."""
    assert standing(first) is None
    second.copy()
    assert standing(second) is None


def test_a_late_run_finds_the_newer_one(second, served, make_run):
    make_run(served, run=THIRD, version_header="ETag").whole()
    assert standing(second)["run"] == THIRD


def test_only_the_newest_run_counts(second, served, make_run):
    """The source is again what it was two runs ago: a reader of the newest run has something else."""
    served.version = '"v2"'
    second.whole()
    served.version = '"v1"'
    assert standing(make_run(served, run=THIRD, version_header="ETag")) is None


def test_an_empty_source_stays_empty(source, make_run):
    served = source([], version='"v1"')
    make_run(served, run=FIRST, version_header="ETag").whole()
    assert standing(make_run(served, run=SECOND, version_header="ETag"))["rows"] == 0


def test_a_manifest_from_before_there_were_fingerprints(first, second):
    manifest = first.manifest()
    del manifest["fingerprint"], manifest["drift"]
    first.bucket.put_json(first.prefix.manifest, manifest)
    assert standing(second) is None
    second.whole()
    assert standing(second) is None


NO_MANIFESTS = {
    "torn": b'{"version": 1, "dataset": "things", "run": ',
    "empty": b"",
    "a list": b"[]",
    "a number": b"7",
    "of another run": b'{"version": 1, "dataset": "things", "run": "x", "receipts": []}',
    "nested without end": b"[" * 100_000,
    "a source of nonsense": b'{"source": {"count": "many"}, "receipts": [1]}',
}


@pytest.mark.parametrize("name", NO_MANIFESTS)
def test_what_is_no_manifest_counts_for_nothing(first, second, served, make_run, caplog, name):
    """The newest folder's manifest is damaged: the run before stands, and `_latest.json` names it again."""
    second.whole()
    second.bucket.put_stream(second.prefix.manifest, iter([NO_MANIFESTS[name]]))
    assert standing(make_run(served, run=THIRD, version_header="ETag"))["run"] == FIRST
    assert f"things/{SECOND}/_manifest.json is left aside" in caplog.text
    assert second.bucket.get_json("things/_latest.json")["run"] == FIRST


def test_a_manifest_too_large_to_be_one(first, second, monkeypatch, caplog):
    monkeypatch.setattr("include.transfer.store.bucket.LARGEST_JSON_BYTES", 1_000)
    assert standing(second) is None
    assert "is left aside" in caplog.text


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"{}", b'{"run": 7}', b'{"run": "../../other", "manifest": "x"}', b"\xff"]
)
def test_a_damaged_pointer_is_put_right(first, second, content):
    first.bucket.put_stream("things/_latest.json", iter([content]))
    assert standing(second)["run"] == FIRST
    assert first.bucket.get_json("things/_latest.json") == {
        "run": FIRST,
        "manifest": f"things/{FIRST}/_manifest.json",
        "log": 1,
    }


def test_other_datasets_do_not_stand_for_this_one(first, served, make_run):
    for name in ("thing", "things-b", "things_2"):
        assert standing(make_run(served, run=SECOND, name=name, version_header="ETag")) is None


def test_foreign_folders_are_left_aside(first, second):
    for key in ("things/zzz/_manifest.json", "things/zzz/notes.txt", "things/.hidden/_manifest.json"):
        first.bucket.put_json(key, {"by": "somebody else"})
    assert standing(second)["run"] == FIRST


def test_a_source_that_fails_its_count_is_no_matter(second):
    """The plan has the count already: nothing is asked twice."""
    second.source.fault(Fault.status(500), times=None, when=lambda request: True)
    assert standing(second)["run"] == FIRST
