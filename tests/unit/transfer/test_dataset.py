"""Datasets: what is refused, what decides an object's content, how they cross as plain values."""

import json

import pytest

from include.transfer.dataset import Dataset
from include.transfer.errors import BadSettings
from include.wildfires import WILDFIRE_TYPES, WILDFIRES, WILDFIRES_PER_YEAR, WILDFIRES_SMALL

ALL = [WILDFIRES, WILDFIRES_SMALL, WILDFIRES_PER_YEAR, Dataset(name="things")]


@pytest.mark.parametrize("dataset", ALL, ids=lambda dataset: dataset.name)
def test_a_dataset_crosses_as_json(dataset):
    assert Dataset.from_dict(json.loads(json.dumps(dataset.to_dict()))) == dataset
    assert Dataset.from_dict(dataset.to_dict()).fingerprint == dataset.fingerprint


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"name": "Bad"}, "name is .*does not match"),
        ({"name": "a\n"}, "name is .*does not match"),
        ({"name": "../up"}, "name is .*does not match"),
        ({"bucket": "No Bucket"}, "bucket is .*does not match"),
        ({"format": "xml"}, "format is 'xml', not one of csv, ndjson, parquet"),
        ({"compression": "lz4"}, "compression is 'lz4'"),
        ({"csv_formulas": "run"}, "csv_formulas is 'run'"),
        ({"paging": "cursors"}, "paging is 'cursors'"),
        ({"paging": "page"}, "needs a size"),
        ({"total": "meta.total"}, "total is .*does not match"),
        ({"batch_size": 0}, "batch_size is 0"),
        ({"batch_size": "5000"}, "batch_size is '5000', not a whole number"),
        ({"batch_size": True}, "batch_size is True"),
        ({"query": {"state": None}}, "state is null"),
        ({"query": {"state": ["CA", None]}}, "state is null"),
        ({"count_query": "a=1"}, "count_query is .*not an object"),
        ({"requests_per_minute": -1}, "requests_per_minute is -1"),
        ({"paging": {"size": -1}}, "paging's size: it is -1"),
        ({"paging": {"style": "page", "first": True}}, "paging's first: it is True"),
        ({"paging": {"param": ""}}, "param is empty"),
        ({"types": {"a": "float"}}, "types has float"),
        ({"format": "parquet", "compression": "gzip"}, "set compression to none"),
    ],
)
def test_what_no_run_could_work_with(settings, says):
    with pytest.raises(BadSettings, match=says):
        Dataset(**{"name": "things", **settings})


def test_everything_wrong_is_said_at_once():
    with pytest.raises(BadSettings) as raised:
        Dataset(name="X", format="xml", batch_size=0)
    assert raised.value.got.count(";") == 2


def test_unknown_settings_are_refused_with_the_nearest_name_and_other_params_ignored():
    with pytest.raises(BadSettings, match=r"'batchsize' \(did you mean 'batch_size'\?\)"):
        Dataset.from_dict({"name": "things", "batchsize": 1})
    with pytest.raises(BadSettings, match=r"paging by page: unknown: 'sise' \(did you mean 'size'\?\)"):
        Dataset(name="things", paging={"style": "page", "sise": 1})
    with pytest.raises(BadSettings, match="no name"):
        Dataset.from_dict({"format": "csv"})
    chosen = Dataset.of_run({"name": "things"}, {"format": "ndjson", "force": True})
    assert (chosen.format, chosen.batch_size) == ("ndjson", 50_000)


@pytest.mark.parametrize(
    ("changes", "same"),
    [
        ({"batch_size": 7}, True),
        ({"bucket": "another"}, True),
        ({"rows_path": "/other"}, False),
        ({"query": {"a": 1}}, False),
        ({"format": "ndjson"}, False),
        ({"compression": "gzip"}, False),
        ({"types": {"a": "string"}}, False),
        ({"rows_key": "items"}, False),
        ({"csv_formulas": "quote"}, False),
        ({"paging": {"first": 1}}, False),
        ({"body": {}}, False),
        ({"body": None}, True),
        ({"duplicates": "allow"}, True),
        ({"total": "probe"}, True),
        ({"count_query": {"only": "n"}}, True),
        ({"count_accept": "text/plain"}, True),
        ({"requests_per_minute": 60}, True),
    ],
)
def test_the_fingerprint_names_what_an_object_holds(changes, same):
    changed = Dataset(**{"name": "things", **changes})
    assert (changed.fingerprint == Dataset(name="things").fingerprint) == same


@pytest.mark.parametrize(
    ("format", "compression", "suffix"),
    [
        ("csv", "none", ".csv"),
        ("csv", "gzip", ".csv.gz"),
        ("ndjson", "zstd", ".ndjson.zst"),
        ("parquet", "none", ".parquet"),
    ],
)
def test_suffix(format, compression, suffix):
    assert Dataset(name="things", format=format, compression=compression).suffix == suffix


def test_the_wildfires_have_37_columns():
    assert len(WILDFIRE_TYPES) == 37
    assert (WILDFIRE_TYPES["FOD_ID"], WILDFIRE_TYPES["FIPS_CODE"]) == ("int64", "string")


OUTSIDE = [
    "..",
    "../admin",
    "/rows/../../admin",
    "/rows/..",
    "/%2e%2e/admin",
    "/%2E./admin",
    "/%252e%252e/admin",
    "\\..\\admin",
    "/rows%5c..%5cadmin",
    "/..;a=b/admin",
    "/rows/..%2fadmin",
    "https://other.example/rows?key=s3cret",
    "HTTP://me:s3cret@other.example/rows",
    "//other.example/rows",
    "/%2fother.example/rows",
    "\\\\other.example\\rows",
]


@pytest.mark.parametrize("path", OUTSIDE)
@pytest.mark.parametrize("name", ["rows_path", "count_path"])
def test_a_path_that_leaves_the_connections_base_path(name, path):
    with pytest.raises(BadSettings, match=f"{name} leaves the base path") as refused:
        Dataset.of_run({"name": "x"}, {name: path})
    assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize(
    "path", ["", "/", "rows", "/v2/rows.json", "/a..b/...", "/rows?of=../x&next=https://a/", "/%7Eme/a:b"]
)
def test_a_path_below_it(path):
    assert Dataset(name="x", rows_path=path, count_path=path).rows_path == path
