"""The counting command, run by bash with curl as the task runs it: what it prints, and what it keeps back."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from include.transfer.dataset import Dataset
from include.transfer.errors import NotRows
from include.transfer.source import curl
from include.transfer.source.count import Count, read_printed
from tests.servers.faults import Fault
from tests.unit.transfer.conftest import open_api

PROJECT = Path(__file__).parents[3]
ROWS = [{"id": n} for n in range(25)]
ANY = {"times": None, "when": lambda request: True}


@pytest.fixture
def counting(tmp_path) -> Callable[..., subprocess.CompletedProcess]:
    if shutil.which("bash") is None:
        pytest.skip("needs bash, as @task.bash does")

    def count(source, headers=None, **settings) -> subprocess.CompletedProcess:
        api = open_api(source, **settings)
        api._session.headers.update(headers or {})
        environment = {curl.URL: api.count_url(), curl.HEADERS: api.curl_headers()}
        return subprocess.run(
            ["bash", "-c", curl.command(api.dataset, PROJECT)],
            env=os.environ | environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=100,
        )

    return count


def printed(done: subprocess.CompletedProcess) -> dict:
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_count_and_the_version_and_nothing_else(counting, source):
    served = source(ROWS, version='W/"v7"', count_key="meta.total")
    served.fault(
        Fault.status(200, '{"meta": {"total": 25}, "hint": "s3cret"}', ETag="v7", Set_Cookie="a=s3cret")
    )
    done = counting(served, total="body:meta.total", version_header="ETag")
    assert printed(done) == {"rows": 25, "version": "v7"}
    assert read_printed(done.stdout, Dataset(name="a")) == Count(25, "v7")
    assert "s3cret" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("shape", "settings"),
    [({}, {}), ({"total_header": "X-Total"}, {"total": "header:X-Total", "count_path": "/api/get"})],
)
def test_places_of_the_total(counting, source, shape, settings):
    assert printed(counting(source(ROWS, **shape), **settings)) == {"rows": 25, "version": None}


@pytest.mark.parametrize("fault", [Fault.reset(), Fault.status(503, "17"), Fault.wrong_length(9)])
def test_what_passes_is_asked_again(counting, source, fault):
    served = source(ROWS, version="v").fault(fault, when=lambda request: True)
    assert printed(counting(served, version_header="ETag")) == {"rows": 25, "version": "v"}


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (Fault.status(401), "SourceRefused: GET {url}/api/count: status 401; expected 200; check the login"),
        (
            Fault.status(404),
            "SourceRefused: GET {url}/api/count: status 404; expected 200; check the dataset",
        ),
        (Fault.status(503, Retry_After="3600"), "status 503; expected 200; it did not pass"),
        (Fault.redirect(), "status 302; expected 200; it redirects in a circle"),
        (Fault.html(), "NotRows: GET {url}/api/count: the count is not JSON: '<!doctype html>"),
        (Fault.empty(), "NotRows: GET {url}/api/count: the count is not JSON: ''"),
        (Fault.status(200, "-1"), "NotRows: GET {url}/api/count: body is '-1'"),
    ],
    ids=["401", "404", "503", "circle", "html", "empty", "negative"],
)
def test_what_is_no_count_is_named(counting, source, fault, says):
    served = source(ROWS).fault(fault, **ANY)
    done = counting(served)
    assert (done.returncode, done.stdout) == (1, "")
    assert says.format(url=served.url) in done.stderr


def test_nobody_there_is_curls_to_say(source, tmp_path):
    served = source(ROWS)
    served.close()
    # Six attempts with their waits: half a minute that proves nothing more than one does.
    quick = curl.command(Dataset(name="a"), PROJECT).replace("--retry 5", "--retry 1")
    done = subprocess.run(
        ["bash", "-c", quick],
        cwd=tmp_path,
        env=os.environ | {curl.URL: served.url, curl.HEADERS: ""},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 7
    assert "curl: (7)" in done.stderr


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_headers_follow_a_redirect_on_the_same_host_alone(counting, source, status):
    other = source(ROWS)
    same = source(ROWS).fault(Fault.redirect("/api/count?again=1", status), when=lambda request: True)
    sent = {"X-Api-Key": "s3cret", "Authorization": "Bearer s3cret"}
    assert printed(counting(same, sent))["rows"] == 25
    assert [request.headers.get("x-api-key") for request in same.requests] == ["s3cret"] * 2
    same.fault(Fault.redirect(f"{other.url}/api/count", status), when=lambda request: True)
    assert printed(counting(same, sent))["rows"] == 25
    (there,) = other.requests
    assert {"x-api-key", "authorization"} & set(there.headers) == set()


def test_a_secret_that_the_source_repeats_is_not_quoted(counting, source):
    served = source(ROWS).fault(
        Fault.status(200, '"the key s3cret-of-ours has expired, s3cret-of-yours too"'), **ANY
    )
    done = counting(served, {"X-Api-Key": "s3cret-of-ours"}, query={"token": "s3cret-of-yours"})
    assert done.returncode == 1
    assert "the key *** has expired" in done.stderr
    assert "s3cret" not in done.stdout + done.stderr


def test_neither_the_command_nor_an_argument_holds_the_url(source):
    api = open_api(source(ROWS), query={"api_key": "s3cret"})
    assert "s3cret" in api.count_url()
    text = curl.command(api.dataset, PROJECT)
    assert "s3cret" not in text
    assert "/api/count" not in text


@pytest.mark.parametrize(
    "text",
    ["", "17", "null", "[]", '{"rows": true, "version": null}', '{"rows": 1}', '{"rows": 1, "version": 2}'],
)
def test_a_printed_count_that_is_none(text):
    with pytest.raises(NotRows, match="expected its rows and version"):
        read_printed(text, Dataset(name="things"))
