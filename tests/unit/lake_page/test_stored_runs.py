"""What the page reads in a real store: manifests, foreign objects, reports; and how often it asks."""

import io

import pytest

from include.lake_page import stored_runs
from include.lake_page.kept import Kept
from include.lake_page.stored_runs import Committed, Damaged, Lake, is_object_name, is_report_name
from include.transfer.commit.manifest import Manifest as StoredManifest
from include.transfer.commit.receipt import Receipt
from include.transfer.errors import StoreUnavailable
from include.transfer.source.count import Count
from include.transfer.store.bucket import Bucket
from include.transfer.store.client import connect
from include.transfer.store.keys import Prefix

RUN = Prefix("fires", "20260101T120000-aaaaaaaa")


@pytest.fixture
def bucket(store, bucket_name):
    return Bucket(
        connect(store.endpoint, "us-east-1", (store.access_key, store.secret_key, None)), bucket_name
    )


@pytest.fixture
def asked(bucket, monkeypatch):
    """The requests that the store gets, as (method, path)."""
    seen = []
    http = bucket._client._http
    send = http.urlopen

    def urlopen(method, url, *args, **kwargs):
        seen.append((method, url))
        return send(method, url, *args, **kwargs)

    monkeypatch.setattr(http, "urlopen", urlopen)
    monkeypatch.setattr(stored_runs, "_manifests", Kept())
    return seen


def put(bucket, key, data=b"x"):
    bucket._client.put_object(bucket.name, key, io.BytesIO(data), len(data))


def receipt(n, prefix=RUN):
    values = {
        "sha256": "0",
        "etag": "e",
        "columns": ["a"],
        "source_version": "v1",
        "types": {},
        "fingerprint": "f",
    }
    return Receipt(
        f"{prefix}data_from_{n}.csv", n, 1, 1, reused=False, seconds=1.0, peak_rss_mb=90.0, **values
    )


def manifest_of(prefix=RUN, batches=2, **changes):
    receipts = [receipt(n, prefix) for n in range(batches)]
    values = {
        "format": "csv",
        "compression": "gzip",
        "batch_size": 1,
        "columns": ["a"],
        "types": {},
        **changes,
    }
    manifest = StoredManifest(
        prefix, "http://source", Count(batches, "v1"), fingerprint="f", receipts=receipts, **values
    )
    return {**manifest.to_dict(), "created_at": "2026-01-01T00:00:00+00:00"}


def commit(bucket, prefix=RUN, **changes):
    bucket.put_json(prefix.manifest, manifest_of(prefix, **changes))


def test_datasets_and_runs_are_folders_and_foreign_ones_are_left_out(bucket):
    for key in (
        f"{RUN}data_from_0.csv",
        "fires/_latest.json",
        "fires/<b>no run</b>/data_from_0.csv",
        "acres/20250101T000000-bb/data_from_0.csv",
        "_hidden/x",
        "a file",
    ):
        put(bucket, key)
    found = Lake(bucket)
    assert found.datasets() == ["acres", "fires"]
    assert found.runs("fires") == [RUN]
    assert found.runs("none") == []


def test_a_thousand_batches_take_a_few_requests(bucket, asked):
    """Not one for each batch: the manifest has them all, and a LIST names a thousand objects."""
    for n in range(0, 1_000):
        put(bucket, f"{RUN}data_from_{n}.csv")
    commit(bucket, batches=1_000)
    asked.clear()
    found = Lake(bucket)
    manifest = found.manifest(RUN)
    assert len(found.objects(RUN)) == 1_001
    assert len(manifest.receipts) == 1_000
    assert len(asked) <= 5


def test_a_manifest_is_read_once_until_it_changes(bucket, asked):
    other = Prefix("fires", "20260101T130000-bb")
    commit(bucket)
    asked.clear()
    found = Lake(bucket)
    assert set(found.manifests([RUN, other])) == {RUN}
    assert set(found.manifests([RUN, other])) == {RUN}
    assert [method for method, _ in asked].count("GET") == 1
    commit(bucket, batches=3)
    assert found.manifests([RUN])[RUN].rows == 3


def test_what_a_manifest_says():
    committed = Committed.read(manifest_of(), RUN)
    assert (committed.batches, committed.rows, committed.format, committed.grown) == (2, 2, "csv gzip", 0)
    assert (committed.peak_rss_mb, committed.created_at) == (90.0, "2026-01-01T00:00:00+00:00")
    grown = manifest_of(compression="none", drift={"planned": {"count": 1, "version": "v1"}})
    assert (Committed.read(grown, RUN).grown, Committed.read(grown, RUN).format) == (1, "csv")


def test_a_manifest_of_another_run_or_a_torn_one_commits_nothing(bucket):
    other = Prefix("fires", "20260101T130000-bb")
    for wrong in (None, [], {}, manifest_of(other), {**manifest_of(), "receipts": "x"}):
        assert isinstance(Committed.read(wrong, RUN), Damaged)
    bucket.put_json(RUN.manifest, manifest_of(other))
    for found in (Lake(bucket).manifest(RUN), Lake(bucket).manifests([RUN])[RUN]):
        assert "its run is" in found.complaints[0]


def test_a_list_of_runs_with_very_many_receipts_reads_no_manifest_twice(bucket, asked):
    """What is kept of a run does not grow with its receipts, so that there is room for all."""
    runs = [Prefix("fires", f"20260101T1{n}0000-aa") for n in range(4)]
    for prefix in runs:
        commit(bucket, prefix, batches=15_000)
    asked.clear()
    for _ in range(3):
        found = Lake(bucket).manifests(runs)
        assert [(found[prefix].batches, found[prefix].receipts) for prefix in runs] == [(15_000, ())] * 4
    assert [method for method, _ in asked].count("GET") == len(runs)


def test_a_report_shows_what_its_index_names_and_the_store_holds(bucket):
    found = Lake(bucket)
    put(bucket, f"{RUN}data_from_0.csv")
    assert found.report(RUN, found.objects(RUN)) is None
    charts = [
        {
            "name": "years",
            "title": "<b>Years</b>",
            "png": "years.png",
            "svg": "gone.svg",
            "dark_png": "dark.png",
        },
        {"name": "gone", "title": "Gone", "png": "gone.png", "svg": "gone.svg"},
        {"name": "escape", "title": "x", "png": "../data_from_0.csv", "svg": "../../secret.svg"},
        "no chart",
    ]
    index = {"created_at": "2026", "charts": charts, "marts": ["fires_by_year.parquet", {"name": 7}, 5]}
    bucket.put_json(f"{RUN}_report/index.json", index)
    for name in ("years.png", "dark.png", "index.html", "fires_by_year.parquet"):
        put(bucket, f"{RUN}_report/{name}")
    report = found.report(RUN, found.objects(RUN))
    (chart,) = report.charts
    assert (chart.name, chart.png, chart.svg, chart.dark) == ("years", "years.png", "", "dark.png")
    assert (report.page, report.docs, report.marts) == (True, False, ("fires_by_year.parquet",))
    put(bucket, f"{RUN}_report/docs.html")
    assert found.report(RUN, found.objects(RUN)).docs
    for wrong in ([], "text", {"charts": 5, "marts": 5}):
        bucket.put_json(f"{RUN}_report/index.json", wrong)
        report = found.report(RUN, found.objects(RUN))
        assert report is None or report.charts == ()


@pytest.mark.parametrize(
    "name",
    [
        "../other/data_from_0.csv",
        "data_from_0.csv/..",
        "_receipts/../_manifest.json",
        "/_manifest.json",
        "_manifest.json\n",
        "data_from_.csv",
        "_report/../x.png",
        "%2e%2e/x.png",
        "",
    ],
)
def test_no_name_leads_out_of_a_run(name):
    assert not is_object_name(name)
    assert not is_report_name(name)


def test_a_runs_own_objects_have_names():
    written = "data_from_50.tuoowscuizvvmzytsajgukzk.ndjson.gz"
    of_window = (
        "data_20150101_20150201.tuoowscuizvvmzytsajgukzk.csv",
        "data_20150101T063000Z_20150102_7.csv",
    )
    plain = ("_manifest.json", "_plan.json", "data_from_0.csv", written, "_receipts/data_from_0.json")
    for name in (*plain, *of_window, "_receipts/data_20150101_20150201.json"):
        assert is_object_name(name)
    for name in ("index.html", "index.json", "fires-per_year.png", "fires.svg", "by_year.parquet"):
        assert is_report_name(name)


def test_a_store_that_is_down_is_given_up_soon():
    from tests.servers.ports import free_port

    client = connect(f"http://127.0.0.1:{free_port()}", None, ("key", "secret", None), patient=False)
    with pytest.raises(StoreUnavailable, match="no connection to the store"):
        Lake(Bucket(client, "lake")).datasets()


def test_who_writes_a_dataset_is_what_the_store_says(bucket):
    found = Lake(bucket)
    assert found.is_written_by("fires", "a_dag")  # of an earlier release: not noted
    put(bucket, "acres/_owner.json", b'{"owner": "a_dag"}')
    assert found.is_written_by("acres", "a_dag")
    assert not found.is_written_by("acres", "b_dag")
