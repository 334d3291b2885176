"""Who sees what: Airflow's login, its rights on each DAG, and nothing outside a run's own objects."""

from dataclasses import asdict
from typing import Any

import httpx
import pytest

from tests.browser.scenes import BUCKET, folder, password, put, read_json

ESCAPES = (
    "../_latest.json",
    "..%2f_latest.json",
    "..%2F..%2Fslow%2F_latest.json",
    "%2e%2e/%2e%2e/slow/_latest.json",
    "_receipts/..%2f..%2f_latest.json",
    "%2fetc%2fpasswd",
    "data_from_0.csv%00.json",
    "_report%2findex.html",
)


@pytest.fixture
def ask(stack):
    """`ask("reader", "/lake/")`: one raw request as that user; None: nobody is signed in."""

    def request(user: str | None, path: str) -> httpx.Response:
        headers = {}
        if user:
            login = {"username": user, "password": password(stack, user)}
            token = httpx.post(f"{stack.api.url}/auth/token", json=login, trust_env=False).json()[
                "access_token"
            ]
            headers["Cookie"] = f"_token={token}"
        return httpx.get(f"{stack.api.url}{path}", headers=headers, trust_env=False)

    return request


@pytest.fixture(scope="module")
def addresses(stack, scenes) -> dict[str, str]:
    """An address of every kind, of a run of `api_to_s3`."""
    prefix = folder(stack, scenes.slow)
    return {
        "list": "/lake/",
        "dataset": "/lake/datasets/slow",
        "run": f"/lake/runs/{prefix}",
        "object": object_of(stack, prefix, 0),
        "manifest": f"/lake/runs/{prefix}/objects/_manifest.json",
        "report": f"/lake/runs/{prefix}/report/index.html",
    }


def object_of(stack: Any, prefix: str, number: int) -> str:
    """The address of an object that a run's manifest names."""
    key = read_json(stack, f"{prefix}/_manifest.json")["receipts"][number]["key"]
    return f"/lake/runs/{prefix}/objects/{key.rpartition('/')[2]}"


def statuses(ask: Any, user: str | None, addresses: dict[str, str]) -> dict[str, int]:
    return {name: ask(user, path).status_code for name, path in addresses.items()}


def test_without_a_login_nothing_is_told(ask, addresses):
    assert set(statuses(ask, None, addresses).values()) == {401}
    answer = ask(None, "/lake/")
    assert "You are not signed in" in answer.text
    assert 'href="/auth/login?next=%2Fplugin%2Flake"' in answer.text
    assert "slow" not in answer.text


def test_a_login_that_is_none_is_refused(stack):
    answer = httpx.get(
        f"{stack.api.url}/lake/", headers={"Authorization": "Bearer made.up.token"}, trust_env=False
    )
    assert answer.status_code == 403


def test_without_the_right_nothing_is_told(ask, addresses):
    assert set(statuses(ask, "nobody", addresses).values()) == {403}
    assert "slow" not in ask("nobody", "/lake/datasets/slow").text.replace("/datasets/slow", "")


def test_a_reader_of_every_dag_sees_every_run(ask, addresses):
    seen = statuses(ask, "reader", addresses)
    assert seen.pop("report") == 404  # this run has none
    assert set(seen.values()) == {200}


def test_a_reader_of_one_dag_sees_its_runs_alone(stack, scenes, ask, addresses):
    page = ask("some", "/lake/")
    assert page.status_code == 200
    own = folder(stack, scenes.small)
    assert own in page.text
    assert "api_to_s3" not in page.text
    assert folder(stack, scenes.slow) not in page.text
    assert ask("some", f"/lake/runs/{own}").status_code == 200
    assert ask("some", object_of(stack, own, 0)).status_code == 200
    hidden = statuses(ask, "some", addresses)
    assert hidden.pop("list") == 200
    assert set(hidden.values()) == {403}


def test_a_hidden_run_and_a_missing_one_look_alike(ask, addresses):
    missing = "/lake/runs/slow/20200101T000000-00000000"
    hidden = ask("some", addresses["run"])
    assert (hidden.status_code, hidden.text) == (403, ask("some", missing).text)
    assert ask("reader", missing).status_code == 404


def test_a_run_that_no_dag_is_known_for_is_shown_to_those_alone_who_may_read_all(stack, scenes, ask):
    prefix = "forgotten/20200101T000000-0123abcd"
    put(stack, f"{prefix}/data_from_0.csv", b"a\n1\n")
    assert ask("reader", f"/lake/runs/{prefix}").status_code == 200
    assert ask("reader", f"/lake/runs/{prefix}/objects/data_from_0.csv").content == b"a\n1\n"
    assert ask("some", f"/lake/runs/{prefix}").status_code == 403
    assert ask("some", f"/lake/runs/{prefix}/objects/data_from_0.csv").status_code == 403
    assert "forgotten" not in ask("some", "/lake/").text


def test_an_object_comes_as_it_is_and_is_saved_not_shown(stack, scenes, ask):
    prefix = folder(stack, scenes.small)
    path = object_of(stack, prefix, 1)
    answer = ask("reader", path)
    response = stack.s3.get_object(BUCKET, f"{prefix}/{path.rpartition('/')[2]}")
    try:
        assert answer.content == response.read()
    finally:
        response.close()
        response.release_conn()
    assert answer.headers["content-disposition"].startswith("attachment;")
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("name", ESCAPES)
@pytest.mark.parametrize("kind", ["objects", "report"])
def test_no_address_leads_out_of_a_run(stack, scenes, ask, kind, name):
    prefix = folder(stack, scenes.small)
    answer = ask("admin", f"/lake/runs/{prefix}/{kind}/{name}")
    assert answer.status_code in (404, 422) or answer.headers["content-type"].startswith("text/html")
    assert '"manifest":' not in answer.text


@pytest.mark.parametrize(
    "path", ["/lake/runs/..%2f/x", "/lake/runs/%3Cscript%3E/x", "/lake/datasets/%00", "/lake/nope"]
)
def test_odd_addresses_are_not_found(ask, path):
    answer = ask("admin", path)
    assert answer.status_code == 404
    assert "<script>" not in answer.text


def test_every_answer_says_what_a_browser_may_do(ask, addresses):
    for path in addresses.values():
        for user in ("reader", "nobody", None):
            policy = ask(user, path).headers["content-security-policy"]
            assert "default-src 'none'" in policy
            assert "unsafe-eval" not in policy
            assert "script-src 'self'" in policy or "script-src" not in policy


def test_no_credential_is_in_any_page(stack, scenes, ask, addresses):
    secrets = {value for value in asdict(stack.credentials).values() if len(value) > 8}
    assert len(secrets) >= 7
    for user in ("admin", "some"):
        for path in addresses.values():
            text = ask(user, path).text
            assert not [secret for secret in secrets if secret in text]
