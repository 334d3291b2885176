"""The client of the store: endpoints, keys that change, an authority of one's own."""

import datetime
import ipaddress
import ssl
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from include.transfer.errors import BadSettings, StoreRefused, StoreUnavailable
from include.transfer.store.bucket import Bucket
from include.transfer.store.client import connect


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


def self_signed(folder):
    """A certificate for 127.0.0.1 that no authority knows, and its key."""
    x509 = pytest.importorskip("cryptography.x509", reason="makes a certificate")
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )


class Head(BaseHTTPRequestHandler):
    def do_HEAD(self):
        self.send_response(200)
        self.send_header("ETag", '"e"')
        self.send_header("Content-Length", "7")
        self.send_header("Last-Modified", "Fri, 31 Dec 1999 23:59:59 GMT")
        self.end_headers()

    def log_message(self, *_):
        pass


def test_an_authority_of_ones_own(tmp_path, monkeypatch):
    self_signed(tmp_path)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Head)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.handle_error = lambda *_: None
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    endpoint = f"https://127.0.0.1:{server.server_port}"
    # The waits between attempts are the client's own; a certificate does not become trusted by waiting.
    monkeypatch.setattr("urllib3.Retry.sleep", lambda *_: None)
    try:
        monkeypatch.delenv("SSL_CERT_FILE", raising=False)
        with pytest.raises(StoreUnavailable, match="SSL"):
            Bucket(connect(endpoint, "us-east-1", ("a", "b", None)), "things").head("k")
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert.pem"))
        found = Bucket(connect(endpoint, "us-east-1", ("a", "b", None)), "things").head("k")
        assert (found.bytes, found.etag) == (7, "e")
    finally:
        server.shutdown()
        server.server_close()
