"""`python -m include.transfer verify`: exit status, what it says, keys from wherever they are."""

import json
import os
import subprocess
import sys

import pytest

from include.transfer.__main__ import main
from include.transfer.commit.verify_command import DONE, FOUND, NOT_CHECKED
from tests.airflow_home import PROJECT

FOLDER = "things/20260101T000000-aaaa"


@pytest.fixture
def run(source, make_run):
    rows = [{"id": n, "name": f"thing {n}"} for n in range(25)]
    made = make_run(source(rows, version='"v1"'), version_header="ETag")
    made.whole()
    return made


@pytest.fixture
def command(store, monkeypatch):
    """The command as a shell runs it, in this process; returns its exit status."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", store.access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", store.secret_key)
    monkeypatch.setenv("AWS_ENDPOINT_URL", store.endpoint)
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    return lambda *arguments: main(["verify", *arguments])


URI = f"s3://transfer/{FOLDER}/_manifest.json"


def test_a_whole_run_is_verified(run, command, capsys):
    assert command(URI) == DONE
    said = capsys.readouterr().out
    assert said.startswith(f"VERIFIED {URI}\n  25 rows in 3 objects, ")


def test_the_newest_run_is_found_by_its_pointer(run, command, capsys):
    assert command("s3://transfer/things/_latest.json") == DONE
    assert URI in capsys.readouterr().out
    run.bucket.put_json("things/_latest.json", {"run": "../../x"})
    assert command("s3://transfer/things/_latest.json") == NOT_CHECKED
    assert "names no run" in capsys.readouterr().out


def test_a_whole_dataset_is_verified(run, command, capsys):
    assert command("s3://transfer/things/") == DONE
    said = capsys.readouterr().out
    assert said.startswith("VERIFIED s3://transfer/things\n  25 rows in 3 objects, ")
    run.bucket.delete(run.key(0))
    assert command("--json", "s3://transfer/things") == FOUND
    result = json.loads(capsys.readouterr().out)
    assert (result["dataset"], result["commit"], len(result["findings"])) == ("s3://transfer/things", 1, 1)
    assert command("s3://transfer/nothing") == NOT_CHECKED


def test_findings_are_all_said(run, command, capsys):
    run.bucket.delete(run.key(0))
    run.bucket.delete(f"{FOLDER}/_receipts/data_from_20.json")
    assert command(URI) == FOUND
    said = capsys.readouterr().out
    assert said.startswith(f"WRONG {URI}\n  2 finding(s); it says 25 rows in 3 objects")
    assert [line[:18] for line in said.splitlines()[2:]] == ["  - rows 0–9: thin", "  - rows 20–24: th"]


def test_json_for_machines(run, command, capsys):
    assert command("--json", URI) == DONE
    result = json.loads(capsys.readouterr().out)
    assert {k: v for k, v in result.items() if k not in ("seconds", "bytes")} == {
        "manifest": URI, "verified": True, "rows": 25, "objects": 3, "findings": [],
        "proven": ["pages distinct", "rows distinct"],
    }  # fmt: skip
    run.bucket.delete(run.key(0))
    assert command("--json", URI) == FOUND
    assert len(json.loads(capsys.readouterr().out)["findings"]) == 1
    assert command("--json", "s3://nowhere-to-be-found/a/b/_manifest.json") == NOT_CHECKED
    assert "NoSuchBucket" in json.loads(capsys.readouterr().out)["error"]


@pytest.mark.parametrize(
    ("uri", "says"),
    [
        ("http://x/y", "names no run"),
        ("s3://transfer/things/_manifest.json", "names no run"),
        ("s3://transfer/things/../x/_manifest.json", "names no run"),
        ("s3://transfer/things/.x/_manifest.json", "cannot be parts of an object's key"),
        ("s3://transfer/Things/x/_manifest.json", "cannot be parts of an object's key"),
    ],
)
def test_wrong_use(command, capsys, uri, says):
    assert command(uri) == NOT_CHECKED
    assert says in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [[], ["--nonsense", URI], [URI, URI]])
def test_wrong_arguments(command, arguments):
    with pytest.raises(SystemExit) as ended:
        command(*arguments)
    assert ended.value.code == NOT_CHECKED


def test_wrong_keys_are_not_findings(command, capsys, monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "canary-secret")
    assert command(URI) == NOT_CHECKED
    said = capsys.readouterr()
    assert said.out.startswith(f"NOT CHECKED {URI}")
    assert "canary" not in said.out + said.err


def test_airflows_connection_serves_too(run, store, command, capsys, monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL", "AWS_REGION"):
        monkeypatch.delenv(name)
    extra = {"endpoint_url": store.endpoint, "region_name": "us-east-1"}
    fields = {"conn_type": "aws", "login": store.access_key, "password": store.secret_key, "extra": extra}
    for extra_form in (extra, json.dumps(extra)):
        monkeypatch.setenv("AIRFLOW_CONN_LOCALS3", json.dumps(fields | {"extra": extra_form}))
        assert command(URI) == DONE
    uri = f"aws://{store.access_key}:{store.secret_key}@/?endpoint_url={store.endpoint}&region_name=us-east-1"
    monkeypatch.setenv("AIRFLOW_CONN_LOCALS3", uri)
    assert command(URI) == DONE


@pytest.mark.parametrize(
    ("environment", "says"),
    [
        ({"AWS_ACCESS_KEY_ID": "a"}, "without AWS_SECRET_ACCESS_KEY"),
        ({"AIRFLOW_CONN_LOCALS3": '{"password": "canary'}, "neither JSON nor a URI"),
        ({"AIRFLOW_CONN_LOCALS3": '{"password": "canary"}'}, "has no login and password"),
        ({"AIRFLOW_CONN_LOCALS3": '{"extra": "{canary"}'}, "neither JSON nor a URI"),
        ({"AIRFLOW_CONN_LOCALS3": "aws://[canary"}, "neither JSON nor a URI"),
        ({}, "no keys for the store; set AWS_ACCESS_KEY_ID"),
    ],
)
def test_an_environment_without_keys(command, capsys, monkeypatch, tmp_path, environment, says):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL", "AIRFLOW_CONN_LOCALS3"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("HOME", str(tmp_path))
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert command(URI) == NOT_CHECKED
    said = capsys.readouterr().out
    assert says in said
    assert "canary" not in said


def test_it_runs_as_a_command_without_airflow(run, store):
    """As a shell calls it: its help, and a run verified, with every import of Airflow refused."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("AIRFLOW", "AWS_"))} | {
        "AWS_ACCESS_KEY_ID": store.access_key,
        "AWS_SECRET_ACCESS_KEY": store.secret_key,
        "AWS_REGION": "us-east-1",
    }
    refuse = (
        "import sys, runpy; sys.modules['airflow'] = None; "
        "runpy.run_module('include.transfer', run_name='__main__', alter_sys=True)"
    )

    def called(*arguments):
        command = [sys.executable, "-c", refuse, "verify", *arguments]
        return subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True)

    helped = called("--help")
    assert helped.returncode == 0
    assert "exit status:\n  0  every object was read back" in helped.stdout
    done = called("--endpoint-url", store.endpoint, URI)
    assert (done.returncode, done.stderr) == (DONE, "")
    assert done.stdout.startswith("VERIFIED")
