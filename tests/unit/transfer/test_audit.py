"""A committed run read back from outside: what agrees passes, and every damage is found and named."""

import json
import os
import re
import subprocess
import sys

import pytest

from include.transfer.__main__ import FOUND, NOT_CHECKED, VERIFIED, main
from include.transfer.audit import audit
from tests.airflow_home import PROJECT

ROWS = [{"id": n, "name": 'two\r\n"lines"' if n % 3 else None, "at": n / 7} for n in range(25)]
FOLDER = "things/20260101T000000-aaaa"
FORMATS = [
    ("csv", "none"),
    ("csv", "gzip"),
    ("csv", "zstd"),
    ("ndjson", "none"),
    ("ndjson", "gzip"),
    ("ndjson", "zstd"),
    ("parquet", "none"),
]


@pytest.fixture
def run(source, make_run):
    made = make_run(source(ROWS, version='"v1"'), version_header="ETag")
    made.whole()
    return made


@pytest.mark.parametrize(("format", "compression"), FORMATS)
def test_what_agrees_passes(source, make_run, format, compression):
    run = make_run(source(ROWS), format=format, compression=compression)
    run.whole()
    assert audit(run.bucket, run.prefix).findings == []


@pytest.mark.parametrize("format", ["csv", "ndjson", "parquet"])
def test_one_column_with_nulls_and_a_run_of_nothing(source, make_run, format):
    lone = make_run(source([{"a": None}, {"a": ""}, {"a": "x\ny"}, {"a": None}]), format=format)
    lone.whole()
    empty = make_run(source([]), run="20260102T0-b", format=format)
    empty.whole()
    assert audit(lone.bucket, lone.prefix).findings == []
    assert audit(empty.bucket, empty.prefix).findings == []


def test_an_appended_run_passes(source, make_run):
    run = make_run(source(ROWS, version='"v1"'), version_header="ETag")
    planned = run.plan()
    run.copy_all()
    run.source.rows, run.source.version = [*ROWS, *ROWS[:7]], '"v2"'
    run.commit(planned, on_drift="append")
    assert audit(run.bucket, run.prefix).findings == []


@pytest.mark.parametrize(("format", "compression"), FORMATS)
def test_a_byte_that_changed_is_found(source, make_run, format, compression):
    run = make_run(source(ROWS), format=format, compression=compression)
    run.whole()
    key = run.manifest()["receipts"][1]["key"]
    data = bytearray(run.bytes_of(key))
    data[len(data) // 2] ^= 1
    run.bucket.put_stream(key, iter([bytes(data)]))
    (finding, *more) = audit(run.bucket, run.prefix).findings
    assert finding.startswith(f"rows 10–19: {key}: ")
    assert len(more) <= 1


@pytest.mark.parametrize(("format", "compression"), FORMATS)
def test_an_object_cut_short_is_found(source, make_run, format, compression):
    run = make_run(source(ROWS), format=format, compression=compression)
    run.whole()
    key = run.manifest()["receipts"][2]["key"]
    run.bucket.put_stream(key, iter([run.bytes_of(key)[:-9]]))
    findings = audit(run.bucket, run.prefix).findings
    assert findings
    assert all(finding.startswith(f"rows 20–24: {key}: ") for finding in findings)


def overwrite(name, text):
    return lambda run: run.bucket.put_stream(f"{FOLDER}/{name}", iter([text]))


def change_manifest(**changes):
    return lambda run: run.bucket.put_json(run.prefix.manifest, run.manifest() | changes)


def change_receipt(number, **changes):
    def change(run):
        manifest = run.manifest()
        manifest["receipts"][number] |= changes
        run.bucket.put_json(run.prefix.manifest, manifest)

    return change


DAMAGE = {
    "object gone": (
        lambda run: run.bucket.delete(f"{FOLDER}/data_from_10.csv"),
        ["rows 10–19: .*data_from_10.csv is not there; expected 337 bytes"],
    ),
    "object empty": (overwrite("data_from_10.csv", b""), ["its header is ''; expected 'id, name, at'"]),
    "other header": (overwrite("data_from_10.csv", b"id,nom,at\n"), ["its header is 'id, nom, at'"]),
    "a field too many": (
        overwrite("data_from_10.csv", b"id,name,at\n1,2,3\n1,2,3,4\n"),
        ["row 1 of it has 4 fields; expected 3"],
    ),
    "not UTF-8": (
        overwrite("data_from_10.csv", b"id,name,at\n\xff,2,3\n"),
        ["cannot be read: 'utf-8' codec"],
    ),
    "a quote left open": (overwrite("data_from_10.csv", b'id,name,at\n1,"2,3\n'), ["cannot be read"]),
    "fewer rows": (
        overwrite("data_from_10.csv", b"id,name,at\n1,2,3\n"),
        ["bytes is 17; expected", "sha256 is", "rows is 1; expected 10"],
    ),
    "receipt gone": (
        lambda run: run.bucket.delete(f"{FOLDER}/_receipts/data_from_10.json"),
        ["rows 10–19: .*_receipts/data_from_10.json is not there, or not JSON"],
    ),
    "receipt of another attempt": (
        lambda run: run.bucket.put_json(f"{FOLDER}/_receipts/data_from_10.json", {"rows": 10}),
        ["data_from_10.json says other things"],
    ),
    "stray object": (
        overwrite("data_from_7.csv", b"x"),
        ["data_from_7.csv is in the store; the mani"],
    ),
    "stray receipt": (
        overwrite("_receipts/data_from_7.json", b"x"),
        ["_receipts/data_from_7.json is in the"],
    ),
    "being removed": (
        lambda run: run.bucket.put_json(run.prefix.tombstone, {}),
        ["_removing/20260101T000000-aaaa.json is there: this run is being removed"],
    ),
    "other sums": (
        change_manifest(rows=26, bytes=1),
        [
            "says 26 rows; its receipts add up to 25",
            "says 1 bytes",
            "source had 25 rows; the manifest has 26",
        ],
    ),
    "other count": (
        lambda run: change_manifest(source=run.manifest()["source"] | {"count": 24})(run),
        ["the source had 24 rows; the manifest has 25"],
    ),
    "a gap": (
        change_receipt(2, start=21),
        [
            "starts at row 21; expected row 20",
            "_receipts/data_from_21.json is not there",
            "data_from_20.json is in",
        ],
    ),
    "no manifest": (
        lambda run: run.bucket.delete(run.prefix.manifest),
        ["_manifest.json is not there; expected the manifest of a committed run"],
    ),
    "torn manifest": (
        overwrite("_manifest.json", b'{"version": 1'),
        ["no manifest of this run: it is no"],
    ),
    "foreign manifest": (
        overwrite("_manifest.json", b'{"hello": "world", "source": {}, "receipts": [{"key": "../../etc"}]}'),
        [
            "its version is None; expected 1",
            "its dataset is None",
            "its receipt 0 is .*expected one of an object",
        ],
    ),
    "a manifest of another run": (
        change_manifest(run="20260102T0-b"),
        ["its run is '20260102T0-b'; expected '20260101T000000-aaaa'"],
    ),
    "a receipt of another run's object": (
        change_receipt(0, key="things/20260102T0-b/data_from_0.csv"),
        ["its receipt 0 is .*; expected one of an object below things/20260101T000000-aaaa/"],
    ),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_each_damage_is_found(run, name):
    damage, says = DAMAGE[name]
    damage(run)
    said = "\n".join(audit(run.bucket, run.prefix).findings)
    for pattern in says:
        assert re.search(pattern, said), said


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (b'{"id": 1, "name": "x"}\n', "row 0 of it has other columns"),
        (b"[1]\n", "row 0 of it has other columns"),
        (b"{\n", "row 0 of it is not JSON"),
        (b"[" * 100_000 + b"\n", "row 0 of it is not JSON"),
    ],
)
def test_lines_that_are_no_rows(source, make_run, line, says):
    run = make_run(source(ROWS), format="ndjson")
    run.whole()
    run.bucket.put_stream(f"{FOLDER}/data_from_0.ndjson", iter([line]))
    assert says in audit(run.bucket, run.prefix).findings[0]


def test_parquet_of_other_types(source, make_run):
    whole = make_run(source(ROWS), format="parquet")
    whole.whole()
    change_receipt(0, types={"id": "string", "name": "string", "at": "double"})(whole)
    said = "\n".join(audit(whole.bucket, whole.prefix).findings)
    assert "its column id is of int64; expected string" in said


# The command -------------------------------------------------------------------------------------------


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
    assert command(URI) == VERIFIED
    said = capsys.readouterr().out
    assert said.startswith(f"VERIFIED {URI}\n  25 rows in 3 objects, ")


def test_the_newest_run_is_found_by_its_pointer(run, command, capsys):
    assert command("s3://transfer/things/_latest.json") == VERIFIED
    assert URI in capsys.readouterr().out
    run.bucket.put_json("things/_latest.json", {"run": "../../x"})
    assert command("s3://transfer/things/_latest.json") == NOT_CHECKED
    assert "names no run" in capsys.readouterr().out


def test_findings_are_all_said(run, command, capsys):
    run.bucket.delete(f"{FOLDER}/data_from_0.csv")
    run.bucket.delete(f"{FOLDER}/_receipts/data_from_20.json")
    assert command(URI) == FOUND
    said = capsys.readouterr().out
    assert said.startswith(f"WRONG {URI}\n  2 finding(s); it says 25 rows in 3 objects")
    assert [line[:18] for line in said.splitlines()[2:]] == ["  - rows 0–9: thin", "  - rows 20–24: th"]


def test_json_for_machines(run, command, capsys):
    assert command("--json", URI) == VERIFIED
    result = json.loads(capsys.readouterr().out)
    assert {k: v for k, v in result.items() if k not in ("seconds", "bytes")} == {
        "manifest": URI, "verified": True, "rows": 25, "objects": 3, "findings": [],
    }  # fmt: skip
    run.bucket.delete(f"{FOLDER}/data_from_0.csv")
    assert command("--json", URI) == FOUND
    assert len(json.loads(capsys.readouterr().out)["findings"]) == 1
    assert command("--json", "s3://nowhere-to-be-found/a/b/_manifest.json") == NOT_CHECKED
    assert "NoSuchBucket" in json.loads(capsys.readouterr().out)["error"]


@pytest.mark.parametrize(
    ("uri", "says"),
    [
        ("http://x/y", "names no run; expected s3://bucket/dataset/run/_manifest.json"),
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
        assert command(URI) == VERIFIED
    uri = f"aws://{store.access_key}:{store.secret_key}@/?endpoint_url={store.endpoint}&region_name=us-east-1"
    monkeypatch.setenv("AIRFLOW_CONN_LOCALS3", uri)
    assert command(URI) == VERIFIED


@pytest.mark.parametrize(
    ("environment", "says"),
    [
        ({"AWS_ACCESS_KEY_ID": "a"}, "without AWS_SECRET_ACCESS_KEY; set both"),
        ({"AIRFLOW_CONN_LOCALS3": '{"password": "canary'}, "neither as JSON nor as a URI"),
        ({"AIRFLOW_CONN_LOCALS3": '{"password": "canary"}'}, "has no login and password"),
        ({"AIRFLOW_CONN_LOCALS3": '{"extra": "{canary"}'}, "neither as JSON nor as a URI"),
        ({"AIRFLOW_CONN_LOCALS3": "aws://[canary"}, "neither as JSON nor as a URI"),
        ({}, "no keys for the store: set AWS_ACCESS_KEY_ID"),
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
    assert (done.returncode, done.stderr) == (VERIFIED, "")
    assert done.stdout.startswith("VERIFIED")
