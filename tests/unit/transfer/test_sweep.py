"""What dead attempts leave is swept at commit: unfinished uploads, objects and receipts of older plans."""

import pytest

from include.transfer.commit.sweep import abort_uploads
from include.transfer.store.bucket import Upload

ROWS = [{"id": n} for n in range(40)]
FOLDER = "things/20260101T000000-aaaa"


def begin(bucket, key):
    """An upload that is never ended, as a killed process leaves it."""
    upload = Upload(key, bucket._client._create_multipart_upload(bucket.name, key, {}))
    bucket._client._upload_part(bucket.name, key, b"x" * 1000, None, upload.id, 1)
    return upload


@pytest.fixture(autouse=True)
def nothing_left(bucket):
    for upload in bucket.uploads(""):
        bucket.abort(upload)


@pytest.fixture
def run(source, make_run):
    return make_run(source(ROWS))


def test_unfinished_uploads_of_this_run_are_aborted_and_no_others(run):
    own = ["data_from_0.csv", "data_from_10.csv", "data_from_7.parquet"]
    foreign = [
        "things/20260101T000000-aaaab/data_from_0.csv",
        "things/20260101T000000-aaa/data_from_0.csv",
        "things-b/20260101T000000-aaaa/data_from_0.csv",
    ]
    for key in [f"{FOLDER}/{name}" for name in own] + foreign:
        begin(run.bucket, key)
    begin(run.bucket, f"{FOLDER}/data_from_0.csv")  # of another attempt
    run.whole()
    assert sorted(upload.key for upload in run.bucket.uploads("")) == sorted(foreign)


def test_an_older_plans_objects_and_receipts_go(run):
    run.dataset = type(run.dataset)(**{**run.dataset.to_dict(), "batch_size": 7, "format": "ndjson"})
    run.whole()
    run.dataset = type(run.dataset)(**{**run.dataset.to_dict(), "batch_size": 20, "format": "csv"})
    run.whole()
    assert sorted(run.names()) == [
        f"{FOLDER}/_manifest.json",
        f"{FOLDER}/_plan.json",
        f"{FOLDER}/_receipts/data_from_0.json",
        f"{FOLDER}/_receipts/data_from_0.rows",
        f"{FOLDER}/_receipts/data_from_20.json",
        f"{FOLDER}/_receipts/data_from_20.rows",
        f"{FOLDER}/data_from_0.csv",
        f"{FOLDER}/data_from_20.csv",
        "things/_latest.json",
        "things/_log/000000000001.json",
        "things/_log/000000000002.json",
    ]


def test_an_upload_that_is_gone_is_no_error(run):
    upload = begin(run.bucket, f"{FOLDER}/data_from_0.csv")
    run.bucket.abort(upload)
    run.bucket.abort(upload)
    abort_uploads(run.bucket, run.prefix)


def test_more_unfinished_uploads_than_one_answer_lists(run, monkeypatch):
    for n in range(5):
        begin(run.bucket, f"{FOLDER}/data_from_{n}.csv")
    listed = run.bucket._client._list_multipart_uploads
    monkeypatch.setattr(
        run.bucket._client, "_list_multipart_uploads", lambda *a, **more: listed(*a, **more, max_uploads=2)
    )
    assert len(run.bucket.uploads(f"{FOLDER}/")) == 2
    run.whole()
    assert run.bucket.uploads("") == []


def test_a_store_that_goes_on_listing_what_was_aborted(run, monkeypatch):
    """Once is enough: a commit must end."""
    upload = begin(run.bucket, f"{FOLDER}/data_from_0.csv")
    monkeypatch.setattr(type(run.bucket), "uploads", lambda *_: [upload])
    assert run.whole()["rows"] == 40


def test_removing_a_run_aborts_its_uploads(source, make_run):
    served = source(ROWS)
    old, new = make_run(served, run="20260101T0-a"), make_run(served, run="20260102T0-b")
    old.whole()
    begin(old.bucket, "things/20260101T0-a/data_from_0.csv")
    new.whole(keep_runs=1)
    assert new.bucket.uploads("") == []
    assert [key for key in new.stored_keys() if "20260101" in key] == []
