"""`probe`: the settings that it finds copy every row once, whatever the style of a server, or it says why."""

import ast
import json
import os
import subprocess
import sys
import uuid
from typing import ClassVar

import pytest

from include.transfer.dataset import Dataset
from include.transfer.errors import Fatal, NotRows, SourceRefused, SourceUnavailable, TransferError
from include.transfer.probe.search import probe
from include.transfer.probe.written import dag_file
from include.transfer.run import run
from include.transfer.source.api import Api
from include.transfer.source.endpoint import Endpoint
from include.transfer.source.styles import PAGINGS
from include.transfer.store.bucket import Bucket
from include.transfer.store.keys import Prefix
from tests.airflow_home import PROJECT
from tests.conformance import chains, styles, totals
from tests.conformance.styles import Served
from tests.conformance.test_styles import decoded, stored
from tests.servers.faults import Fault
from tests.unit.transfer.conftest import IMPATIENT

RUN = "20260101T000000-aaaa"
ENVELOPE = {"rows_path": "/fires", "rows_key": "data.items", "total_key": "meta.total"}
HONEST = styles.HONEST + totals.HONEST + chains.HONEST
LYING = styles.LYING + totals.LYING + chains.LYING
NO_ROWS = {chains.HasNoRows}  # columns and paging are read from rows


@pytest.fixture(scope="module")
def bucket(store):
    """One for all styles: each has a dataset of its own."""
    name = f"probe-{uuid.uuid4().hex[:8]}"
    store.client().make_bucket(name)
    yield Bucket(store.client(), name)
    store.client().remove_bucket(name)


def fire(n):
    return {"id": n, "name": f"näme {n}", "acres": n / 7, "tags": [n]}


def served_rows(served):
    return [decoded(served.style.text(row)) for row in served.style.rows]


def probed(served, path="/api/get"):
    return probe(Endpoint(served.url, trust_env=False), path, patience=IMPATIENT)


def copied(served, settings, bucket):
    endpoint = Endpoint(served.url, trust_env=False)
    dataset = Dataset.from_dict(settings, {"name": f"d-{uuid.uuid4().hex[:8]}", "format": "ndjson"})
    run(Api(endpoint.session(), served.url, dataset, IMPATIENT), bucket, RUN)
    return stored(bucket, Prefix(dataset.name, RUN))


@pytest.mark.parametrize("style", [s for s in HONEST if s not in NO_ROWS], ids=lambda style: style.__name__)
def test_what_it_finds_copies_every_row_once(style, bucket):
    with Served(style()) as served:
        path = "/api/get?cursor=*" if style is chains.NamesANextOneForEver else "/api/get"
        found = probed(served, path)
        assert copied(served, json.loads(json.dumps(found.settings)), bucket) == served_rows(served)


class WithoutACount(Served):
    """The same server, which has no path for the number of its rows."""

    def take_fault(self, request):
        fault = super().take_fault(request)
        return fault if request.asks_for == "rows" else Fault.status(404)


@pytest.mark.parametrize(
    ("style", "paging"),
    [
        (chains.Chain, {"style": "cursor", "token": "body:next", "param": "cursor"}),
        (chains.NamesTheNextInAHeader, {"style": "cursor", "token": "header:X-Next", "param": "cursor"}),
        (
            chains.ContinuesBehindARow,
            {"style": "cursor", "token": "row:id", "param": "after", "more": "body:has_more"},
        ),
        (
            chains.ContinuesBehindARowUntilThereIsNone,
            {"style": "cursor", "token": "row:id", "param": "after"},
        ),
        (chains.LinksInAHeader, {"style": "link"}),
        (chains.LinksInTheBody, {"style": "link", "url": "body:links.next"}),
        (
            chains.HasNoTotal,
            {"style": "offset", "param": "start", "limit_param": "limit", "first": 0, "size": 200},
        ),
        (
            styles.CountsFromOne,
            {"style": "offset", "param": "start", "limit_param": "limit", "first": 1, "size": 200},
        ),
        (
            styles.CapsTheLimit,
            {"style": "offset", "param": "start", "limit_param": "limit", "first": 0, "size": 7},
        ),
        (styles.HasNoLimit, {"style": "offset", "param": "start", "limit_param": "", "first": 0, "size": 25}),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_where_nothing_says_how_many_rows_there_are(style, paging, bucket):
    with WithoutACount(style()) as served:
        found = probed(served)
        assert (found.settings["paging"], found.settings["total"]) == (paging, "none")
        assert copied(served, found.settings, bucket) == served_rows(served)


def by_values(row):
    """SortsByWhatIsNotUnique has every row in its first answer, in an order of its own."""
    return str(row)


@pytest.mark.parametrize("style", LYING, ids=lambda style: style.__name__)
def test_a_server_that_lies_is_refused_or_copied_whole(style, bucket):
    with Served(style()) as served:
        try:
            rows = copied(served, probed(served).settings, bucket)
        except TransferError:
            return
        assert sorted(rows, key=by_values) == sorted(served_rows(served), key=by_values)


OFFSETS = [
    ("start", "limit"),
    ("offset", "limit"),
    ("skip", "limit"),
    ("skip", "take"),
    ("_start", "_limit"),
    ("$skip", "$top"),
    ("resultOffset", "resultRecordCount"),
    ("from", "size"),
]
PAGES = [("page", "per_page"), ("page", "limit"), ("page", "page_size"), ("page", "size"), ("p", "n")]


@pytest.mark.parametrize(("offset", "limit"), OFFSETS)
def test_offsets_by_their_usual_names(source, offset, limit):
    served = source(fire, count=260, offset_name=offset, limit_name=limit, largest_limit=50, **ENVELOPE)
    assert probed(served, "/fires").settings["paging"] == {
        "style": "offset",
        "param": offset,
        "limit_param": limit,
        "first": 0,
        "size": 50,
    }


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize(("page", "size"), PAGES)
def test_pages_by_their_usual_names(source, page, size, first):
    shape = {"page_name": page, "page_size_name": size, "first_page": first, "largest_limit": 50}
    served = source(fire, count=260, **shape, **ENVELOPE)
    found = probed(served, "/fires")
    assert found.settings["paging"] == {
        "style": "page",
        "param": page,
        "limit_param": size,
        "first": first,
        "size": 50,
    }
    assert found.settings["total"] == "body:meta.total"
    assert found.settings["types"] == {"id": "int64", "name": "string", "acres": "double", "tags": "string"}
    assert (found.proven.rows, found.settings["name"]) == (260, "fires")


def test_a_chain_asks_for_as_many_rows_as_the_api_gives(bucket):
    class Limited(chains.Chain):
        def answer(self, start, limit, request):
            at, size = self.at(request), min(limit, 60) if "limit" in request.query else 25
            rows = self.slice(at, size)
            return self.led(rows, at + size if at + size < self.total else None, request)

    with WithoutACount(Limited()) as served:
        found = probed(served)
        assert found.settings["paging"]["size"] == 60
        assert copied(served, found.settings, bucket) == served_rows(served)


class IsStrict(styles.TotalInTheBody):
    """Parameters that it does not know are errors."""

    def answer(self, start, limit, request):
        known = set(request.query) <= {"start", "limit"}
        return super().answer(start, limit, request) if known else (400, {}, {"detail": "unknown"})


class ArcGis(styles.Style):
    settings: ClassVar = {}

    def answer(self, start, limit, request):
        if "returnCountOnly" in request.query:
            return 200, {}, {"count": self.total}
        at = int(request.query.get("resultOffset", 0))
        limit = min(int(request.query.get("resultRecordCount", 100)), 100)
        rows = [{"attributes": row} for row in self.slice(at, limit)]
        return 200, {}, {"fields": [{"name": "id"}], "features": rows, "exceededTransferLimit": True}


@pytest.mark.parametrize(("style", "rows_path"), [(IsStrict, "/api/get"), (ArcGis, "/fires/query")])
def test_servers_that_are_particular(style, rows_path, bucket):
    with WithoutACount(style()) as served:
        served.rows_path = rows_path
        found = probed(served, rows_path)
        assert found.settings["paging"]["style"] == "offset"
        assert found.proven.rows == served.style.total
        assert len(copied(served, found.settings, bucket)) == served.style.total


class IsLong(styles.Style):
    def __init__(self):
        super().__init__()
        self.rows = [{"id": n, "text": "x" * 300} for n in range(40_000)]

    def answer(self, start, limit, request):
        return 200, {}, {"meta": {"columns": [{"name": "id"}, {"name": "text"}]}, "data": self.rows}


def test_one_answer_too_long_to_be_read_whole(bucket):
    with WithoutACount(IsLong()) as served:
        found = probed(served)
        assert (found.settings["rows_key"], found.settings["paging"]) == ("data", {"style": "none"})
        assert found.proven.rows is None
        assert len(copied(served, found.settings, bucket)) == 40_000


def test_a_rate_limit_in_the_middle_is_no_answer_to_what_was_asked(source):
    served = source(fire, count=260, **ENVELOPE)
    busy = Fault.status(429)
    served.fault(busy, times=None, when=lambda request: len(served.requests) > 2)
    with pytest.raises(SourceUnavailable):
        probed(served, "/fires")


def test_a_limit_that_is_refused_beyond_its_largest(source):
    served = source(fire, count=260, largest_limit=120, over_limit="refuse", **ENVELOPE)
    assert probed(served, "/fires").settings["paging"]["size"] == 100


def test_what_the_url_itself_says_of_paging_and_filters(source):
    served = source(fire, count=260, page_name="p", page_size_name="n", first_page=1, **ENVELOPE)
    settings = probed(served, "/fires?state=CA&p=3&n=20&tag=a&tag=b").settings
    assert settings["query"] == {"state": "CA", "tag": ["a", "b"]}
    assert (settings["paging"]["param"], settings["paging"]["limit_param"]) == ("p", "n")


def test_columns_that_some_rows_lack_are_named(source):
    served = source(lambda n: {"id": n} | ({"acres": n} if n % 2 else {}), count=90)
    found = probed(served)
    assert found.settings["types"] == {"id": "int64", "acres": "int64"}
    assert any("acres" in line for line in found.notes.seen)


def test_a_few_rows_that_one_answer_has(source):
    found = probed(source(fire, count=3, rows_key="items", rows_path="/fires"), "/fires")
    assert found.settings["paging"] == {"style": "none"}
    assert found.proven.rows == 3


def test_a_number_of_the_page_alone_is_no_total(bucket):
    with WithoutACount(styles.CountsThePageAlone()) as served:
        found = probed(served)
        assert found.settings["total"] == "none"
        assert any("body:count" in line for line in found.notes.seen)


@pytest.mark.parametrize(("version", "header"), [('"of-the-data"', "ETag"), (None, None)])
def test_a_version_is_the_same_in_different_answers(source, version, header):
    served = source(fire, count=260, version=version, **ENVELOPE)
    assert probed(served, "/fires").settings.get("version_header") == header


@pytest.mark.parametrize(
    "style", [totals.LinksToItsLastPage, totals.NamesItsPages, totals.NamesItsPagesInAHeader]
)
def test_a_number_of_pages(style):
    with Served(style()) as served:
        found = probed(served)
        assert found.settings["total"] == style.settings["total"]
        assert found.proven.rows == len(served.style.rows)


class TagsEachAnswer(styles.TotalInTheBody):
    def answer(self, start, limit, request):
        status, headers, body = super().answer(start, limit, request)
        return status, {"ETag": f'"{start}-{limit}"', **headers}, body


def test_an_etag_of_an_answers_bytes_is_no_version():
    with Served(TagsEachAnswer()) as served:
        assert "version_header" not in probed(served).settings


# What cannot be copied -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "error", "said"),
    [
        (Fault.html(), NotRows, "HTML"),
        (Fault.status(401), SourceRefused, "401"),
        (Fault.status(404), SourceRefused, "404"),
        (Fault.status(200, ""), NotRows, "empty"),
        (Fault.status(200, "[]"), NotRows, "empty"),
        (Fault.status(200, "[1, 2]"), NotRows, "row"),
        (Fault.status(200, "[[1], [2]]"), NotRows, "array"),
        (Fault.status(200, '{"id": 7}'), NotRows, "without an array"),
        (Fault.status(200, '{"items": [], "tags": ["a"]}'), NotRows, "items, tags"),
        (Fault.status(200, "id,name\n1,a"), NotRows, "id,name"),
    ],
)
def test_no_rows(source, fault, error, said):
    served = source(fire, count=260).fault(fault, times=None, when=lambda request: True)
    with pytest.raises(error) as raised:
        probed(served)
    assert said in raised.value.got
    assert raised.value.fix
    assert served.url in raised.value.where


def test_pages_whose_parameter_nobody_would_guess(source):
    served = source(fire, count=260, offset_name="xyzzy", limit_name="plugh", largest_limit=50, **ENVELOPE)
    with pytest.raises(Fatal) as raised:
        probed(served, "/fires")
    assert "260" in raised.value.got
    assert "50" in raised.value.got


# The command -----------------------------------------------------------------------------------------------

SECRET = "s3cr3t-of-the-source"


def command(*arguments, **environ):
    return subprocess.run(
        [sys.executable, "-m", "include.transfer", "probe", *arguments],
        env={"PATH": os.environ["PATH"], "NO_PROXY": "*", **environ},
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=600,
    )


def test_the_command_prints_settings_that_the_file_has_too(source, tmp_path):
    served = source(fire, count=260, bearer=SECRET, **ENVELOPE)
    endpoint = Endpoint(served.url, headers={"Authorization": f"Bearer {SECRET}"}, trust_env=False)
    file = tmp_path / "fires.json"
    done = command("fires", "--json", "--out", str(file), "--conn-id", "mine", LAKE_SOURCE=endpoint.to_json())
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == json.loads(file.read_text())
    assert json.loads(done.stdout)["conn_id"] == "mine"
    assert SECRET not in done.stdout + done.stderr


def test_a_login_in_the_url_is_used_and_not_shown(source):
    served = source(fire, count=260, basic=("me", SECRET), **ENVELOPE)
    done = command(served.url.replace("//", f"//me:{SECRET}@") + "/fires")
    assert done.returncode == 0, done.stderr
    assert SECRET not in done.stdout + done.stderr


def test_a_key_in_the_query_is_used_and_not_shown(source):
    done = command(source(fire, count=260, **ENVELOPE).url + f"/fires?api_key={SECRET}&author=x")
    assert done.returncode == 0, done.stderr
    assert SECRET not in done.stdout + done.stderr
    assert '"author": "x"' in done.stdout
    assert "api_key" in done.stdout


@pytest.mark.parametrize("url", ["ftp://host/x", "http://", "fires"])
def test_what_is_no_url(url):
    done = command(url)
    assert (done.returncode, done.stdout) == (1, "")


def test_a_url_of_another_host_gets_no_credentials(source):
    mine, other = source(fire, count=260), source(fire, count=260)
    done = command(f"{other.url}/api/get", LAKE_SOURCE=Endpoint(mine.url, headers={"X": SECRET}).to_json())
    assert done.returncode == 1
    assert other.requests == []


def test_the_dag_file_has_the_settings(source):
    served = source(fire, count=260, offset_name="$skip", limit_name="$top", **ENVELOPE)
    settings = probed(served, "/fires?q=a+%22b%22").settings
    tree = ast.parse(dag_file(settings))
    (call,) = [node for node in ast.walk(tree) if getattr(getattr(node, "func", None), "id", "") == "Dataset"]
    names = {"Dataset": Dataset, **{kind.__name__: kind for kind in PAGINGS.values()}}
    assert eval(ast.unparse(call), names) == Dataset.from_dict(settings)
