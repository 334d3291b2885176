"""The doctor finds what is wrong, says what to do, and leaves nothing behind."""

import re

import pytest

from include.doctor import Finding, check_parser, check_source, check_store
from include.transfer.bucket import Bucket
from tests.servers.faults import Fault
from tests.unit.transfer.conftest import open_api

ROWS = [{"id": n, "name": "x"} for n in range(10)]


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"page_size": 3},
        {"paging": "page", "offset_param": "page", "limit_param": "page_size", "page_size": 4},
    ],
)
def test_a_good_source(source, settings):
    pages = {"page_name": "page", "first_page": 1} if "paging" in settings else {}
    found = list(
        check_source(open_api(source(ROWS, version='"v1"', **pages), version_header="ETag", **settings))
    )
    assert [str(finding) for finding in found] == ["count: 10 rows, version v1", "first row: 2 columns"]


def test_an_empty_source(source):
    assert [f.fix for f in check_source(open_api(source([])))] == [""]


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (Fault.status(401), "401"),
        (Fault.status(500), "500"),
        (Fault.html(), "HTML|not JSON"),
        (Fault.reset(), "reset|asked|broke"),
    ],
)
def test_a_bad_source(source, fault, says):
    for when in (lambda r: True, lambda r: r.asks_for == "rows"):
        *_, last = check_source(open_api(source(ROWS).fault(fault, times=None, when=when)))
        assert last.fix == "correct the connection or the dataset"
        assert re.search(says, last.found)


def test_a_good_store(store, bucket_name):
    bucket = Bucket(store.client(), bucket_name)
    found = list(check_store(bucket))
    assert [f.check for f in found] == ["put", "head", "get", "list", "multipart", "delete", "gone"]
    assert not any(f.fix for f in found)
    assert list(bucket.objects("")) == []


def test_a_bad_store(store):
    (finding,) = check_store(Bucket(store.client(), "nowhere-to-be-found"))
    assert "NoSuchBucket" in finding.found
    assert "bucket" in finding.fix


def test_a_store_that_gives_back_something_else(store, bucket_name):
    class Forgetful(Bucket):
        def get(self, key):
            yield b"something else"

    bucket = Forgetful(store.client(), bucket_name)
    *_, last = check_store(bucket)
    assert (last.check, bool(last.fix)) == ("get", True)
    assert list(bucket.objects("")) == []


def test_the_parser():
    assert [f.fix for f in check_parser()] == ["", ""]


def test_a_finding_as_text():
    assert str(Finding("put", "works")) == "put: works"
    assert str(Finding("put", "fails", "do this")) == "put: fails; do this"
