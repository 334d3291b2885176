"""The client of the store: endpoints, keys that change, an authority of one's own."""

import base64
from dataclasses import dataclass

import certifi
import pytest

from include.transfer.errors import BadSettings, StoreRefused
from include.transfer.store.bucket import Bucket
from include.transfer.store.client import connect
from include.transfer.store.options import Options
from include.transfer.store.upload import PART_BYTES
from tests.servers.certificates import self_signed
from tests.servers.s3_gate import S3Answer, S3Gate

BUNDLES = ["AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"]
ENVIRONMENT = [
    *BUNDLES,
    *(
        name
        for lower in ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
        for name in (lower, lower.upper())
    ),
]
SEVEN_BYTES = S3Answer(
    headers={"ETag": '"e"', "Content-Length": "7", "Last-Modified": "Fri, 31 Dec 1999 23:59:59 GMT"}
)


@pytest.mark.parametrize(
    "endpoint",
    [
        "127.0.0.1:9000", "store", "ftp://store", "http://", "https:///x", "http://store/bucket", "http://store:port",
        "http://store:99999", "http://[::1", "http://me:canary@store:1", "http://store?x=1", "http://a b",
    ],
)  # fmt: skip
def test_endpoints_that_are_none(endpoint):
    with pytest.raises(BadSettings, match="endpoint_url") as raised:
        connect(endpoint, None, ("a", "b", None))
    assert "canary" not in str(raised.value)


@pytest.mark.parametrize(
    ("endpoint", "base"),
    [
        ("http://127.0.0.1:9000/", "http://127.0.0.1:9000"),
        ("https://store.example", "https://store.example"),
        ("http://[::1]:9000", "http://[::1]:9000"),
        (None, "https://s3.amazonaws.com"),
        ("", "https://s3.amazonaws.com"),
    ],
)
def test_endpoints(endpoint, base):
    client = connect(endpoint, "eu-west-1", ("a", "b", None))
    assert base.removeprefix("https://s3.") in client.get_presigned_url("GET", "things", "k")


def test_no_keys():
    with pytest.raises(BadSettings, match="no keys, and no role"):
        connect("http://127.0.0.1:1", None, None)


@dataclass
class Frozen:
    access_key: str
    secret_key: str
    token: str | None = None


class Role:
    """Keys as the AWS SDK renews them: others at every question."""

    def __init__(self, *keys):
        self.keys = list(keys)

    def get_frozen_credentials(self):
        return self.keys.pop(0) if len(self.keys) > 1 else self.keys[0]


def test_the_keys_of_a_role_are_asked_for_at_every_request(store, bucket_name):
    old, new = Frozen("expired", "expired"), Frozen(store.access_key, store.secret_key)
    bucket = Bucket(connect(store.endpoint, "us-east-1", Role(old, new)), bucket_name)
    with pytest.raises(StoreRefused, match=r"put|PUT"):
        bucket.put_json("k", 1)
    bucket.put_json("k", 1)
    assert bucket.get_json("k") == 1


@pytest.fixture
def distrusted(tmp_path, monkeypatch):
    """A store whose certificate no authority has signed; every object is there and has 7 bytes."""
    for name in ENVIRONMENT:
        monkeypatch.delenv(name, raising=False)
    with S3Gate(answer=lambda _: SEVEN_BYTES, tls=self_signed(tmp_path)) as gate:
        yield gate


def seen_through(endpoint, extra):
    client = connect(endpoint, "us-east-1", ("a", "b", None), Options.of(extra), patient=False)
    return Bucket(client, "things").head("k").bytes


def test_an_unknown_certificate_is_named_and_not_asked_for_again(distrusted, monkeypatch):
    waits = []
    monkeypatch.setattr("urllib3.Retry.sleep", lambda *_: waits.append(1))
    with pytest.raises(StoreRefused, match="certificate") as refused:
        seen_through(distrusted.url, {})
    assert "verify" in refused.value.fix
    assert waits == []


@pytest.mark.parametrize("name", BUNDLES)
def test_an_authority_of_the_environment(distrusted, tmp_path, monkeypatch, name):
    monkeypatch.setenv(name, str(tmp_path / "cert.pem"))
    assert seen_through(distrusted.url, {}) == 7
    assert seen_through(distrusted.url, {"verify": True}) == 7


@pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")
@pytest.mark.parametrize("verify", [False, "false", "cert.pem"])
@pytest.mark.parametrize("name", [*BUNDLES, None])
def test_the_connections_verify_wins(distrusted, tmp_path, monkeypatch, name, verify):
    if name:
        monkeypatch.setenv(name, certifi.where())
    verify = str(tmp_path / verify) if verify == "cert.pem" else verify
    assert seen_through(distrusted.url, {"verify": verify}) == 7


@pytest.mark.parametrize(
    "extra", [{"verify": "/nowhere/s3cret.pem"}, {"config_kwargs": {"client_cert": "/s3cret"}}]
)
def test_files_that_are_not_there(extra):
    with pytest.raises(BadSettings) as refused:
        seen_through("https://127.0.0.1:1", extra)
    assert "s3cret" not in str(refused.value)
    assert "PEM" in refused.value.fix


def through_proxy(gate, extra):
    """The host that a proxy is asked for: no resolver knows it."""
    assert seen_through("http://store.example.invalid:8333", extra) == 7
    return gate.seen[-1].host


@pytest.fixture
def proxy(monkeypatch):
    for name in ENVIRONMENT:
        monkeypatch.delenv(name, raising=False)
    with S3Gate(answer=lambda _: SEVEN_BYTES) as gate:
        yield gate


@pytest.mark.parametrize("name", ["http_proxy", "HTTP_PROXY"])
def test_the_proxy_of_the_environment(proxy, monkeypatch, name):
    monkeypatch.setenv(name, proxy.url)
    assert through_proxy(proxy, {}) == "store.example.invalid:8333"


@pytest.mark.parametrize("name", ["http_proxy", "no_proxy"])
def test_the_connections_proxy_wins(proxy, monkeypatch, name):
    monkeypatch.setenv(name, {"http_proxy": "http://127.0.0.1:9", "no_proxy": "*"}[name])
    extra = {"config_kwargs": {"proxies": {"http": proxy.url.replace("//", "//me:p%40ss@")}}}
    assert through_proxy(proxy, extra) == "store.example.invalid:8333"
    assert base64.b64decode(proxy.seen[-1].headers["proxy-authorization"].split()[1]) == b"me:p@ss"


def test_hosts_without_the_environments_proxy(proxy, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert seen_through(proxy.url, {}) == 7


@pytest.mark.parametrize(
    ("style", "host", "path"),
    [
        ("virtual", "things.store.example.invalid:8333", "/k"),
        ("path", "store.example.invalid:8333", "/things/k"),
        ("auto", "store.example.invalid:8333", "/things/k"),
    ],
)
def test_where_the_buckets_name_stands(proxy, style, host, path):
    config = {"s3": {"addressing_style": style}, "proxies": {"http": proxy.url}}
    through_proxy(proxy, {"config_kwargs": config})
    assert (proxy.seen[-1].host, proxy.seen[-1].path) == (host, path)


@pytest.mark.parametrize(
    "extra",
    [
        {"verify": 7},
        {"verify": ["s3cret"]},
        {"config_kwargs": "s3cret"},
        {"config_kwargs": {"proxies": "s3cret"}},
        {"config_kwargs": {"proxies": {"http": 7}}},
        {"config_kwargs": {"proxies": {"http": "socks5://s3cret:1"}}},
        {"config_kwargs": {"proxies": {"http": "http://me:s3cret@"}}},
        {"config_kwargs": {"proxies": {"http": "http://[::s3cret"}}},
        {"config_kwargs": {"client_cert": ["a", "b", "s3cret"]}},
        {"config_kwargs": {"s3": {"addressing_style": "s3cret"}}},
        {"service_config": ["s3cret"]},
        {"service_config": {"s3": {"extra_args": {"ACL": "s3cret"}}}},
        {"service_config": {"s3": {"extra_args": {"StorageClass": 7}}}},
        {"service_config": {"s3": {"extra_args": {"StorageClass": "s3cret\n"}}}},
    ],
)
def test_options_that_cannot_be(extra):
    with pytest.raises(BadSettings) as refused:
        connect("http://127.0.0.1:1", None, ("a", "b", None), Options.of(extra))
    assert "s3cret" not in str(refused.value)


def test_what_is_written_is_encrypted_and_of_a_class():
    """Every object, in one piece or in parts; its ETag need not be an MD5."""
    written = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": "a-key", "StorageClass": "STANDARD_IA"}
    options = Options.of({"service_config": {"s3": {"extra_args": written}}})
    etag = {"ETag": '"of-an-encrypted-object"'}
    begun = b"<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>"
    ended = b"<CompleteMultipartUploadResult><ETag>e</ETag></CompleteMultipartUploadResult>"

    def answer(request):
        if request.method == "POST":
            return S3Answer(body=begun if request.query == "uploads=" else ended)
        return S3Answer(headers=etag)

    with S3Gate(answer=answer) as gate:
        client = connect(gate.url, "us-east-1", ("a", "b", None), options, patient=False)
        bucket = Bucket(client, "things", options.put_headers)
        assert bucket.put_json("k", 1).etag == "of-an-encrypted-object"
        assert bucket.put_stream("k", iter([bytes(PART_BYTES), b"1"])).bytes == PART_BYTES + 1
    beginnings = [request.headers for request in gate.seen if request.query in ("", "uploads=")]
    assert len(beginnings) == 2
    for headers in beginnings:
        assert headers["x-amz-server-side-encryption"] == "aws:kms"
        assert headers["x-amz-server-side-encryption-aws-kms-key-id"] == "a-key"
        assert headers["x-amz-storage-class"] == "STANDARD_IA"


@pytest.mark.parametrize(("region", "signed"), [(None, "us-east-1"), ("", "us-east-1"), ("eu-1", "eu-1")])
def test_the_buckets_location_is_not_asked_for(region, signed):
    with S3Gate(answer=lambda _: SEVEN_BYTES) as gate:
        client = connect(gate.url, region, ("a", "b", None), patient=False)
        assert Bucket(client, "things").head("k").bytes == 7
    (asked,) = gate.seen
    assert f"/{signed}/s3/" in asked.headers["authorization"]
