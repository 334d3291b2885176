"""`python -m include.transfer count`: what a counting task runs, and what it prints of a secret."""

import json
import os
import subprocess
import sys

import pytest

from include.transfer.errors import NotRows, SourceRefused, told
from include.transfer.source.endpoint import Endpoint
from include.transfer.source.logins import login_of
from tests.airflow_home import PROJECT
from tests.servers.faults import Fault

ROWS = [{"id": n} for n in range(25)]
TOKEN = "t0k3n-of-the-source"


def count(environ):
    done = subprocess.run(
        [sys.executable, "-m", "include.transfer", "count"],
        env={"PATH": os.environ["PATH"], **environ},
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.stderr == ""
    return done.returncode, done.stdout, json.loads(done.stdout)


def asked(served, headers=None, login=None, **settings):
    endpoint = Endpoint(served.url, headers=headers or {}, login=login, trust_env=False)
    return {
        "LAKE_DATASET": json.dumps({"name": "things", **settings}),
        "LAKE_SOURCE": endpoint.to_json(),
    }


def test_a_count_and_its_version(source):
    served = source(ROWS, version='"v1"', bearer=TOKEN)
    headers = {"Authorization": f"Bearer {TOKEN}"}
    status, printed, counted = count(asked(served, headers, version_header="ETag"))
    assert (status, counted) == (0, {"rows": 25, "version": "v1"})
    assert TOKEN not in printed


def test_a_refusal_is_told_by_its_class_without_the_token(source):
    served = source(ROWS).fault(
        Fault.status(401, f"no such token: {TOKEN}"), times=None, when=lambda request: True
    )
    status, printed, answer = count(asked(served, {"Authorization": f"Bearer {TOKEN}"}))
    error = told(answer)
    assert (status, type(error)) == (1, SourceRefused)
    assert "status 401" in error.got
    assert TOKEN not in printed
    assert len(served.requests) == 1


def test_a_key_in_the_query_and_the_secret_of_a_client_reach_the_process_and_no_output(source):
    served, tokens = source(ROWS, bearer="t0k3n-1"), source(ROWS)
    tokens.fault(Fault.status(200, '{"access_token": "t0k3n-1"}'), when=lambda request: True)
    tokens.fault(Fault.status(401, f"not {TOKEN}"), when=lambda request: True)
    client = login_of({"style": "oauth2", "token_url": f"{tokens.url}/token"}, "me", TOKEN)
    assert count(asked(served, login=client))[2]["rows"] == 25
    status, printed, answer = count(asked(served, login=client))
    assert (status, told(answer).where) == (1, f"POST {tokens.url}/token")
    key = login_of({"style": "query", "param": "appid"}, "", TOKEN)
    refused = count(asked(served, login=key))
    assert served.requests[-1].query["appid"] == TOKEN
    assert TOKEN not in printed + refused[1]


def test_a_count_that_is_none(source):
    status, _, answer = count(asked(source(ROWS).fault(Fault.html(), times=None, when=lambda request: True)))
    assert (status, type(told(answer))) == (1, NotRows)


@pytest.mark.parametrize("value", ["{{ 7 * 7 }}", "$(id)", "`id`", "'; id #"])
def test_a_value_is_never_executed(source, value):
    status, _, answer = count(asked(source(ROWS), total=f"body:{value}".replace(" ", "")))
    assert status == 1
    assert "49" not in answer["got"]


@pytest.mark.parametrize("environ", [{}, {"LAKE_DATASET": "[", "LAKE_SOURCE": "["}])
def test_an_environment_that_says_nothing(environ):
    status, _, answer = count(environ)
    assert (status, answer["error"]) == (1, "BadSettings")
