"""Credentials leave no trace: real runs, good and failing, use canaries, which are then searched everywhere.

What a run's form holds (`query`, paths) is visible by nature: Airflow keeps and shows every parameter of a
run. Credentials belong into connections; of these Airflow encrypts password and extra, not host and login.
"""

import base64
import io
import json
import secrets
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from services.local.airflow_api import Run
from services.local.stack import Stack
from tests.long import traces
from tests.servers.faults import Fault
from tests.servers.http_server import Request
from tests.servers.scripted_http import ScriptedSource

ROWS = 40
# Where the stack itself keeps what it generated, for its owner alone.
KEPT = {"file secrets.json", "file supervisord.conf", "file airflow/passwords.json"}

# Airflow's connections, and its record of who changed one.
SETTINGS = {"table connection", "table log", "GET /connections", "GET /eventLogs"}


def token(name: str) -> str:
    return f"canary-{name}-{secrets.token_hex(8)}"


@dataclass
class Planted:
    """Credentials of the sources, the runs that used them, and what was seen while these ran."""

    secrets: dict[str, str] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)  # logins: shown in connections, nowhere else
    queried: dict[str, str] = field(
        default_factory=dict
    )  # in the form: seen by users, not by the lake's readers
    repeated: dict[str, str] = field(default_factory=dict)
    cookies: dict[str, str] = field(default_factory=dict)
    good: list[Run] = field(default_factory=list)
    failing: list[Run] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)
    urls: list[str] = field(default_factory=list)
    watch: traces.ProcessWatch = field(default_factory=traces.ProcessWatch)
    first_host: list[Request] = field(default_factory=list)
    other_host: list[Request] = field(default_factory=list)

    @property
    def runs(self) -> list[Run]:
        return self.good + self.failing


def connect(stack: Stack, conn_id: str, **connection: Any) -> None:
    body = {"connection_id": conn_id, "conn_type": "http", **connection}
    if "extra" in body:
        body["extra"] = json.dumps(body["extra"])
    stack.api.request("POST", "/connections", json=body)


def trigger(stack: Stack, conn_id: str, **conf: Any) -> Run:
    sizes = {"batch_size": ROWS // 2}
    return stack.trigger("api_to_s3", {"name": conn_id, "conn_id": conn_id, **(sizes | conf)})


@pytest.fixture(scope="module")
def planted(stack: Stack) -> Iterator[Planted]:
    """Four ways to give credentials, one good run of each; and runs that fail in three different ways."""
    login, password, bearer, user, pass_, key = (
        token(name) for name in ("login", "password", "bearer", "user", "userinfo", "key")
    )
    refused, expired, session, query = (token(name) for name in ("refused", "expired", "session", "query"))
    rows = [{"id": index, "name": f"fire {index}"} for index in range(ROWS)]
    with (
        ScriptedSource(rows, basic=(login, password)) as by_login,
        ScriptedSource(rows, bearer=bearer) as by_header,
        ScriptedSource(rows, basic=(user, pass_)) as by_host,
        ScriptedSource(rows) as by_key,
        ScriptedSource(rows) as elsewhere,
        ScriptedSource(rows, bearer=bearer) as denies,
        ScriptedSource(rows, bearer=bearer) as repeats,
        ScriptedSource(rows, bearer=expired) as no_rows,
    ):
        # The count takes a moment, so that it can be seen in the process list.
        for source in (by_login, by_header, by_host):
            source.fault(Fault.drip(1, 0.5), when=lambda request: request.asks_for == "count")
        # The rows lie on another host; the key is for the first one alone.
        moved = Fault.redirect(f"{elsewhere.url}/api/get?start=0&limit={ROWS}")
        by_key.fault(moved, times=None, when=lambda request: request.query.get("start") == "0")
        repeats.fault(Fault.status(401, f'{{"detail": "no access for Bearer {bearer}"}}'), times=None)
        no_rows.fault(Fault.status(200, f'"Bearer {expired} has expired"'), times=None)
        cookie = Fault.status(200, str(ROWS), Set_Cookie=f"session={session}; HttpOnly")
        no_rows.fault(cookie, when=lambda request: request.asks_for == "count")

        header = {"Authorization": f"Bearer {bearer}"}
        connect(stack, "by_login", host=by_login.url, login=login, password=password)
        connect(stack, "by_header", host=by_header.url, extra=header)
        connect(stack, "by_key", host=by_key.url, extra={"X-Api-Key": key, "X-Tenant": token("tenant")})
        connect(stack, "by_host", host=by_host.url.replace("//", f"//{user}:{pass_}@"))
        connect(stack, "denied", host=denies.url, extra={"Authorization": f"Bearer {refused}"})
        connect(stack, "repeated", host=repeats.url, extra=header)
        connect(stack, "no_rows", host=no_rows.url, extra={"Authorization": f"Bearer {expired}"})

        found = Planted(
            {
                "password": password,
                "token": bearer,
                "key in a header": key,
                "refused token": refused,
                "password in the host": pass_,
                "basic auth": base64.b64encode(f"{login}:{password}".encode()).decode(),
                "basic auth of the host": base64.b64encode(f"{user}:{pass_}".encode()).decode(),
            },
            {"login": login, "user in the host": user},
            {"query": query},
            {"token that a 200 repeats": expired},
            {"cookie of the answer": session},
        )
        with found.watch:
            found.good = [
                trigger(stack, "by_login"),
                trigger(stack, "by_header", query={"api_key": query}),
                trigger(stack, "by_host"),
                trigger(stack, "by_key", batch_size=ROWS),
            ]
            found.failing = [trigger(stack, conn_id) for conn_id in ("denied", "repeated", "no_rows")]
            found.ended = [stack.wait(run, 180) for run in found.runs]
            found.urls = [source.url for source in (by_login, by_header, by_host, by_key)]
            found.first_host, found.other_host = by_key.requests, elsewhere.requests
        yield found


def shown_by_airflow(name: str, place: str) -> bool:
    """Host and login are no secrets to Airflow: it stores and shows them, and who set them, as they are."""
    return place in SETTINGS and name in ("login", "user in the host", "password in the host")


def everywhere(stack: Stack, planted: Planted) -> Iterator[traces.Trace]:
    yield from traces.in_database(traces.database(stack))
    yield from traces.in_store(stack.s3)
    yield from traces.in_rest_answers(stack, planted.runs)
    yield from planted.watch.traces()
    for trace in traces.in_files(stack.home.root):
        if not trace.place.startswith("file postgres/"):  # the database's own files: read as tables above
            yield trace


def test_the_sources_demanded_the_credentials_and_the_failing_runs_failed(stack, planted):
    assert planted.ended == ["success"] * 4 + ["failed"] * 3
    # The last task of a failing run that began is the one that met the answer.
    logs = [
        "".join(stack.log(run, ti["task_id"], ti["map_index"], 1) for ti in stack.task_instances(run))
        for run in planted.failing
    ]
    assert ["401" in text for text in logs[:2]] == [True, True]


def test_no_credential_of_a_source_is_left_anywhere(stack, planted):
    canaries = planted.secrets | planted.names
    found = traces.finds(canaries, everywhere(stack, planted))
    assert {each for each in found if not shown_by_airflow(*each)} == set()


def test_a_secret_in_the_query_is_told_neither_to_readers_of_the_lake_nor_by_a_process(stack, planted):
    found = list(traces.in_store(stack.s3))
    assert [trace.place for trace in found if trace.place.endswith("_manifest.json")]
    assert traces.finds(planted.queried, [*found, *planted.watch.traces()]) == set()


def test_a_secret_in_the_query_is_in_no_log_and_no_task_s_result(stack, planted):
    def logs_and_results() -> Iterator[traces.Trace]:
        yield from traces.in_files(stack.home.logs)
        for trace in traces.in_database(traces.database(stack)):
            if trace.place in ("table xcom", "table rendered_task_instance_fields", "table log"):
                yield trace

    assert traces.finds(planted.queried, logs_and_results()) == set()


def test_a_key_in_a_header_reaches_its_own_host_and_no_other(planted):
    assert {request.headers["x-api-key"][:10] for request in planted.first_host} == {"canary-key"}
    assert planted.other_host
    assert not any({"x-api-key", "x-tenant"} & set(request.headers) for request in planted.other_host)


def test_a_token_that_the_source_repeats_in_a_200_is_not_left_anywhere(stack, planted):
    assert traces.finds(planted.repeated, everywhere(stack, planted)) == set()


def test_the_sources_cookies_are_not_left_anywhere(stack, planted):
    assert traces.finds(planted.cookies, everywhere(stack, planted)) == set()


def test_no_key_of_the_stack_is_left_outside_its_private_files(stack, planted):
    found = traces.finds(traces.generated(stack), everywhere(stack, planted))
    assert {(name, place) for name, place in found if place not in KEPT} == set()


def test_the_count_was_seen_in_the_process_list_without_its_source(planted):
    seen = [line for line in planted.watch.seen if b"-m include.transfer count" in line]
    assert seen
    assert not [line for line in seen if any(url.encode() in line for url in planted.urls)]


def test_the_search_finds_what_is_planted(stack, planted):
    """Without this the tests above could be blind: one token in each kind of place."""
    kinds = ("file", "table", "object", "answer", "process")
    canaries = {kind: f"planted/{kind}&{secrets.token_hex(8)}" for kind in kinds}
    (stack.home.logs / "planted.log").write_text(f"a line\n{canaries['file']}\n")
    variable = {"key": "planted", "value": "x", "description": canaries["table"]}
    stack.api.request("POST", "/variables", json=variable)
    connect(stack, "planted", host=canaries["answer"])
    bucket = stack.s3.list_buckets()[0].name
    stack.s3.put_object(bucket, "planted", io.BytesIO(canaries["object"].encode()), len(canaries["object"]))
    with traces.ProcessWatch() as watch:
        subprocess.run(
            [sys.executable, "-c", "import time; time.sleep(1)", canaries["process"]], check=True, timeout=30
        )
    planted_too = Planted(good=planted.good[:1], watch=watch)
    found = traces.finds(canaries, everywhere(stack, planted_too))
    assert {
        ("file", "file logs/planted.log"),
        ("table", "table variable"),
        ("object", "object planted"),
        ("answer", "GET /connections"),
        ("process", "process list"),
    } <= found


@pytest.mark.parametrize("written", ["a&b c", "a%26b%20c", "6126622063"])
def test_a_secret_is_recognised_as_text_in_a_url_and_as_bytes(written):
    trace = traces.Trace("here", f"x{written}y".encode())
    assert traces.finds({"it": "a&b c"}, [trace]) == {("it", "here")}
