"""The doctor finds what is wrong, says what to do, and leaves nothing behind."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
from minio import Minio

from include.transfer.diagnose import (
    Check,
    check_clock,
    check_disk,
    check_source,
    check_store,
    opening,
)
from include.transfer.errors import BadSettings
from include.transfer.store.bucket import Bucket
from tests.faults import weather as w
from tests.faults.proxy import Proxy
from tests.faults.weather import Weather
from tests.servers.faults import Fault
from tests.servers.ports import free_port
from tests.unit.transfer.conftest import open_api

PROJECT = Path(__file__).parents[3]
ROWS = [{"id": n, "name": "x"} for n in range(10)]


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"paging": {"size": 3}},
        {"paging": {"style": "page", "limit_param": "page_size", "size": 4}},
    ],
)
def test_a_good_source(source, settings):
    pages = {"page_name": "page", "first_page": 1} if "style" in settings.get("paging", ()) else {}
    found = list(
        check_source(open_api(source(ROWS, version='"v1"', **pages), version_header="ETag", **settings))
    )
    assert [str(f) for f in found][:2] == ["count: 10 rows, version v1", "first row: 2 columns"]
    assert [f.check for f in found][2:] == ["clock of the source"]
    assert not any(f.fix for f in found)


def test_an_empty_source(source):
    assert [f.fix for f in check_source(open_api(source([])))] == ["", ""]


@pytest.mark.parametrize(
    ("fault", "fix"),
    [
        (
            Fault.status(401),
            "correct login, password or the token in the extra of the connection wildfires_api",
        ),
        (Fault.status(404), "correct the host of the connection wildfires_api, or the dataset's count_path"),
        (Fault.status(500), "see that the API runs, and correct host and port of the connection"),
        (Fault.html(), "correct the dataset's total or rows_key, or the host"),
        (Fault.reset(), "see that the API runs, and correct host and port of the connection"),
    ],
    ids=["wrong key", "wrong path", "down", "a page", "reset"],
)
def test_a_bad_source(source, fault, fix):
    for when in (lambda r: True, lambda r: r.asks_for == "rows"):
        found = list(check_source(open_api(source(ROWS).fault(fault, times=None, when=when))))
        (wrong,) = [finding for finding in found if finding.fix]
        assert (wrong.check, wrong.fix[: len(fix)]) == ("source", fix)


def test_a_wrong_host():
    nowhere = type("Nowhere", (), {"url": f"http://127.0.0.1:{free_port()}"})
    (wrong,) = check_source(open_api(nowhere))
    assert "Connection refused" in wrong.found
    assert "correct host and port" in wrong.fix


def test_a_connection_that_is_missing():
    def missing():
        raise BadSettings("there is no connection x")

    (wrong,) = opening("store", missing, lambda opened: iter(()))
    assert str(wrong) == "store: there is no connection x; make or correct the connection"


def test_a_good_store(store, bucket_name):
    bucket = Bucket(store.client(), bucket_name)
    found = list(check_store(bucket, "locals3", store.endpoint))
    assert [f.check for f in found][:-1] == ["put", "head", "get", "list", "multipart", "delete", "gone"]
    assert found[-1].check == "clock of the store"
    assert not any(f.fix for f in found)
    assert list(bucket.objects("")) == []


def client(store, port=None, access=None, secret=None):
    return Minio(
        f"127.0.0.1:{port or store.seaweed.s3_port}",
        access_key=access or store.access_key,
        secret_key=secret or store.secret_key,
        secure=False,
        region="us-east-1",
    )


@pytest.mark.parametrize(
    ("keys", "bucket", "code", "fix"),
    [
        ({}, "nowhere-to-be-found", "NoSuchBucket", "create the bucket nowhere-to-be-found"),
        ({"access": "another"}, None, "InvalidAccessKeyId", "correct the keys (login, password) of locals3"),
        (
            {"secret": "another"},
            None,
            "SignatureDoesNotMatch",
            "correct the keys (login, password) of locals3",
        ),
    ],
)
def test_a_store_that_refuses(store, bucket_name, keys, bucket, code, fix):
    bucket = Bucket(client(store, **keys), bucket or bucket_name)
    wrong, *_ = check_store(bucket, "locals3", store.endpoint)
    assert (wrong.check, code in wrong.found, wrong.fix[: len(fix)]) == ("put", True, fix)


@pytest.mark.parametrize(
    ("kind", "check", "fix"),
    [
        (w.NO_PARTS, "multipart", "use a store that takes uploads in parts"),
        (w.DISK_FULL, "put", "make room in the store: its disk is full"),
    ],
)
def test_a_store_that_cannot(store, bucket_name, kind, check, fix):
    with Proxy(store.seaweed.s3_port) as proxy:
        proxy.weather = Weather("seed", (kind,), 1.0, repeats=99)
        bucket = Bucket(client(store, proxy.port), bucket_name)
        wrong = [f for f in check_store(bucket, "locals3", store.endpoint) if f.fix]
        assert [(f.check, f.fix[: len(fix)]) for f in wrong] == [(check, fix)]
    assert list(Bucket(store.client(), bucket_name).objects("")) == []


def test_a_store_that_is_not_there(store):
    bucket = Bucket(client(store, free_port()), "any")
    bucket._client._http.connection_pool_kw["retries"] = False
    wrong, *_ = check_store(bucket, "locals3", f"http://127.0.0.1:{free_port()}")
    assert wrong.fix == "see that the store runs, and correct endpoint_url of locals3"


def test_a_store_that_gives_back_something_else(store, bucket_name):
    class Forgetful(Bucket):
        def get(self, key):
            yield b"something else"

    bucket = Forgetful(store.client(), bucket_name)
    wrong = [finding for finding in check_store(bucket, "locals3", store.endpoint) if finding.fix]
    assert [finding.check for finding in wrong] == ["get"]
    assert list(bucket.objects("")) == []


@pytest.fixture
def clock():
    """A server whose clock is so many seconds ahead."""
    servers = []

    def serve(ahead):
        class Handler(BaseHTTPRequestHandler):
            def do_HEAD(self):
                self.send_response_only(403)
                if ahead is not None:
                    told = datetime.now(UTC) + timedelta(seconds=ahead)
                    self.send_header("Date", format_datetime(told, usegmt=True))
                self.end_headers()

            def log_message(self, *_):
                pass

        server = HTTPServer(("127.0.0.1", 0), Handler)
        Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}"

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(("ahead", "found"), [(3600, "behind"), (-600, "ahead")])
def test_clocks_that_differ(clock, ahead, found):
    (wrong,) = check_clock("store", clock(ahead))
    assert wrong.check == "clock of the store"
    assert found in wrong.found
    assert "timedatectl" in wrong.fix


def test_clocks_that_agree_or_tell_nothing(clock):
    assert [f.fix for f in check_clock("store", clock(0))] == [""]
    assert [f.found for f in check_clock("store", clock(None))] == ["it does not tell"]
    assert list(check_clock("store", f"http://127.0.0.1:{free_port()}")) == []


def test_the_disk(tmp_path):
    assert [f.fix for f in check_disk(tmp_path, 1)] == [""]
    (wrong,) = check_disk(tmp_path, 1 << 62)
    assert "are free at" in wrong.found
    assert "free at least" in wrong.fix


def test_a_finding_as_text():
    assert str(Check("put", "works")) == "put: works"
    assert str(Check("put", "fails", "do this")) == "put: fails; do this"
