"""`python -m include.transfer log`: the newest commit first, and what each added and replaced."""

import json
import os

import pytest

from include.transfer.__main__ import main
from include.transfer.commit.entry import Entry
from include.transfer.commit.live import Live
from include.transfer.commit.log_command import DONE, NOT_READ

NAMES = ["20260101T000000-a", "20260102T000000-b", "20260103T000000-c"]


@pytest.fixture
def command(store, monkeypatch, capsys):
    """The command as a shell runs it, in this process; returns its exit status and what it printed."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", store.access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", store.secret_key)

    def call(*arguments):
        status = main(["log", *arguments, "--endpoint-url", store.endpoint, "--region", "us-east-1"])
        return status, capsys.readouterr().out

    return call


def test_the_commits_of_a_dataset(source, make_run, command):
    served = source([{"id": n} for n in range(5)])
    for name in NAMES:
        make_run(served, run=name).whole()
    status, said = command("s3://transfer/things")
    assert status == DONE
    runs = [line.split("run ")[1] for line in said.splitlines() if "run " in line]
    assert runs == [NAMES[2], NAMES[1], NAMES[1], NAMES[0], NAMES[0]]  # each, and what it replaced
    status, said = command("s3://transfer/things/", "--last", "1", "--json")
    assert Entry.from_dict(json.loads(said)).run == NAMES[2]


def test_windows_that_are_missing_are_named(bucket, command):
    lines = [Live("2024-01", "2024-02", "a", 1), Live("2024-03", "2024-04", "b", 2)]
    entry = Entry(
        2, "b", "things/b/_manifest.json", "0" * 64, replaces=["a"], watermark="2024-02", windows=lines
    )
    bucket.put_json("things/_log/000000000002.json", entry.to_dict())
    status, said = command("s3://transfer/things")
    assert status == DONE
    assert [line.strip() for line in said.splitlines()[2:]] == [
        "added 2024-03 … 2024-04",
        "replaced rows of run a",
        "live 2024-01 … 2024-04",
        "missing 2024-02 … 2024-03",
        "watermark 2024-02",
    ]


@pytest.mark.parametrize("uri", ["s3://transfer/nothing", "things", "s3://transfer"])
def test_a_dataset_without_a_log(bucket, command, uri):
    status, said = command(uri)
    assert status == NOT_READ
    assert said.startswith(f"NOT READ {uri}\n")
