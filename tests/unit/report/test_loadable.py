"""A manifest is somebody else's text until it is checked: what is wrong, and what would lead elsewhere."""

import hashlib
import json
from itertools import pairwise

import pytest

from include.report.errors import RunDamaged, RunGone
from include.report.loadable import Address, read
from include.transfer.errors import BadSettings
from include.wildfires import WILDFIRE_TYPES

RUN = "20260101T000000-0a1b2c3d"
ADDRESS = Address.parse(f"s3://lake/wildfires/{RUN}/_manifest.json")
SHA = "a" * 64
DROP = 'FOD_ID"; DROP TABLE fires; --'


def manifest(**changes):
    columns = list(WILDFIRE_TYPES)
    receipts = [
        {
            "key": f"wildfires/{RUN}/data_from_{start}.csv.gz",
            "start": start,
            "rows": rows,
            "bytes": 100,
            "sha256": SHA,
            "etag": "e",
        }
        for start, rows in ((0, 3), (3, 2))
    ]
    return {
        "version": 2,
        "source": {
            "url": "http://x/",
            "count": sum(receipt["rows"] for receipt in receipts),
            "version": None,
        },
        "bytes": sum(receipt["bytes"] for receipt in receipts),
        "dataset": "wildfires",
        "run": RUN,
        "format": "csv",
        "compression": "gzip",
        "rows": 5,
        "columns": columns,
        "created_at": "2026-01-01T00:00:00+00:00",
        "receipts": receipts,
    } | changes


def second(**changes):
    """The manifest with its second receipt changed."""
    good = manifest()
    good["receipts"][1] |= changes
    return good


def test_a_good_manifest_gives_its_objects():
    content = json.dumps(manifest()).encode()
    loadable = read(ADDRESS, content)
    told = loadable.manifest
    assert (told.format, told.compression, told.rows) == ("csv", "gzip", 5)
    second = told.receipts[1]
    assert (second.key, second.rows, second.bytes) == (f"wildfires/{RUN}/data_from_3.csv.gz", 2, 100)
    assert (second.sha256, second.columns) == (SHA, list(WILDFIRE_TYPES))
    assert loadable.digest == hashlib.sha256(content).hexdigest()


def test_of_a_run_by_windows_one_is_loaded():
    folder = f"wildfires_by_month/{RUN}/"
    ends = [f"2015-{number:02}-01T00:00:00Z" for number in range(1, 5)]
    windows = [
        {"since": since, "until": until, "rows": n} for n, (since, until) in enumerate(pairwise(ends), 3)
    ]
    windows[2]["rows"] = 0
    receipts = [
        {"key": f"{folder}data_20150101_20150201.csv", "start": 0, "rows": 3, "bytes": 9, "sha256": SHA},
        {"key": f"{folder}data_20150201_20150301.csv", "start": 0, "rows": 1, "bytes": 9, "sha256": SHA},
        {"key": f"{folder}data_20150201_20150301_1.csv", "start": 1, "rows": 3, "bytes": 9, "sha256": SHA},
    ]
    said = {"rows": 7, "bytes": 27, "source": {"url": "", "count": 7}, "windows": windows}
    named = manifest(dataset="wildfires_by_month", receipts=[{**each, "etag": "e"} for each in receipts])
    content = json.dumps(named | said).encode()
    address = Address.parse(f"s3://lake/{folder}_manifest.json")
    month = read(address, content, "2015-02")
    assert [receipt.key for receipt in month.manifest.receipts] == [each["key"] for each in receipts[1:]]
    assert (month.manifest.rows, month.digest) == (4, hashlib.sha256(content).hexdigest())
    assert month.mark != read(address, content, "2015-01").mark
    assert read(address, content, "2015-03-01T00:00:00Z").manifest.rows == 0
    for missing in ("2015", "2015-04", "2014-12"):
        with pytest.raises(RunGone):
            read(address, content, missing)
    with pytest.raises(BadSettings):
        read(address, content)


def test_a_run_of_nothing_is_good():
    empty = manifest(rows=0, bytes=0, receipts=[], source={"url": "http://x/", "count": 0, "version": None})
    assert read(ADDRESS, json.dumps(empty).encode()).manifest.receipts == []


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (manifest(version="two"), "version is 'two'"),
        (manifest(dataset="wildfires_small"), "dataset is 'wildfires_small'"),
        (manifest(run="20260101T000000-ffffffff"), "run is"),
        (manifest(columns=[DROP]), "columns are"),
        (manifest(columns=list(WILDFIRE_TYPES)[::-1]), "columns are"),
        (manifest(format="xlsx"), "format is 'xlsx'"),
        (manifest(format=["csv"]), "format is ['csv']"),
        (manifest(compression="rar"), "compression 'rar'"),
        (manifest(rows=-1), "says -1 rows"),
        (manifest(rows=True), "rows is True"),
        (manifest(rows=6), "add up to 5"),
        (manifest(receipts={}), "receipts is {}"),
        (manifest(receipts=["x"]), "receipt 0 is 'x'"),
        (second(key="wildfires/other/data_from_3.csv.gz"), "receipt 1"),
        (second(key=f"wildfires/{RUN}/../../secrets/data_from_3.csv.gz"), "receipt 1"),
        (second(key=["x"]), "receipt 1"),
        (second(start=4), "starts at row 4"),
        (second(start="3"), "receipt 1"),
        (second(rows=0), "add up to 3"),
        (second(rows=2.5), "receipt 1"),
        (second(bytes=None), "receipt 1"),
        (second(sha256="b" * 63), "has the SHA-256"),
        (second(sha256=None), "receipt 1"),
        (second(columns=["FOD_ID"]), "has other columns"),
    ],
)
def test_what_no_commit_wrote_is_refused(wrong, said):
    with pytest.raises(RunDamaged) as refused:
        read(ADDRESS, json.dumps(wrong).encode())
    assert said in str(refused.value)
    assert ADDRESS.uri in str(refused.value)


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"\xff\xfe", b"[]", b'"text"', b"null", b"[" * 100_000],
    ids=["empty", "cut", "no-utf8", "list", "text", "null", "deep"],
)
def test_what_is_no_manifest_at_all(content):
    with pytest.raises(RunDamaged, match=ADDRESS.prefix.run):
        read(ADDRESS, content)


def test_a_huge_value_is_not_repeated_whole():
    with pytest.raises(RunDamaged) as refused:
        read(ADDRESS, json.dumps(manifest(dataset="x" * 1_000_000)).encode())
    assert len(str(refused.value)) < 2_000


@pytest.mark.parametrize(
    "uri",
    [
        None,
        7,
        "",
        "wildfires/x/_manifest.json",
        "http://lake/wildfires/x/_manifest.json",
        "s3://lake/wildfires/x/_manifest.json?versionId=1",
        "s3://user:password@lake/wildfires/x/_manifest.json",
        "s3://lake/wildfires/_manifest.json",
        "s3://lake/wildfires/../_manifest.json",
        "s3://lake/wildfires/x/y/_manifest.json",
        "s3://lake/wildfires/x/_manifest.json\n",
        "s3://LAKE/wildfires/x/_manifest.json",
        's3://lake/wildfires"; DROP SCHEMA x/x/_manifest.json',
        "s3://lake/another_dataset/x/_manifest.json",
    ],
)
def test_an_address_that_leads_elsewhere_is_refused(uri):
    with pytest.raises(BadSettings):
        Address.parse(uri)
