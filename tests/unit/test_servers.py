"""The tests' own servers do what their names say: a fault that does not happen would prove nothing."""

import gzip
import json
import socket
import tracemalloc

import minio
import pytest
import requests

from tests.servers.faults import Fault

ROWS = [{"id": index, "name": f'fire {index} \u2013 a "b"\nc'} for index in range(7)]


def rows_of(source, **query):
    return requests.get(f"{source.url}/api/get", params=query, timeout=60)


def rows_url(source):
    return f"{source.url}/api/get"


@pytest.mark.parametrize("framing", ["length", "chunked"])
@pytest.mark.parametrize(
    "spacing",
    [
        {},
        {"separators": (", ", ": ")},
        {"indent": 2, "separators": (",", ": ")},
        {"ascii_only": True},
        {"offers_gzip": True},
    ],
)
def test_rows_come_back_as_given(source, framing, spacing):
    made = source(ROWS, framing=framing, **spacing)
    assert rows_of(made, start=2, limit=3).json() == ROWS[2:5]
    assert rows_of(made, start=6, limit=3).json() == ROWS[6:]
    assert rows_of(made, start=9, limit=3).json() == []
    assert rows_of(made).json() == ROWS


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("total_first", [True, False])
def test_envelope(source, indent, total_first):
    made = source(
        ROWS,
        rows_key="data.items",
        total_key="data.total",
        total_first=total_first,
        indent=indent,
        count_key="n.rows",
    )
    document = rows_of(made, start=0, limit=2).json()
    assert document == {"data": {"items": ROWS[:2], "total": 7}}
    assert next(iter(document["data"])) == ("total" if total_first else "items")
    assert requests.get(f"{made.url}/api/count", timeout=60).json() == {"n": {"rows": 7}}


def test_bare_count_total_header_and_version(source):
    made = source(ROWS, total_header="X-Total", version='"v1"')
    assert requests.get(f"{made.url}/api/count", timeout=60).text == "7"
    answer = rows_of(made)
    assert (answer.headers["X-Total"], answer.headers["ETag"]) == ("7", '"v1"')


def test_numbered_pages(source):
    made = source(ROWS, page_name="page", first_page=1)
    assert rows_of(made, page=2, page_size=3).json() == ROWS[3:6]
    assert rows_of(made, page=0, page_size=3).status_code == 422


def test_largest_limit(source):
    made = source(ROWS, largest_limit=3)
    assert rows_of(made, limit=5).json() == ROWS[:3]
    made.over_limit = "refuse"
    assert rows_of(made, limit=5).status_code == 422


def test_credentials(source):
    made = source(ROWS, bearer="secret")
    assert rows_of(made).status_code == 401
    assert requests.get(rows_url(made), headers={"Authorization": "Bearer secret"}, timeout=60).json() == ROWS
    made.bearer, made.basic = None, ("me", "pass")
    assert requests.get(rows_url(made), auth=("me", "wrong"), timeout=60).status_code == 401
    assert requests.get(rows_url(made), auth=("me", "pass"), timeout=60).json() == ROWS


def test_ndjson_for_those_who_accept_it(source):
    made = source(ROWS, offers_ndjson=True)
    answer = requests.get(rows_url(made), headers={"Accept": "application/x-ndjson"}, timeout=60)
    assert [json.loads(line) for line in answer.content.splitlines()] == ROWS
    assert rows_of(made).json() == ROWS


def test_requests_are_recorded_and_connections_kept(source):
    made = source(ROWS)
    with requests.Session() as session:
        for start in (0, 3):
            session.get(rows_url(made), params={"start": start}, headers={"X-Who": "me"}, timeout=60)
        assert [r.query for r in made.requests] == [{"start": "0"}, {"start": "3"}]
        assert {r.headers["x-who"] for r in made.requests} == {"me"}
        assert {(r.method, r.path, r.status) for r in made.requests} == {("GET", "/api/get", 200)}
        pools = session.get_adapter(made.url).poolmanager.pools
        assert [pools[key].num_connections for key in pools.keys()] == [1]  # noqa: SIM118 - not a dict


def test_many_rows_need_no_memory(source):
    made = source(lambda index: {"id": index, "pad": "x" * 100}, count=100_000)
    tracemalloc.start()
    with requests.get(rows_url(made), stream=True, timeout=60) as answer:
        size = sum(len(piece) for piece in answer.iter_content(65536))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert size > 10_000_000
    assert peak < 2_000_000


# Faults ------------------------------------------------------------------------------------------------


def test_a_fault_ends_after_its_times(source):
    made = source(ROWS)
    made.fault(Fault.status(429, Retry_After="7"), times=2)
    answers = [rows_of(made) for _ in range(3)]
    assert [a.status_code for a in answers] == [429, 429, 200]
    assert answers[0].headers["Retry-After"] == "7"
    assert [r.status for r in made.requests] == [429, 429, 200]


def test_a_fault_meets_only_whom_it_is_meant_for(source):
    made = source(ROWS).fault(Fault.status(500), times=None, when=lambda r: r.query.get("start") == "3")
    assert [rows_of(made, start=o).status_code for o in (0, 3, 3)] == [200, 500, 500]
    made.heal()
    assert rows_of(made, start=3).status_code == 200
    made.fault(Fault.status(503))
    assert requests.get(f"{made.url}/api/count", timeout=60).status_code == 200


def raw(source):
    """Every byte of one answer, and whether the connection was reset."""
    with socket.create_connection(("127.0.0.1", source.port), timeout=60) as connection:
        connection.sendall(b"GET /api/get HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        seen = b""
        try:
            while piece := connection.recv(65536):
                seen += piece
        except ConnectionResetError:
            return seen, True
        return seen, False


@pytest.mark.parametrize("framing", ["length", "chunked"])
@pytest.mark.parametrize("ending", ["reset", "close"])
def test_cut(source, framing, ending):
    made = source(ROWS, framing=framing).fault(Fault.cut(after=50, ending=ending))
    seen, was_reset = raw(made)
    body = seen.split(b"\r\n\r\n", 1)[1]
    if framing == "chunked":
        body = body.split(b"\r\n", 1)[1]
    assert body == json.dumps(ROWS, separators=(",", ":"), ensure_ascii=False).encode()[:50]
    assert was_reset is (ending == "reset")
    made.fault(Fault.cut(after=50, ending=ending))
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        rows_of(made)
    assert rows_of(made).json() == ROWS


def test_reset_before_any_answer(source):
    made = source(ROWS).fault(Fault.reset())
    assert raw(made) == (b"", True)
    assert made.requests[0].status is None


@pytest.mark.parametrize("after", [None, 0, 20])
def test_stall_holds_the_client_but_not_the_server(source, after):
    made = source(ROWS).fault(Fault.stall(after=after))
    with pytest.raises((requests.Timeout, requests.ConnectionError), match="timed out"):
        requests.get(rows_url(made), timeout=0.2)
    made.close()
    with pytest.raises(requests.ConnectionError):
        requests.get(rows_url(made), timeout=60)


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_drip(source, framing):
    made = source(ROWS, framing=framing).fault(Fault.drip(piece=100, pause=0.001))
    assert rows_of(made).json() == ROWS


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_bodies_that_are_not_what_they_should_be(source, framing):
    made = source(ROWS, framing=framing)
    for fault in (Fault.truncated(after=60), Fault.html(), Fault.empty(), Fault.invalid_utf8(after=40)):
        made.fault(fault)
    truncated, page, empty, invalid = (rows_of(made) for _ in range(4))
    assert truncated.content == rows_of(made).content[:60]
    assert (page.status_code, page.headers["Content-Type"]) == (200, "text/html")
    assert empty.content == b""
    assert b'{"\xff\xfe' in invalid.content
    with pytest.raises(UnicodeDecodeError):
        invalid.content.decode()


def test_gzip_cut(source):
    made = source(ROWS).fault(Fault.gzip_cut(after=30))
    with requests.get(rows_url(made), stream=True, timeout=60) as answer:
        packed = answer.raw.read(decode_content=False)
    assert len(packed) == 30
    with pytest.raises(EOFError):
        gzip.decompress(packed)


@pytest.mark.parametrize("by", [-5, 5])
def test_wrong_length(source, by):
    made = source(ROWS)
    right = rows_of(made).content
    made.fault(Fault.wrong_length(by=by), times=2)
    seen, _ = raw(made)
    head, body = seen.split(b"\r\n\r\n", 1)
    assert f"Content-Length: {len(right) + by}".encode() in head
    assert body == right


def test_redirects(source):
    made, other = source(ROWS), source([])
    made.fault(Fault.redirect(), times=None)
    with pytest.raises(requests.TooManyRedirects):
        rows_of(made)
    made.heal()
    made.fault(Fault.redirect(to=f"{other.url}/api/get"))
    assert rows_of(made).json() == []


def test_other_rows_and_versions(source):
    made = source(ROWS, version="v1")
    for fault in (
        Fault.fewer_rows(2),
        Fault.more_rows(2),
        Fault.columns(rename={"name": "title"}, drop=["id"], add={"x": 1}, from_row=1),
        Fault.version("v2"),
    ):
        made.fault(fault)
    fewer, more, columns, version = (rows_of(made) for _ in range(4))
    assert fewer.json() == ROWS[:5]
    assert more.json() == [*ROWS, ROWS[-1], ROWS[-1]]
    assert [list(row) for row in columns.json()] == [["id", "name"]] + [["title", "x"]] * 6
    assert version.headers["ETag"] == "v2"
    assert rows_of(made).headers["ETag"] == "v1"


def test_a_source_that_changes_and_one_that_lies(source):
    made = source(ROWS, count=9)
    assert requests.get(f"{made.url}/api/count", timeout=60).text == "9"
    assert rows_of(made, start=5, limit=4).json() == ROWS[5:]
    made.rows, made.count = ROWS[:3], None
    assert rows_of(made).json() == ROWS[:3]


# The store ---------------------------------------------------------------------------------------------


def test_a_bucket_of_ones_own(store, bucket_name):
    client = store.client()
    assert list(client.list_objects(bucket_name)) == []
    assert bucket_name in {bucket.name for bucket in client.list_buckets()}


def test_the_store_refuses_strangers(store, bucket_name):
    stranger = minio.Minio(
        store.endpoint.removeprefix("http://"),
        access_key="who",
        secret_key="knows",
        secure=False,
        region="us-east-1",
    )
    with pytest.raises(minio.S3Error):
        list(stranger.list_objects(bucket_name))
