"""A source that changes while it is copied: named, and where it only grew, on request, followed."""

import csv
import io
import random

import pytest

from include.transfer.errors import SourceUnavailable, Unverified, WrongRowCount
from tests.servers.faults import Fault

OLD = [{"id": n, "name": f"row {n}"} for n in range(40)]
NEW = OLD + [{"id": n, "name": f"row {n}"} for n in range(40, 57)]
FOLDER = "things/20260101T000000-aaaa"


def become(source, rows=NEW, version='"v2"'):
    source.rows, source.version = rows, version and version


def stored_ids(run):
    manifest = run.manifest()
    found = []
    for receipt in sorted(manifest["receipts"], key=lambda receipt: receipt["start"]):
        text = run.bytes_of(receipt["key"]).decode()
        found += [int(row["id"]) for row in csv.DictReader(io.StringIO(text))]
    return found


@pytest.fixture
def run(source, make_run):
    return make_run(source(OLD, version='"v1"'), version_header="ETag", reread=0)


def grown(run, rows=NEW, version='"v2"', copied=4):
    """A run whose source becomes another behind the first `copied` batches."""
    planned = run.plan()
    for batch in planned[:copied]:
        run.copy(batch["start"], batch["limit"])
    become(run.source, rows, version)
    for batch in planned[copied:]:
        run.copy(batch["start"], batch["limit"])
    return planned


def test_growth_fails_the_run_by_default(run):
    planned = grown(run, copied=2)
    with pytest.raises(Unverified) as raised:
        run.verify(planned)
    count, versions = raised.value.findings
    assert "40 → 57 rows, version v1 → v2" in count.got
    assert "on_drift" in count.fix
    assert "planned at version v1, now at v2, copied rows 0–19 at version v1, rows 20–39 at version v2" in (
        versions.got
    )


def test_append_copies_the_tail_and_says_so(run):
    committed = run.commit(grown(run, copied=2), on_drift="append")

    assert stored_ids(run) == list(range(57))
    assert committed["rows"] == 57
    assert committed["appended"] == [run.key(40), run.key(50)]
    manifest = run.manifest()
    assert manifest["source"] == {"url": run.api.url, "count": 57, "version": "v2"}
    assert manifest["drift"] == {
        "planned": {"count": 40, "version": "v1"},
        "verified": {"count": 57, "version": "v2"},
        "rows": [
            {"start": 0, "rows": 20, "version": "v1"},
            {"start": 20, "rows": 37, "version": "v2"},
        ],
    }


def test_a_version_of_each_answer_is_named_as_such(run):
    for start in range(0, 40, 10):
        each = {"when": lambda request, start=str(start): request.query.get("start") == start}
        run.source.fault(Fault.version(f'"of {start}"'), times=None, **each)
    planned = run.plan()
    for batch in planned:
        run.copy(batch["start"], batch["limit"])
    with pytest.raises(Unverified) as raised:
        run.verify(planned)
    (finding,) = raised.value.findings
    assert "empty it" in finding.fix


def test_a_version_that_changed_is_not_taken_for_one_of_each_answer(run):
    with pytest.raises(Unverified) as raised:
        run.verify(grown(run, rows=OLD))
    (finding,) = raised.value.findings
    assert "version_header" not in finding.fix


def test_a_source_that_stays_has_no_drift(run):
    run.whole(on_drift="append")
    assert run.manifest()["drift"] is None
    sampled, *asked = [request.query["start"] for request in run.source.row_requests]
    assert (sampled, asked) == ("0", ["0", "10", "20", "30", "40"])


def test_the_rows_before_the_tail_are_read_again(run):
    """Only the last batch: whatever is inserted or removed before it shifts it."""
    planned = grown(run)
    run.source.requests.clear()
    run.verify(planned, on_drift="append")
    assert [request.query["start"] for request in run.source.row_requests] == ["30", "40", "50", "57"]


def test_what_was_read_at_the_present_version_is_not_read_again(run):
    planned = grown(run, copied=3)
    run.source.requests.clear()
    run.verify(planned, on_drift="append")
    assert [request.query["start"] for request in run.source.row_requests] == ["40", "50", "57"]


MORE_THAN_GROWN = {
    "a row inserted before": [{"id": -1, "name": "new"}, *NEW],
    "a row removed before": NEW[1:],
    "the last batch edited": [*OLD[:35], {"id": 35, "name": "other"}, *NEW[36:]],
}


@pytest.mark.parametrize("name", MORE_THAN_GROWN)
def test_more_than_growth_is_found(run, name):
    planned = grown(run, rows=MORE_THAN_GROWN[name])
    with pytest.raises(Unverified) as raised:
        run.commit(planned, on_drift="append")
    found = {finding.where: finding.got for finding in raised.value.findings}
    assert "did more than grow" in found["rows 30–39"]
    assert run.bucket.head(run.prefix.manifest) is None
    assert not [name for name in run.names() if "data_from_40" in name]


@pytest.mark.parametrize(
    ("rows", "version"),
    [(OLD, '"v2"'), (OLD[:39], '"v2"'), (OLD[:39], '"v1"')],
    ids=["edited", "shrunk", "shrunk, of the same version"],
)
def test_append_follows_growth_alone(run, rows, version):
    planned = grown(run, rows=rows, version=version)
    with pytest.raises(Unverified, match="the source: it changed during the run"):
        run.commit(planned, on_drift="append")
    assert run.bucket.head(run.prefix.manifest) is None


@pytest.mark.parametrize("version", ['"v1"', None])
def test_growth_without_another_version(source, make_run, version):
    run = make_run(source(OLD, version=version), version_header="ETag" if version else "")
    planned = grown(run, version=version)
    run.commit(planned, on_drift="append")
    assert stored_ids(run) == list(range(57))


def test_growth_from_nothing(source, make_run):
    run = make_run(source([], version='"v1"'), version_header="ETag")
    become(run.source)
    run.commit([], on_drift="append")
    assert stored_ids(run) == list(range(57))
    assert run.manifest()["drift"]["planned"] == {"count": 0, "version": None}


def test_a_tail_that_begins_within_a_page(source, make_run):
    shape = {"page_name": "page", "page_size_name": "n", "first_page": 1, "largest_limit": 7}
    settings = {"paging": {"style": "page", "limit_param": "n", "size": 7}}
    run = make_run(source(OLD, version='"v1"', **shape), version_header="ETag", **settings, batch_size=14)
    run.commit(grown(run, copied=3), on_drift="append")
    assert stored_ids(run) == list(range(57))


@pytest.mark.parametrize(
    ("format", "compression"), [("ndjson", "none"), ("ndjson", "gzip"), ("csv", "zstd"), ("parquet", "none")]
)
def test_rows_read_again_give_the_same_object_in_every_format(source, make_run, format, compression):
    random.seed(3)
    rows = [{"id": n, "text": random.randbytes(300).hex(), "at": n / 7} for n in range(3_000)]
    served = source(rows, version='"v1"')
    run = make_run(served, format=format, compression=compression, version_header="ETag", batch_size=2_000)
    planned = grown(run, rows=[*rows, {"id": 3_000, "text": "", "at": 1.5}], copied=2)
    served.fault(Fault.drip(piece=100_000, pause=0))
    assert run.commit(planned, on_drift="append")["rows"] == 3_001


def test_an_interrupted_tail_is_continued(run):
    planned = grown(run)
    run.source.fault(Fault.status(503), times=None, when=lambda request: request.query.get("start") == "50")
    with pytest.raises(SourceUnavailable, match="rows 50–56: GET"):
        run.verify(planned, on_drift="append")
    assert run.bucket.head(run.prefix.manifest) is None
    run.source.heal()
    run.source.requests.clear()
    run.commit(planned, on_drift="append")
    assert [r.query["start"] for r in run.source.row_requests] == ["30", "50", "57"]
    assert stored_ids(run) == list(range(57))


def test_a_source_that_grows_again_before_the_retry(run):
    planned = grown(run)
    run.verify(planned, on_drift="append")
    become(run.source, [*NEW, *({"id": n, "name": f"row {n}"} for n in range(57, 65))], '"v3"')
    run.commit(planned, on_drift="append")
    assert stored_ids(run) == list(range(65))
    assert run.manifest()["source"]["version"] == "v3"


def test_verified_again_after_the_commit_nothing_moves(run):
    planned = grown(run)
    run.commit(planned, on_drift="append")
    before = run.bucket.head(run.prefix.manifest)
    stored = run.bytes_of(run.prefix.manifest)
    run.commit(planned, on_drift="append")
    assert (run.bucket.head(run.prefix.manifest), run.bytes_of(run.prefix.manifest)) == (before, stored)


def test_an_appended_run_that_is_cleared_becomes_a_copy_of_one_version(run):
    run.commit(grown(run), on_drift="append")
    run.whole()
    manifest = run.manifest()
    assert manifest["drift"] is None
    assert {receipt["source_version"] for receipt in manifest["receipts"]} == {"v2"}
    assert stored_ids(run) == list(range(57))


def test_a_source_that_shrinks_while_its_tail_is_copied(run):
    planned = grown(run)

    def shrink(request):
        if request.query.get("start") == "50":
            run.source.count = 55
        return False

    run.source.fault(Fault.reset(), times=None, when=shrink)
    with pytest.raises(WrongRowCount, match=r"rows 50–56: .*the source has fewer rows than it counted"):
        run.commit(planned, on_drift="append")
    assert run.bucket.head(run.prefix.manifest) is None
