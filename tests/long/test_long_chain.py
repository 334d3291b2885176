"""A chain of a million rows, whose copy is killed in the middle: exact, and in the memory of a short one."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from include.transfer.copy_chain import sealed
from include.transfer.store.bucket import Bucket
from include.transfer.store.keys import Prefix
from tests.project_files import PROJECT
from tests.servers.seaweedfs import Store
from tests.waiting import until

ROWS, PAGE = 1_000_000, 1_000
MOST_MB = 40.0  # more than for one answer
_COPY = """
import json, sys
from include.transfer.copy_chain import copy_chain
from include.transfer.dataset import Dataset
from include.transfer.memory import peak_rss_mb
from include.transfer.source.api import Api
from include.transfer.store.bucket import Bucket
from include.transfer.store.keys import Prefix
import requests
from minio import Minio

url, store, keys, bucket, run, rows = json.loads(sys.argv[1])
dataset = Dataset(
    name="long", total="none", rows_key="items", paging={"style": "cursor", "token": "body:next"},
    query={"rows": rows}, format="csv", batch_size=100_000,
)
client = Minio(store, *keys, secure=False)
last = copy_chain(Api(requests.Session(), url, dataset), Bucket(client, bucket), Prefix("long", run))
print(json.dumps([last.start + last.rows, peak_rss_mb()]))
"""


class Pages(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        query = parse_qs(urlsplit(self.path).query)
        at, rows = int(query.get("cursor", ["0"])[0]), int(query["rows"][0])
        items = [{"id": n, "name": f"row number {n}"} for n in range(at, min(rows, at + PAGE))]
        following = at + PAGE if at + PAGE < rows else None
        body = json.dumps({"items": items, "next": following}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def bucket(store: Store, bucket_name: str) -> Bucket:
    return Bucket(store.client(), bucket_name)


@pytest.fixture
def start(url, store, bucket):
    """Start the copy of a chain in a process of its own: it prints how many rows it reached, and its peak."""

    def started(run: str, rows: int) -> subprocess.Popen[str]:
        where = (store.endpoint.removeprefix("http://"), (store.access_key, store.secret_key), bucket.name)
        settings = json.dumps([url, *where, run, rows])
        return subprocess.Popen(
            [sys.executable, "-c", _COPY, settings], cwd=PROJECT, stdout=subprocess.PIPE, text=True
        )

    return started


def test_a_million_rows_with_a_kill_in_the_middle(start, bucket):
    prefix = Prefix("long", "run-1")
    short = json.loads(start("run-0", PAGE).communicate()[0])
    copying = start("run-1", ROWS)
    until(lambda: len(list(sealed(bucket, prefix))) >= 4)
    copying.kill()
    copying.communicate()
    before = list(sealed(bucket, prefix))
    assert 4 <= len(before) < 10
    reached, peak = json.loads(start("run-1", ROWS).communicate()[0])
    receipts = list(sealed(bucket, prefix))
    assert receipts[: len(before)] == before
    assert reached == ROWS
    assert peak < short[1] + MOST_MB
    ids = (
        int(line.partition(b",")[0])
        for receipt in receipts
        for line in b"".join(bucket.get(receipt.key)).splitlines()[1:]
    )
    assert all(found == wanted for found, wanted in zip(ids, range(ROWS), strict=True))
