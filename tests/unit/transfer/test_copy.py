"""A copy is whole or not there, and what is there already is not copied again."""

import hashlib
import json
import random

import pytest

from include.transfer.copy import Receipt
from include.transfer.errors import (
    BodyBroken,
    ColumnsDiffer,
    Overtaken,
    SourceRefused,
    SourceUnavailable,
    WrongRowCount,
)
from tests.lake_keys import unmarked
from tests.servers.faults import Fault

ROWS = [{"id": n, "name": f"row {n}", "size": n / 7} for n in range(40)]


def lines_of(run, receipt):
    return [json.loads(line) for line in run.bytes_of(receipt.key).splitlines()]


@pytest.mark.parametrize("kind", [".csv", ".csv.gz", ".ndjson", ".ndjson.zst", ".parquet"])
def test_a_receipt_says_what_was_stored(source, make_run, kind):
    _, format, *packed = kind.split(".")
    compression = {"gz": "gzip", "zst": "zstd"}.get("".join(packed), "none")
    run = make_run(
        source(ROWS, version='"v1"'), format=format, compression=compression, version_header="ETag"
    )
    receipt = run.copy(10, 20)
    data = run.bytes_of(receipt.key)
    assert unmarked(receipt.key) == f"things/20260101T000000-aaaa/data_from_10{kind}"
    assert (receipt.start, receipt.rows, receipt.bytes) == (10, 20, len(data))
    assert receipt.sha256 == hashlib.sha256(data).hexdigest()
    assert receipt.etag == run.bucket.head(receipt.key).etag
    assert (receipt.columns, receipt.source_version, receipt.reused) == (["id", "name", "size"], "v1", False)
    assert bool(receipt.types) == (format == "parquet")
    kept = run.bucket.get_json("things/20260101T000000-aaaa/_receipts/data_from_10.json")
    assert kept == receipt.to_dict() == json.loads(json.dumps(receipt.to_dict()))


def test_a_second_copy_moves_nothing(source, make_run):
    run = make_run(source(ROWS, version='"v1"'), version_header="ETag")
    first = run.copy()
    run.source.requests.clear()
    second = run.copy()
    assert [request.asks_for for request in run.source.requests] == ["count"]
    assert second.reused
    assert {**second.to_dict(), "reused": 0, "seconds": 0, "peak_rss_mb": 0} == {
        **first.to_dict(), "reused": 0, "seconds": 0, "peak_rss_mb": 0
    }  # fmt: skip


def test_without_a_version_the_first_and_the_last_request_are_made_again(source, make_run):
    run = make_run(source(ROWS), paging={"size": 3})
    run.copy()
    run.source.requests.clear()
    assert run.copy().reused
    assert [request.query["start"] for request in run.source.requests] == ["0", "9"]


@pytest.mark.parametrize(
    "rows",
    [
        [{"id": -1, "name": "new", "size": 0.5}, *ROWS],
        ROWS[1:],
        [*ROWS[:15], {"id": -1, "name": "new", "size": 0.5}, *ROWS[15:]],
        [*ROWS[:15], *ROWS[16:]],
        ROWS[:15],
        [*ROWS[:10], {"id": -1, "name": "edited", "size": 0.5}, *ROWS[11:]],
    ],
    ids=["inserted before", "removed before", "inserted", "removed", "cut off", "edited"],
)
def test_without_a_version_a_batch_whose_rows_moved_is_copied_again(source, make_run, rows):
    run = make_run(source(ROWS), paging={"size": 3})
    before = run.copy(10, 10)
    run.source.rows = rows
    if len(rows) < 20:
        with pytest.raises(WrongRowCount):
            run.copy(10, 10)
        return
    after = run.copy(10, 10)
    assert not after.reused
    assert after.sha256 != before.sha256


def test_a_copy_of_another_source_is_no_copy_of_this_one(source, make_run):
    staging, production = source(ROWS, version='"v1"'), source(ROWS, version='"v1"')
    receipt = make_run(staging, version_header="ETag").copy()
    assert receipt.url == f"{staging.url}/api/get"
    assert not make_run(production, version_header="ETag").copy().reused


def overwrite(run, key):
    run.bucket.put_stream(key, iter([b"x" * run.bucket.head(key).bytes]))


def truncate(run, key):
    data = run.bytes_of(key)
    run.bucket.put_stream(key, iter([data[:-1]]))


RECEIPT = "things/20260101T000000-aaaa/_receipts/data_from_0.json"


def spoil(**changes):
    def spoiled(run, key):
        run.bucket.put_json(RECEIPT, {**run.bucket.get_json(RECEIPT), **changes})

    return spoiled


DAMAGE = {
    "deleted": lambda run, key: run.bucket.delete(key),
    "truncated": truncate,
    "overwritten": overwrite,
    "no receipt": lambda run, key: run.bucket.delete(RECEIPT),
    "torn receipt": lambda run, key: run.bucket.put_stream(RECEIPT, iter([run.bytes_of(RECEIPT)[:-30]])),
    "empty receipt": lambda run, key: run.bucket.put_stream(RECEIPT, iter([b""])),
    "garbage": lambda run, key: run.bucket.put_json(RECEIPT, [1, 2]),
    "receipt of other settings": spoil(fingerprint=""),
    "receipt of nonsense": spoil(columns=None, types=7),
    "receipt of other rows": spoil(rows=9),
    "receipt of another start": spoil(start=10),
    "receipt of another key": spoil(key="things/other/data_from_0.csv"),
    "receipt of another object": spoil(etag="abc"),
    "another version of the source": lambda run, key: setattr(run.source, "version", '"v2"'),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_what_does_not_match_is_copied_anew(source, make_run, damage):
    run = make_run(source(ROWS, version='"v1"'), version_header="ETag")
    first = run.copy()
    whole = run.bytes_of(first.key)
    DAMAGE[damage](run, first.key)
    again = run.copy()
    assert not again.reused
    assert again.key != first.key
    assert run.bytes_of(again.key) == whole
    assert run.copy().reused


@pytest.mark.parametrize(
    "change",
    [
        {"types": {"id": "int64", "name": "string", "size": "double"}},
        {"query": {"x": 1}},
        {"rows_path": "/api/get?x"},
    ],
)
def test_other_settings_copy_anew(source, make_run, change):
    served = source(ROWS)
    make_run(served).copy()
    assert not make_run(served, **change).copy().reused
    assert make_run(served, **change).copy().reused
    assert make_run(served, **change, batch_size=99).copy(0, 10).reused


def test_a_broken_body_is_continued_in_the_same_object(source, make_run):
    random.seed(7)
    rows = [{"id": n, "text": random.randbytes(400).hex()} for n in range(15_000)]
    served = source(rows).fault(Fault.cut(9_000_000, "close")).fault(Fault.cut(700_000, "close"))
    run = make_run(served, format="ndjson")
    receipt = run.copy(0, 15_000)
    starts = [int(request.query["start"]) for request in served.row_requests]
    assert starts[0] == 0 < starts[1] < starts[2]
    assert receipt.bytes > 8 << 20
    assert lines_of(run, receipt) == rows


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault.status(503), SourceUnavailable),
        (Fault.truncated(10), BodyBroken),
        (Fault.more_rows(), WrongRowCount),
        (Fault.columns(rename={"name": "title"}, from_row=5), ColumnsDiffer),
    ],
)
def test_a_copy_that_fails_leaves_nothing(source, make_run, store, fault, error):
    run = make_run(source(ROWS).fault(fault, times=None), format="csv")
    with pytest.raises(error):
        run.copy(0, 20)
    assert run.stored_keys() == []
    assert store.client()._list_multipart_uploads(run.bucket.name).uploads == []


def test_a_failure_behind_the_first_parts_leaves_nothing(source, make_run, store):
    rows = [{"id": n, "text": "x" * 5_000} for n in range(4_000)]
    run = make_run(source(rows, version="a"), format="ndjson", version_header="ETag")
    run.source.fault(Fault.columns(rename={"text": "words"}, from_row=3_900))
    with pytest.raises(ColumnsDiffer, match=r"row 3,900"):
        run.copy(0, 4_000)
    assert run.stored_keys() == []
    assert store.client()._list_multipart_uploads(run.bucket.name).uploads == []


def test_what_is_committed_stands_until_the_next_commit(source, make_run):
    """A copy is made anew beside it, also one that fails."""
    run = make_run(source(ROWS, version='"v1"'), version_header="ETag")
    run.whole()
    manifest = run.manifest()
    run.source.version = '"v2"'
    run.copy()
    run.source.fault(Fault.status(404))
    with pytest.raises(SourceRefused):
        run.copy(10)
    assert run.manifest() == manifest
    assert [run.bucket.head(receipt["key"]).etag for receipt in manifest["receipts"]] == [
        receipt["etag"] for receipt in manifest["receipts"]
    ]
    assert len(run.whole()["manifest"]) > 0
    assert {receipt["source_version"] for receipt in run.manifest()["receipts"]} == {"v2"}
    assert len([key for key in run.stored_keys() if run.prefix.is_data(key)]) == 4


def test_a_copy_that_was_taken_for_dead_does_not_replace_what_is_committed(source, make_run):
    """It wakes up with rows of another version, when another attempt has copied and committed."""
    late = make_run(source([{"id": -1}] * 40, version='"v0"'), version_header="ETag")
    other = make_run(source(ROWS, version='"v1"'), version_header="ETag")

    class Raced(type(late.bucket)):
        def head(self, name):
            if name == late.prefix.manifest:
                other.whole()
            return super().head(name)

    late.bucket = Raced(late.bucket._client, late.bucket.name)
    with pytest.raises(Overtaken, match=r"rows 0–9: .*_manifest.json: it was committed while this copy ran"):
        late.copy()
    (first, *_) = other.manifest()["receipts"]
    assert first["source_version"] == "v1"
    assert hashlib.sha256(other.bytes_of(first["key"])).hexdigest() == first["sha256"]


@pytest.mark.parametrize("value", [None, [], "x", {}, {"key": 1}, 7])
def test_what_is_no_receipt(value):
    assert Receipt.from_dict(value) is None
