"""A committed run read back from outside: what agrees passes, and every damage is found and named."""

import gzip
import hashlib
import re

import pytest

from include.transfer.batches import Batch
from include.transfer.commit.audit import audit

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
    lone = make_run(
        source([{"a": None}, {"a": ""}, {"a": "x\ny"}, {"a": None}]), format=format, duplicates="allow"
    )
    lone.whole()
    empty = make_run(source([]), run="20260102T0-b", format=format)
    empty.whole()
    assert audit(lone.bucket, lone.prefix).findings == []
    assert audit(empty.bucket, empty.prefix).findings == []


def test_an_appended_run_passes(source, make_run):
    run = make_run(source(ROWS, version='"v1"'), version_header="ETag")
    planned = run.plan()
    run.copy_all()
    run.source.rows, run.source.version = (
        [*ROWS, *({**row, "id": -row["id"] - 1} for row in ROWS[:7])],
        '"v2"',
    )
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
    assert finding.where == f"rows 10–19: {key}"
    assert len(more) <= 1


@pytest.mark.parametrize(("format", "compression"), FORMATS)
def test_an_object_cut_short_is_found(source, make_run, format, compression):
    run = make_run(source(ROWS), format=format, compression=compression)
    run.whole()
    key = run.manifest()["receipts"][2]["key"]
    run.bucket.put_stream(key, iter([run.bytes_of(key)[:-9]]))
    findings = audit(run.bucket, run.prefix).findings
    assert findings
    assert {finding.where for finding in findings} == {f"rows 20–24: {key}"}


def overwrite(name, text):
    return lambda run: run.bucket.put_stream(f"{FOLDER}/{name}", iter([text]))


def overwrite_object(start, text):
    return lambda run: run.bucket.put_stream(run.key(start), iter([text]))


def change_manifest(**changes):
    return lambda run: run.bucket.put_json(run.prefix.manifest, run.manifest() | changes)


def change_receipt(number, **changes):
    def change(run):
        manifest = run.manifest()
        manifest["receipts"][number] |= changes
        run.bucket.put_json(run.prefix.manifest, manifest)

    return change


def vouched(start, text):
    """An object that its receipt vouches for, by whoever may write them both."""

    def change(run):
        run.bucket.put_stream(run.key(start), iter([text]))
        manifest = run.manifest()
        (receipt,) = (each for each in manifest["receipts"] if each["start"] == start)
        receipt |= {"bytes": len(text), "sha256": hashlib.sha256(text).hexdigest()}
        manifest["bytes"] = sum(each["bytes"] for each in manifest["receipts"])
        batch = Batch(receipt["start"], receipt["rows"])
        run.bucket.put_json(run.prefix.receipt(batch), receipt)
        run.bucket.put_json(run.prefix.manifest, manifest)

    return change


DAMAGE = {
    "object gone": (
        lambda run: run.bucket.delete(run.key(10)),
        ["rows 10–19: .*data_from_10.[a-z]+.csv: it is not there"],
    ),
    "object empty": (vouched(10, b""), ["the header is '', not 'id, name, at'"]),
    "other header": (vouched(10, b"id,nom,at\n"), ["the header is 'id, nom, at'"]),
    "a field too many": (
        vouched(10, b"id,name,at\n1,2,3\n1,2,3,4\n"),
        ["row 1 has 4 fields, not 3"],
    ),
    "not UTF-8": (
        vouched(10, b"id,name,at\n\xff,2,3\n"),
        ["cannot be read: 'utf-8' codec"],
    ),
    "a quote left open": (vouched(10, b'id,name,at\n1,"2,3\n'), ["cannot be read"]),
    "fewer rows": (
        vouched(10, b"id,name,at\n1,2,3\n"),
        ["its rows is 1; the receipt says 10"],
    ),
    "other bytes": (
        overwrite_object(10, b"id,name,at\n1,2,3\n"),
        ["its bytes is 17; the receipt says", "its sha256 is"],
    ),
    "more bytes": (
        overwrite_object(10, b"id,name,at\n" + b"1,2,3\n" * 1_000),
        ["its bytes is more than", "its sha256 is"],
    ),
    "receipt gone": (
        lambda run: run.bucket.delete(f"{FOLDER}/_receipts/data_from_10.json"),
        ["rows 10–19: .*_receipts/data_from_10.json: it is not there, or no receipt"],
    ),
    "receipt of another attempt": (
        lambda run: run.bucket.put_json(f"{FOLDER}/_receipts/data_from_10.json", {"rows": 10}),
        ["data_from_10.json: it is not there, or no receipt"],
    ),
    "hashes gone": (
        lambda run: run.bucket.delete(run.hashes(10)),
        ["rows 10–19: .*_receipts/data_from_10.[a-z]+.rows"],
    ),
    "other hashes": (
        lambda run: run.bucket.put_stream(run.hashes(10), run.bucket.get(run.hashes(0))),
        ["rows 10–19: .*_receipts/data_from_10.[a-z]+.rows has another SHA-256"],
    ),
    "rows that its proof does not admit": (
        change_manifest(proof={"rows": {"repeated": 2}}),
        ["0 rows come twice; its proof says 2"],
    ),
    "stray object": (
        overwrite("data_from_7.csv", b"x"),
        ["data_from_7.csv: it is in the store, and the mani"],
    ),
    "stray receipt": (
        overwrite("_receipts/data_from_7.json", b"x"),
        ["_receipts/data_from_7.json: it is in the"],
    ),
    "being removed": (
        lambda run: run.bucket.put_json(run.prefix.tombstone, {}),
        ["_removing/20260101T000000-aaaa.json: it is there: this run is being removed"],
    ),
    "other sums": (
        change_manifest(rows=26, bytes=1),
        [
            "says 26 rows; its receipts add up to 25",
            "says 1 bytes",
        ],
    ),
    "other count": (
        lambda run: change_manifest(source=run.manifest()["source"] | {"count": 24})(run),
        ["the source had 24 rows; the receipts have 25"],
    ),
    "a gap": (
        change_receipt(2, start=21),
        [
            "starts at row 21, and the one before ends at 20",
            "_receipts/data_from_21.json: it is not there",
            "data_from_20.json: it is in",
        ],
    ),
    "no manifest": (
        lambda run: run.bucket.delete(run.prefix.manifest),
        ["_manifest.json: it is not there: the run is not committed"],
    ),
    "torn manifest": (
        overwrite("_manifest.json", b'{"version": 1'),
        ["no manifest of this run: it is no"],
    ),
    "foreign manifest": (
        overwrite("_manifest.json", b'{"hello": "world", "source": {}, "receipts": [{"key": "../../etc"}]}'),
        [
            "its dataset is None",
            "its version is None",
            "its columns is None",
        ],
    ),
    "a manifest of another run": (
        change_manifest(run="20260102T0-b"),
        ["its run is '20260102T0-b', not '20260101T000000-aaaa'"],
    ),
    "a receipt of another run's object": (
        change_receipt(0, key="things/20260102T0-b/data_from_0.csv"),
        ["its receipt 0 is .*none of an object below things/20260101T000000-aaaa/"],
    ),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_each_damage_is_found(run, name):
    damage, says = DAMAGE[name]
    damage(run)
    said = "\n".join(map(str, audit(run.bucket, run.prefix).findings))
    for pattern in says:
        assert re.search(pattern, said), said


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (b'{"id": 1, "title": "x"}\n', "row 0 has other columns"),
        (b"[1]\n", "row 0 has other columns"),
        (b"{\n", "row 0 is not JSON"),
        (b"[" * 100_000 + b"\n", "row 0 is not JSON"),
    ],
)
def test_lines_that_are_no_rows(source, make_run, line, says):
    run = make_run(source(ROWS), format="ndjson")
    run.whole()
    vouched(0, line)(run)
    assert says in audit(run.bucket, run.prefix).findings[0].got


def test_parquet_of_other_types(source, make_run):
    whole = make_run(source(ROWS), format="parquet")
    whole.whole()
    change_receipt(0, types={"id": "string", "name": "string", "at": "double"})(whole)
    said = [finding.got for finding in audit(whole.bucket, whole.prefix).findings]
    assert "column id is of type int64, not string" in said


@pytest.mark.parametrize("grown", [False, True])
def test_nothing_is_unpacked_that_is_not_what_was_copied(source, make_run, monkeypatch, grown):
    """2 MB of gzip may hold a line of 2 GB."""
    run = make_run(source(ROWS), compression="gzip")
    run.whole()
    key = run.key(0)
    size = run.manifest()["receipts"][0]["bytes"]
    bomb = gzip.compress(b"x" * (8 << 20))
    run.bucket.put_stream(key, iter([bomb if grown else bomb[:size].ljust(size, b"x")]))
    unpacked = []
    real = gzip.GzipFile.readinto
    monkeypatch.setattr(
        gzip.GzipFile, "readinto", lambda file, into: unpacked.append(file) or real(file, into)
    )
    found = [finding for finding in audit(run.bucket, run.prefix).findings if key in finding.where]
    assert re.search("sha256|bytes", found[0].got)
    assert len(set(map(id, unpacked))) == 2  # the others
