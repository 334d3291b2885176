"""The store's other ports: any page in a browser reaches 127.0.0.1, and must not reach the lake."""

import io

import httpx
import pytest

BUCKET = "inner-ports"
PAGE = {"Origin": "http://a-page.example", "Access-Control-Request-Method": "PUT"}


@pytest.fixture(scope="module")
def lake(store):
    client = store.client()
    client.make_bucket(BUCKET)
    client.put_object(BUCKET, "kept", io.BytesIO(b"kept"), 4)
    yield store
    client.remove_object(BUCKET, "kept")
    client.remove_bucket(BUCKET)


@pytest.fixture(scope="module")
def ports(lake):
    master, volume, filer, _ = lake.seaweed.inner_ports[4:]
    return {"master": master, "volume": volume, "filer": filer, "s3": lake.seaweed.s3_port}


def ask(port: int, method: str, path: str) -> httpx.Response:
    content = b"written" if method in ("PUT", "POST") else None
    return httpx.request(
        method, f"http://127.0.0.1:{port}{path}", headers=PAGE, content=content, trust_env=False
    )


@pytest.mark.parametrize(
    ("server", "method", "path"),
    [
        ("filer", "GET", f"/buckets/{BUCKET}/kept"),
        ("filer", "GET", "/buckets/"),
        ("filer", "PUT", f"/buckets/{BUCKET}/new"),
        ("filer", "DELETE", f"/buckets/{BUCKET}/kept"),
        ("filer", "OPTIONS", f"/buckets/{BUCKET}/kept"),
        ("master", "GET", "/dir/assign"),
        ("master", "POST", "/submit"),
        ("master", "GET", f"/col/delete?collection={BUCKET}"),
        ("volume", "GET", "/1,01637037d6"),
        ("volume", "PUT", "/1,01637037d6"),
        ("volume", "DELETE", "/1,01637037d6"),
        ("s3", "GET", f"/{BUCKET}/kept"),
    ],
)
def test_no_port_reads_or_writes_without_a_key(lake, ports, server, method, path):
    assert ask(ports[server], method, path).status_code in (401, 403, 404)
    response = lake.client().get_object(BUCKET, "kept")
    try:
        assert response.read() == b"kept"
    finally:
        response.close()
        response.release_conn()


def test_no_page_of_another_site_may_read_the_stores_answers(ports):
    for method in ("OPTIONS", "GET"):
        answer = ask(ports["s3"], method, f"/{BUCKET}/kept")
        assert "access-control-allow-origin" not in answer.headers


def test_signing_keys_are_on_no_command_line(lake):
    keys = [value for name, value in lake.seaweed.environment().items() if "JWT" in name]
    assert len(keys) == 4
    assert not set(keys) & set(" ".join(lake.seaweed.command()).split("="))
