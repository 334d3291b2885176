"""Objects appear whole or not at all, in a real store; its errors have names."""

import hashlib

import minio
import pytest
import urllib3
from botocore.credentials import Credentials

from include.transfer.errors import DocumentTooLarge, StoreRefused, StoreUnavailable
from include.transfer.store.bucket import Bucket
from include.transfer.store.client import connect
from include.transfer.store.options import RoleKeys, Settings
from include.transfer.store.upload import PART_BYTES
from tests.servers.ports import free_port
from tests.servers.raw_http import RawServer
from tests.servers.s3_gate import S3Answer, S3Gate

SIZES = [0, 1, PART_BYTES - 1, PART_BYTES, PART_BYTES + 1, 2 * PART_BYTES, 2 * PART_BYTES + 12_345]


def pieces_of(data, size=700_001):
    return iter([data[i : i + size] for i in range(0, len(data), size)])


def uploads_of(store, bucket):
    """What is left of uploads that were neither ended nor aborted."""
    return store.client()._list_multipart_uploads(bucket.name).uploads


@pytest.mark.parametrize("size", SIZES)
def test_what_goes_in_comes_out(bucket, size):
    data = bytes(range(251)) * (size // 251 + 1)
    data = data[:size]
    stored = bucket.put_stream("a/b", pieces_of(data))
    assert (stored.bytes, stored.sha256) == (size, hashlib.sha256(data).hexdigest())
    assert b"".join(bucket.get("a/b")) == data
    found = bucket.head("a/b")
    assert (found.bytes, found.etag) == (size, stored.etag)
    assert [(o.key, o.bytes, o.etag) for o in bucket.objects("a/")] == [("a/b", size, stored.etag)]


@pytest.mark.parametrize("pieces", [[b"", b"a", b"", b"b" * 300, b""], [b"x" * (3 * PART_BYTES + 5)]])
def test_pieces_of_any_size(bucket, pieces):
    stored = bucket.put_stream("k", iter(pieces))
    assert b"".join(bucket.get("k")) == b"".join(pieces)
    assert stored.bytes == sum(map(len, pieces))


class Stopped(BaseException):
    """As a task's time-out: no Exception."""


@pytest.mark.parametrize("error", [ValueError("no"), Stopped("time is up"), KeyboardInterrupt()])
@pytest.mark.parametrize("parts", [0, 2])
def test_an_error_among_the_pieces_leaves_nothing(store, bucket, error, parts):
    def pieces():
        yield b"x" * (parts * PART_BYTES + 5)
        yield b"y"
        raise error

    with pytest.raises(type(error)) as raised:
        bucket.put_stream("k", pieces())
    assert raised.value is error
    assert bucket.head("k") is None
    assert uploads_of(store, bucket) == []


def test_an_error_leaves_what_was_there_before(bucket):
    bucket.put_stream("k", iter([b"old"]))

    def pieces():
        yield b"x" * (PART_BYTES + 5)
        raise ValueError("no")

    with pytest.raises(ValueError, match=r"^no$"):
        bucket.put_stream("k", pieces())
    assert b"".join(bucket.get("k")) == b"old"


def test_what_is_not_there(bucket):
    assert bucket.head("none") is None
    assert list(bucket.get("none")) == []
    assert bucket.get_json("none") is None
    assert list(bucket.objects("none")) == []
    bucket.delete("none")


@pytest.mark.parametrize("text", [b"", b'{"torn": ', b"\xff", b"not json"])
def test_json_that_is_none(bucket, text):
    bucket.put_stream("k", iter([text]))
    assert bucket.get_json("k") is None


def test_json(bucket):
    value = {"a": [1, None, "é"], "b": {}}
    bucket.put_json("k", value)
    assert bucket.get_json("k") == value


def client_of(store, **changes):
    settings = {"endpoint": store.endpoint.removeprefix("http://"), "access_key": store.access_key}
    settings |= {"secret_key": store.secret_key, "region": "us-east-1", "secure": False, **changes}
    return minio.Minio(**settings, http_client=urllib3.PoolManager(retries=False, timeout=5))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"access_key": "nobody"}, "access key .* is unknown|AccessDenied|InvalidAccessKeyId"),
        ({"secret_key": "wrong-canary"}, "secret key .* is wrong"),
    ],
)
def test_wrong_keys(store, bucket, changes, says):
    wrong = Bucket(client_of(store, **changes), bucket.name)
    for call in (
        lambda: wrong.put_stream("k", iter([b"x"])),
        lambda: wrong.put_json("k", 1),
        lambda: list(wrong.objects("")),
    ):
        with pytest.raises(StoreRefused, match=says) as raised:
            call()
        assert "canary" not in str(raised.value)
    for call in (lambda: wrong.head("k"), lambda: list(wrong.get("k")), lambda: wrong.delete("k")):
        with pytest.raises(StoreRefused, match="the store answered"):
            call()


def test_no_such_bucket(store):
    missing = Bucket(store.client(), "nowhere-to-be-found")
    with pytest.raises(StoreRefused, match=r"s3://nowhere-to-be-found/k.*NoSuchBucket.*create the bucket"):
        missing.put_stream("k", iter([b"x" * (PART_BYTES + 1)]))


def test_a_store_that_is_down(store):
    down = Bucket(client_of(store, endpoint=f"127.0.0.1:{free_port()}"), "any-bucket")
    for call in (
        lambda: down.put_stream("k", iter([b"x"])),
        lambda: down.head("k"),
        lambda: list(down.get("k")),
        lambda: list(down.objects("")),
        lambda: down.delete("k"),
    ):
        with pytest.raises(StoreUnavailable, match="no connection to the store"):
            call()


def test_what_is_no_store(source):
    served = source([])
    wrong = Bucket(connect(served.url, "us-east-1", ("a", "b", None)), "any-bucket")
    with pytest.raises(StoreRefused, match=r"endpoint_url|store answered"):
        list(wrong.objects(""))


def test_a_document_that_no_reader_would_take_is_not_written(bucket, monkeypatch):
    monkeypatch.setattr("include.transfer.store.bucket.LARGEST_JSON_BYTES", 1_000)
    bucket.put_json("small.json", ["x" * 900])
    assert bucket.get_json("small.json") is not None
    with pytest.raises(DocumentTooLarge) as refused:
        bucket.put_json("large.json", ["x" * 1_000])
    assert "batch_size" in refused.value.fix
    assert bucket.head("large.json") is None


HALF = b"<ListBucketResult><Name>b</Name><Contents><Key>k</Key>"


@pytest.mark.parametrize(
    "answer",
    [
        S3Answer(body=HALF),
        S3Answer(body=HALF, cut=True),
        S3Answer(body=b""),
        S3Answer(body=b"\xff\xfe"),
        S3Answer(body=b"<!doctype html><p>Sign in", content_type="text/html"),
        S3Answer(body=b"<html><body>Sign in</body></html>", content_type="text/html"),
        S3Answer(502, b"<html>Bad gateway</html>", "text/html"),
    ],
)
def test_a_listing_that_is_cut_short_or_a_page_is_asked_for_again(answer):
    with S3Gate(answer=lambda _: answer) as gate:
        bucket = Bucket(connect(gate.url, "us-east-1", ("a", "b", None), patient=False), "things")
        for listing in (bucket.objects, bucket.folders):
            with pytest.raises(StoreUnavailable) as unavailable:
                list(listing("x/"))
            assert "endpoint_url" in unavailable.value.fix


LISTINGS = {
    "objects": lambda bucket: list(bucket.objects("x/")),
    "folders": lambda bucket: list(bucket.folders("x/")),
}


def page(*keys, token=None, more=True):
    contents = "".join(f"<Contents><Key>x/{key}</Key><Size>1</Size></Contents>" for key in keys)
    following = "" if token is None else f"<NextContinuationToken>{token}</NextContinuationToken>"
    told = f"<IsTruncated>{str(more).lower()}</IsTruncated>{following}{contents}"
    return S3Answer(body=f"<ListBucketResult><Name>things</Name>{told}</ListBucketResult>".encode())


def listing(answers):
    """A bucket whose store gives these answers to one LIST after the other, the last again and again."""
    left = list(answers)
    gate = S3Gate(answer=lambda _: left.pop(0) if len(left) > 1 else left[0])
    return gate, Bucket(connect(gate.url, "us-east-1", ("a", "b", None), patient=False), "things")


@pytest.mark.parametrize("names", LISTINGS)
@pytest.mark.parametrize(
    "answers",
    [
        [page("a", token="t")],
        [page("a", token="t"), page("b", token="u"), page("a", token="t")],
        [page(token="t")],
        [page("a")],
        [page()],
    ],
)
def test_a_listing_that_goes_in_a_circle(names, answers):
    gate, bucket = listing(answers)
    with gate, pytest.raises(StoreRefused, match="does not end") as refused:
        LISTINGS[names](bucket)
    assert refused.value.where == "LIST s3://things/x/"
    assert refused.value.fix
    assert len(gate.seen) <= len(answers) + 2


def test_a_listing_longer_than_any_of_ours(monkeypatch):
    monkeypatch.setattr("include.transfer.store.listing.MOST_PAGES", 5)
    gate, bucket = listing(page(token=f"t{n}") for n in range(9))
    with gate, pytest.raises(StoreRefused, match="does not end"):
        LISTINGS["objects"](bucket)
    assert len(gate.seen) == 5


def test_a_page_of_a_listing_that_never_ends():
    def answer(_):
        yield b"HTTP/1.1 200 OK\r\nContent-Type: application/xml\r\n\r\n<ListBucketResult>"
        while True:
            yield b" " * (1 << 20)

    with RawServer(answer) as server, pytest.raises(StoreRefused, match="does not end"):
        LISTINGS["objects"](
            Bucket(connect(server.url, "us-east-1", ("a", "b", None), patient=False), "things")
        )
    assert server.sent < 64 << 20


@pytest.mark.parametrize(
    "broken", [S3Answer(body=HALF, cut=True), S3Answer(body=HALF), S3Answer(body=b"<html>")]
)
def test_a_page_that_is_cut_short_once(broken):
    gate, bucket = listing([page("a", token="t/+ "), broken, page("b c", more=False)])
    with gate:
        assert [found.key for found in bucket.objects("x/")] == ["x/a", "x/b c"]
    assert [("continuation-token=t%2F%2B%20" in seen.query) for seen in gate.seen] == [False, True, True]


KEYS = ("AKIACANARY7F3A", "canary/7f3a+9c1e=55", "canary-token-7f3a")


@pytest.mark.parametrize("said", [*KEYS, "canary%2F7f3a%2B9c1e%3D55"])
@pytest.mark.parametrize(
    "answer",
    [
        lambda said: S3Answer(
            403, f"<Error><Code>{said}</Code><Message>no {said}</Message></Error>".encode()
        ),
        lambda said: S3Answer(
            503, f"<Error><Code>{said}</Code><Message>no {said}</Message></Error>".encode()
        ),
        lambda said: S3Answer(403, f"<html>no {said}</html>".encode(), "text/html"),
        lambda said: S3Answer(body=f"<a><Contents><Key>k</Key><Size>{said}</Size></Contents></a>".encode()),
    ],
)
@pytest.mark.parametrize("keys", [KEYS, RoleKeys(Credentials(*KEYS))], ids=["keys", "role"])
def test_a_store_that_repeats_a_key(said, answer, keys):
    with S3Gate(answer=lambda _: answer(said)) as gate:
        settings = Settings(gate.url, "us-east-1", keys)
        bucket = Bucket(connect(*settings, patient=False), "things", secrets=lambda: settings.secrets)
        with pytest.raises((StoreRefused, StoreUnavailable)) as raised:
            list(bucket.objects("x/"))
    error = raised.value
    assert "canary" not in str(error).lower()
    assert (error.__cause__, error.__suppress_context__) == (None, True)
