"""What an older release wrote stays readable: a lake of each release is kept in tests/data and read here."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from include.lake_page.stored_runs import Committed
from include.report.loadable import Address, read
from include.transfer.commit.audit import audit
from include.transfer.commit.history import committed_runs
from include.transfer.commit.manifest import Manifest
from include.transfer.commit.receipt import Receipt
from include.transfer.commit.retention import retire
from include.transfer.commit.verify import compare_with_store
from include.transfer.dataset import Dataset
from include.transfer.store.keys import Prefix
from include.wildfires import WILDFIRES
from tests.project_files import PROJECT

RELEASES = sorted((PROJECT / "tests/data").glob("release_*"))
RUN = "20260101T000000-0a1b2c3d"
# The day of containment was typed as double in the first release.
FIRES = replace(WILDFIRES, batch_size=2, types={**WILDFIRES.types, "CONT_DOY": "double"})
THINGS = Dataset(name="things", format="parquet", version_header="ETag", batch_size=2)
ROWS = [{"id": n, "name": f"row {n}", "at": n / 4} for n in range(5)]


@pytest.fixture(params=RELEASES, ids=lambda release: release.name)
def lake(request, bucket):
    """A bucket with all that the release left."""
    folder: Path = request.param
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            bucket.put_stream(str(path.relative_to(folder)), iter([path.read_bytes()]))
    return bucket


def keys(bucket):
    return [stored.key for stored in bucket.objects("")]


@pytest.mark.parametrize("dataset", ["wildfires", "things"])
def test_it_is_a_committed_run_and_verified_from_outside(lake, dataset):
    prefix = Prefix(dataset, RUN)
    (manifest,) = committed_runs(lake, prefix)
    assert (manifest.rows, len(manifest.receipts)) == (5, 3)
    assert audit(lake, prefix).findings == []


@pytest.mark.parametrize("dataset", [FIRES, THINGS], ids=lambda it: it.name)
def test_its_receipts_match_the_same_settings(lake, dataset):
    prefix = Prefix(dataset.name, RUN)
    manifest = Manifest.from_dict(lake.get_json(prefix.manifest), prefix)
    assert manifest.fingerprint == dataset.fingerprint
    from include.transfer.batches import plan_batches

    assert compare_with_store(lake, prefix, plan_batches(5, 2, 10), dataset).findings == []


def test_a_cleared_copy_moves_nothing_and_the_next_run_is_unchanged(lake, source, make_run):
    served = source(ROWS, version='"v1"')
    settings = {"format": "parquet", "version_header": "ETag", "batch_size": 2}
    again = make_run(served, run=RUN, **settings)
    assert all(receipt.reused for receipt in again.copy_all())
    stored = lake.get_json(again.prefix.manifest)
    stored["source"]["url"] = again.api.url  # the release's source had another port
    lake.put_json(again.prefix.manifest, stored)
    following = make_run(served, run="20260102T000000-11111111", **settings)
    from include.transfer import run as steps

    counted = steps.count(following.api)
    planned = steps.plan(following.dataset, counted)
    standing = steps.unchanged(following.api, lake, counted, planned, following.prefix.run)
    assert standing is not None
    assert standing["run"] == RUN


def test_a_newer_commit_retires_it(lake, source, make_run):
    newer = make_run(source(ROWS), run="20260102T000000-11111111", format="parquet", batch_size=2)
    newer.whole()
    assert retire(lake, newer.prefix, 1) == [RUN]
    assert [key for key in keys(lake) if key.startswith(f"things/{RUN}")] == []


def test_the_page_and_the_report_read_it(lake):
    prefix = Prefix("wildfires", RUN)
    shown = Committed.read(lake.get_json(prefix.manifest), prefix)
    assert (shown.rows, shown.batches, shown.format) == (5, 3, "csv")
    content = b"".join(lake.get(prefix.manifest))
    loadable = read(Address.parse(f"s3://{lake.name}/{prefix.manifest}"), content)
    assert loadable.manifest.rows == 5


def test_fields_of_a_newer_release_are_ignored_and_missing_ones_have_defaults(lake):
    prefix = Prefix("things", RUN)
    stored = lake.get_json(prefix.manifest) | {"proof": {"rows": "distinct"}, "version": 9}
    for name in ("fingerprint", "drift", "batch_size", "types", "created_at"):
        stored.pop(name, None)
    stored["receipts"][0] |= {"hashes": "a"}
    stored["receipts"][0].pop("seconds")
    manifest = Manifest.from_dict(stored, prefix)
    assert (manifest.rows, manifest.fingerprint, manifest.receipts[0].seconds) == (5, "", 0.0)
    assert Receipt.from_dict({"key": "k", "start": 0}) is None


def test_columns_stand_once_in_a_manifest(source, make_run):
    run = make_run(source(ROWS), format="parquet", batch_size=1)
    run.whole()
    stored = run.manifest()
    assert stored["columns"] == ["id", "name", "at"]
    assert stored["types"] == {"id": "int64", "name": "string", "at": "double"}
    assert not any({"columns", "types"} & set(receipt) for receipt in stored["receipts"])
    manifest = Manifest.from_dict(json.loads(json.dumps(stored)), run.prefix)
    beside = [
        Receipt.from_dict(run.bucket.get_json(key))
        for key in run.stored_keys()
        if run.prefix.is_receipt(key) and key.endswith(".json")
    ]
    assert manifest.receipts == sorted(beside, key=lambda receipt: receipt.start)
