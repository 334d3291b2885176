"""The endpoints' answers."""

import gzip
import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest

from include.wildfires import WILDFIRE_TYPES
from services.wildfires_api.generator import generate

MAX_LIMIT = 5_000
NDJSON = {"Accept": "application/x-ndjson"}
PLAIN = {"Accept-Encoding": "identity"}


@pytest.fixture(scope="module")
def client(serve: Callable, small_data: Path) -> Iterator[httpx.Client]:
    yield from _client(serve(small_data, "--max-limit", str(MAX_LIMIT)).url)


@pytest.fixture
def connect(serve: Callable) -> Iterator[Callable[[Path], httpx.Client]]:
    """Serves a folder and gives a client for it."""
    with ExitStack() as opened:
        yield lambda folder: opened.enter_context(contextmanager(_client)(serve(folder).url))


def _client(url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=url, headers=PLAIN, follow_redirects=True) as client:
        yield client


@pytest.fixture(scope="module")
def version(small_data: Path) -> str:
    return json.loads((small_data / "meta.json").read_text())["version"]


def test_counts_are_bare_numbers(client: httpx.Client) -> None:
    assert client.get("/api/count").content == b"20000"
    assert client.get("/api/count_small").content == b"20000"


@pytest.mark.parametrize("path", ["count", "count_small", "get?start=0&limit=1", "sample?limit=1"])
def test_every_answer_says_that_its_rows_are_generated(client: httpx.Client, path: str) -> None:
    said = client.get(f"/api/{path}").headers["Data-Provenance"]
    assert said.lower().startswith("generated")
    assert "seed 0" in said


def test_the_small_data_is_the_beginning_of_the_whole(
    tmp_path: Path, small_data: Path, connect: Callable
) -> None:
    folder = shutil.copytree(small_data, tmp_path / "a")
    meta = json.loads((folder / "meta.json").read_text())
    (folder / "meta.json").write_text(json.dumps(meta | {"small": 10}))
    client = connect(folder)
    assert client.get("/api/count_small").json() == 10
    assert (
        client.get("/api/get_small?start=8&limit=9").json() == client.get("/api/get?start=8&limit=2").json()
    )


def test_columns(client: httpx.Client) -> None:
    assert client.get("/api/get_columns").json() == list(WILDFIRE_TYPES)


@pytest.mark.parametrize(
    ("start", "limit"), [(0, 1), (0, 5_000), (19_999, 1), (19_990, 100), (123, 0), (7, 700)]
)
def test_rows_in_order_with_their_length(
    client: httpx.Client, rows: list[dict], start: int, limit: int
) -> None:
    answer = client.get("/api/get", params={"start": start, "limit": limit})
    assert answer.json() == rows[start : start + limit]
    assert int(answer.headers["Content-Length"]) == len(answer.content)
    assert answer.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize("path", ["/api/get", "/api/get_small"])
@pytest.mark.parametrize("start", [20_000, 10**30])
def test_beyond_the_end_there_are_no_rows(client: httpx.Client, path: str, start: int) -> None:
    assert client.get(path, params={"start": start, "limit": 5}).content == b"[]"
    assert client.get(path, params={"start": start, "limit": 5}, headers=NDJSON).content == b""


def test_ndjson_is_one_row_a_line(client: httpx.Client, rows: list[dict]) -> None:
    answer = client.get("/api/get?start=3&limit=1000", headers=NDJSON)
    assert [json.loads(line) for line in answer.content.splitlines()] == rows[3:1003]
    assert answer.content.endswith(b"\n")
    assert answer.headers["Content-Type"] == "application/x-ndjson"
    assert int(answer.headers["Content-Length"]) == len(answer.content)


@pytest.mark.parametrize("accepted", ["gzip", "br, gzip;q=0.5"])
def test_gzip_when_asked(client: httpx.Client, rows: list[dict], accepted: str) -> None:
    with client.stream("GET", "/api/get?start=0&limit=5000", headers={"Accept-Encoding": accepted}) as answer:
        packed = b"".join(answer.iter_raw())
    assert answer.headers["Content-Encoding"] == "gzip"
    assert json.loads(gzip.decompress(packed)) == rows[:5000]
    assert len(packed) < int(client.get("/api/get?start=0&limit=5000").headers["Content-Length"]) / 4


@pytest.mark.parametrize(
    "columns", [[("columns", "STATE"), ("columns", "FIRE_YEAR")], [("columns", "STATE, FIRE_YEAR,STATE")]]
)
def test_chosen_columns_in_the_order_asked(client: httpx.Client, rows: list[dict], columns: list) -> None:
    answer = client.get("/api/get_for_columns", params=[("start", "5"), ("limit", "1200"), *columns])
    expected = [{"STATE": row["STATE"], "FIRE_YEAR": row["FIRE_YEAR"]} for row in rows[5:1205]]
    assert answer.text == json.dumps(expected, separators=(",", ":"))


@pytest.mark.parametrize("columns", ["", "&columns=", "&columns=,"])
def test_without_columns_the_whole_rows_are_elsewhere(
    client: httpx.Client, rows: list[dict], columns: str
) -> None:
    answer = client.get(f"/api/get_for_columns?start=5&limit=2{columns}", follow_redirects=False)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/api/get?start=5&limit=2")
    assert client.get("/api/get_for_columns?start=5&limit=2").json() == rows[5:7]


def test_a_sample_is_decided_by_its_seed_and_repeats_no_row(client: httpx.Client, rows: list[dict]) -> None:
    first, again, other = (client.get(f"/api/sample?limit=900&seed={seed}").json() for seed in (1, 1, 2))
    assert first == again != other
    assert len({row["FOD_ID"] for row in first}) == 900
    assert all(row in rows for row in first[:20])


def test_a_sample_is_at_most_everything(tmp_path: Path, connect: Callable) -> None:
    generate(30, tmp_path / "a")
    assert len(connect(tmp_path / "a").get("/api/sample?limit=100").json()) == 30


def test_with_a_delay_the_rows_are_the_same(client: httpx.Client, rows: list[dict]) -> None:
    assert client.get("/api/get_with_delay?start=2&limit=3&delay=0").json() == rows[2:5]


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("get?limit=5", ["start: "]),
        ("get?start=0", ["limit: "]),
        ("get?start=-1&limit=5", ["start: ", "'-1'"]),
        ("get_small?start=0&limit=many", ["limit: ", "'many'"]),
        ("get?start=0&limit=5001", ["limit: ", "5001", "5000"]),
        ("sample?limit=5001", ["limit: ", "5001", "5000"]),
        ("get_for_columns?start=0&limit=5&columns=STATE,COLOUR", ["columns: ", "COLOUR"]),
        ("get_with_delay?start=0&limit=5&delay=61", ["delay: ", "'61'"]),
        ("get_with_delay?start=0&limit=5&delay=nan", ["delay: "]),
        ("get?start=-1&limit=x", ["start: ", "limit: "]),
    ],
)
def test_wrong_parameters_are_answered_with_their_names(
    client: httpx.Client, query: str, named: list[str]
) -> None:
    answer = client.get(f"/api/{query}")
    assert answer.status_code == 422
    assert all(part in answer.json()["detail"] for part in named)


PATHS = [
    "/api/count",
    "/api/count_small",
    "/api/get_columns",
    "/api/get?start=0&limit=2",
    "/api/get_small?start=0&limit=2",
    "/api/get_with_delay?start=0&limit=2&delay=0",
    "/api/get_for_columns?start=0&limit=2&columns=STATE",
    "/api/sample?limit=2",
]


@pytest.mark.parametrize("path", PATHS)
def test_every_answer_names_the_version(client: httpx.Client, version: str, path: str) -> None:
    for headers in ({}, NDJSON, {"Accept-Encoding": "gzip"}):
        assert client.get(path, headers=headers).headers["ETag"] == f'W/"{version}"'


@pytest.mark.parametrize("path", [*PATHS, "/", "/health"])
def test_head_has_the_headers_and_no_body(client: httpx.Client, path: str) -> None:
    head, get = client.head(path), client.get(path)
    assert (head.status_code, head.content) == (200, b"")
    for name in ("Content-Type", "Content-Length", "ETag"):
        assert head.headers.get(name) == get.headers.get(name)


@pytest.mark.parametrize("path", ["/api/count", "/api/count_small", "/api/get_columns"])
@pytest.mark.parametrize("known", ['W/"{}"', '"{}"', 'W/"other", W/"{}"', "*"])
def test_a_known_version_is_not_sent_again(client: httpx.Client, version: str, path: str, known: str) -> None:
    answer = client.get(path, headers={"If-None-Match": known.format(version)})
    assert (answer.status_code, answer.content) == (304, b"")
    assert answer.headers["ETag"] == f'W/"{version}"'


def test_another_version_is_sent(client: httpx.Client) -> None:
    assert client.get("/api/count", headers={"If-None-Match": 'W/"other"'}).json() == 20_000


def test_replaced_data_is_served_from_the_next_request_on(tmp_path: Path, connect: Callable) -> None:
    generate(30, tmp_path / "a")
    client = connect(tmp_path / "a")
    before = client.get("/api/count")
    generate(50, tmp_path / "a", seed=3)
    after = client.get("/api/count", headers={"If-None-Match": before.headers["ETag"]})
    assert (before.json(), after.json()) == (30, 50)
    assert before.headers["ETag"] != after.headers["ETag"]
    assert len(client.get("/api/get?start=0&limit=100").json()) == 50


def test_health(client: httpx.Client, version: str) -> None:
    assert client.get("/health").json() == {"status": "ok", "count": 20_000, "version": version}


def test_the_welcome_page_links_to_what_works(client: httpx.Client) -> None:
    page = client.get("/").text
    links = [part.split("'")[0] for part in page.split("href='")[1:]]
    assert len(links) == 11
    for link in links:
        assert client.get(f"/{link.removeprefix('.')}").status_code == 200, link


def test_the_description_covers_every_endpoint_once_and_needs_no_cdn(client: httpx.Client) -> None:
    described = client.get("/openapi.json").json()["paths"]
    assert {path.split("?")[0] for path in PATHS} | {"/", "/health"} == set(described)
    assert all(list(operations) == ["get"] for operations in described.values())
    assert client.get("/docs").status_code == 404
