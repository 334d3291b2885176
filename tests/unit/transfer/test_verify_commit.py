"""A run is shown only when everything agrees, and every disagreement is said at once."""

import dataclasses
import re

import pytest

from include.transfer import run as steps
from include.transfer.commit.drift import drifted
from include.transfer.commit.verify import check_reported, compare_with_store
from include.transfer.errors import Unverified
from include.transfer.policy import Policy
from include.transfer.source.count import Count
from tests.lake_keys import unmarked
from tests.servers.faults import Fault

ROWS = [{"id": n, "name": f"row {n}"} for n in range(40)]


def findings(run, batches=None, **source):
    before = now = Count(run.source.total, run.api.count().version)
    found = verified(run, batches)
    return found.findings + drifted(found.receipts, before, dataclasses.replace(now, **source))


def verified(run, batches=None):
    return compare_with_store(run.bucket, run.prefix, batches or run.batches(), run.dataset)


def publish(run, batches=None, digest=None, **policy):
    batches = run.batches() if batches is None else batches
    source = run.api.count()
    said = {
        "rows": source.rows,
        "version": source.version,
        "url": run.api.url,
        "digest": verified(run, batches).digest if digest is None else digest,
        "batches": [batch.to_dict() for batch in batches],
        "appended": 0,
        "drift": None,
    }
    steps.commit(run.dataset, run.bucket, said, run.prefix.run, Policy(**policy))
    return run.bucket.get_json(run.prefix.manifest)


@pytest.fixture
def run(source, make_run):
    made = make_run(source(ROWS, version='"v1"'), version_header="ETag", format="ndjson")
    made.copy_all()
    return made


def key(start):
    return f"things/20260101T000000-aaaa/data_from_{start}.ndjson"


def receipt_key(start):
    return f"things/20260101T000000-aaaa/_receipts/data_from_{start}.json"


def change_receipt(run, start, **changes):
    run.bucket.put_json(receipt_key(start), {**run.bucket.get_json(receipt_key(start)), **changes})


def test_nothing_to_object(run):
    assert findings(run) == []
    assert [receipt.start for receipt in verified(run).receipts] == [0, 10, 20, 30]


DAMAGE = {
    "object gone": (
        lambda run: run.bucket.delete(run.key(10)),
        "rows 10–19: there is no object .*data_from_10",
    ),
    "object shorter": (
        lambda run: run.bucket.put_stream(run.key(10), iter([b"x"])),
        "data_from_10.* has 1 bytes",
    ),
    "object overwritten": (
        lambda run: run.bucket.put_stream(run.key(10), iter([b"x" * run.bucket.head(run.key(10)).bytes])),
        "data_from_10.* ETag .*its receipt says",
    ),
    "receipt gone": (lambda run: run.bucket.delete(receipt_key(10)), "rows 10–19: there is no receipt"),
    "receipt torn": (
        lambda run: run.bucket.put_stream(receipt_key(10), iter([b'{"k'])),
        "rows 10–19: there is no receipt",
    ),
    "receipt of nonsense": (
        lambda run: change_receipt(run, 10, columns=None),
        "rows 10–19: there is no receipt",
    ),
    "other rows": (lambda run: change_receipt(run, 10, rows=9), "the receipt is of rows 10–18 in"),
    "other settings": (
        lambda run: change_receipt(run, 10, fingerprint="x"),
        "was copied with other settings",
    ),
    "other columns": (
        lambda run: change_receipt(run, 10, columns=["id"]),
        "rows 10–19: .*data_from_10.* has the columns id; .*data_from_0.* has id, name",
    ),
    "other types": (
        lambda run: change_receipt(run, 10, types={"id": "double"}),
        "the columns id have other types",
    ),
    "twins": (
        lambda run: [change_receipt(run, start, sha256="5" * 64, hashes="") for start in (0, 10)],
        "data_from_0.*data_from_10.*: they hold the same bytes",
    ),
    "versions": (
        lambda run: change_receipt(run, 10, source_version="v0"),
        "copied rows 0–9 at version v1, rows 10–19 at version v0, rows 20–39 at version v1",
    ),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_each_damage_is_found(run, name):
    damage, says = DAMAGE[name]
    damage(run)
    (finding,) = findings(run)
    assert re.search(says, str(finding))
    assert finding.fix


def test_everything_is_said_at_once(run):
    run.bucket.delete(run.key(0))
    run.bucket.delete(receipt_key(10))
    change_receipt(run, 20, columns=["id"])
    found = findings(run, rows=41, version="v2")
    assert len(found) == 5
    with pytest.raises(Unverified, match=r"5 finding\(s\), nothing is committed"):
        raise Unverified(found)


def test_a_source_that_changed(run):
    (grown,) = findings(run, rows=41)
    assert "40 → 41 rows" in grown.got
    assert "on_drift" in grown.fix
    (shrunk,) = findings(run, rows=39)
    assert "40 → 39 rows" in shrunk.got
    assert "on_drift" not in shrunk.fix
    (edited,) = findings(run, version="v2")
    assert "planned at version v1, now at v2, copied rows 0–39 at version v1" in edited.got
    assert findings(run, version=None) == []


def test_an_object_that_another_attempt_replaced(run):
    receipts = verified(run).receipts
    reported = [{"start": each.start, "rows": each.rows, "sha256": each.sha256} for each in receipts]
    assert list(check_reported(reported, receipts)) == []
    assert list(check_reported(reported[1:], receipts)) == []
    reported[2]["sha256"] = "0" * 64
    (finding,) = check_reported(reported, receipts)
    assert (finding.where, "000000000000" in finding.got) == ("rows 20–29", True)


@pytest.mark.parametrize(("format", "objections"), [("csv", 1), ("ndjson", 0), ("parquet", 0)])
def test_order_of_columns_matters_where_databases_load_by_position(source, make_run, format, objections):
    def turned(rows):
        return [dict(reversed(row.items())) for row in rows]

    served = source(ROWS[:20]).fault(Fault.rows(turned), when=lambda r: r.query.get("start") == "10")
    run = make_run(served, format=format)
    run.copy_all()
    assert len(findings(run)) == objections


def test_a_manifest_holds_the_run(run):
    manifest = publish(run)
    assert run.bucket.get_json(run.prefix.manifest) == manifest
    assert manifest["created_at"].endswith("+00:00")
    assert [unmarked(r["key"]) for r in manifest["receipts"]] == [key(start) for start in (0, 10, 20, 30)]
    assert manifest["bytes"] == sum(run.bucket.head(r["key"]).bytes for r in manifest["receipts"])
    said = ("version", "dataset", "run", "format", "compression", "batch_size", "rows")
    assert {k: manifest[k] for k in said} == {
        "version": 2, "dataset": "things", "run": "20260101T000000-aaaa", "format": "ndjson",
        "compression": "none", "batch_size": 10, "rows": 40,
    }  # fmt: skip
    assert manifest["source"] == {"url": f"{run.source.url}/api/get", "count": 40, "version": "v1"}
    assert (manifest["columns"], manifest["types"]) == (["id", "name"], {})
    assert run.bucket.get_json("things/_latest.json") == {
        "run": run.prefix.run,
        "manifest": run.prefix.manifest,
        "log": 1,
    }


def test_committing_again_changes_nothing(run):
    first = publish(run)
    before = run.bucket.head(run.prefix.manifest)
    run.bucket.put_json(run.prefix.manifest, {**first, "created_at": "long ago"})
    assert publish(run)["created_at"] == "long ago"
    assert before is not None


def test_other_receipts_than_were_verified_are_refused(run):
    digest = verified(run).digest
    change_receipt(run, 10, seconds=99.0)
    with pytest.raises(Unverified, match="receipts changed"):
        publish(run, digest=digest)
    run.bucket.delete(receipt_key(10))
    with pytest.raises(Unverified, match="receipts changed"):
        publish(run, digest=digest)
    assert run.bucket.head(run.prefix.manifest) is None


def test_strays_of_this_run_go_and_all_else_stays(run):
    strays = [key(50), key(5), "things/20260101T000000-aaaa/data_from_7.csv.gz"]
    others = [
        "things/20260101T000000-aaaa/notes.txt",
        "things/20260101T000000-aaaa/deeper/data_from_7.csv",
        "things/20260101T000000-aaaab/data_from_7.csv",
        "other/20260101T000000-aaaa/data_from_7.csv",
    ]
    for name in strays + others:
        run.bucket.put_stream(name, iter([b"x"]))
    publish(run)
    assert not set(strays) & set(run.stored_keys())
    assert set(others) | {run.key(0), run.key(30)} <= set(run.stored_keys())


def test_a_smaller_plan_is_published_before_the_old_objects_go(run):
    publish(run)
    run.source.rows = ROWS[:20]
    left = [run.key(0), run.key(10)]
    old = {name for start in (20, 30) for name in (run.key(start), run.hashes(start), receipt_key(start))}
    swept = []

    class Watched(type(run.bucket)):
        def delete(self, name, etag=""):
            manifest = self.get_json(run.prefix.manifest)
            swept.append((name, [receipt["key"] for receipt in manifest["receipts"]]))
            super().delete(name, etag)

    run.bucket = Watched(run.bucket._client, run.bucket.name)
    publish(run)
    assert {name for name, _ in swept} == old
    assert all(named == left for _, named in swept)
    assert not old & set(run.stored_keys())


def test_no_rows_commit_an_empty_run(source, make_run):
    run = make_run(source([]), types={"id": "int64"})
    manifest = publish(run, batches=[])
    assert (manifest["rows"], manifest["receipts"], manifest["columns"]) == (0, [], ["id"])


def latest(run):
    return run.bucket.get_json("things/_latest.json")["run"]


def test_latest_only_moves_forward(source, make_run):
    served = source(ROWS)
    for name, expected in [
        ("20260102T0-b", "b"),
        ("20260101T0-a", "b"),
        ("20260103T0-c", "c"),
        ("20260102T0-b", "c"),
    ]:
        run = make_run(served, run=name)
        run.copy_all()
        publish(run)
        assert latest(run).endswith(expected)
    run.bucket.delete("things/20260103T0-c/_manifest.json")
    publish(run)
    assert latest(run) == "20260102T0-b"
    run.bucket.put_json("things/_latest.json", ["garbage"])
    publish(run)
    assert latest(run) == "20260102T0-b"


def test_of_two_commits_at_once_the_pointer_names_the_newer(source, make_run):
    """The newer run commits between the older one's look and its write."""
    served = source(ROWS)
    older, newer = make_run(served, run="20260101T0-a"), make_run(served, run="20260102T0-b")
    newer.copy_all()

    class Raced(type(older.bucket)):
        def put_json(self, name, value, condition=None):
            if name == "things/_latest.json" and newer.manifest() is None:
                newer.commit()
            return super().put_json(name, value, condition)

    older.bucket = Raced(older.bucket._client, older.bucket.name)
    older.whole()
    assert latest(older) == "20260102T0-b"


def test_a_store_that_goes_on_showing_the_old_pointer_does_not_hold_a_commit_up(run):
    class Lagging(type(run.bucket)):
        def get_json(self, name):
            return None if name == "things/_latest.json" else super().get_json(name)

    run.bucket = Lagging(run.bucket._client, run.bucket.name)
    assert publish(run)["rows"] == 40


def test_a_listing_that_lags_behind_is_asked_object_by_object(run):
    class Lagging(type(run.bucket)):
        def objects(self, prefix):
            return iter([stored for stored in super().objects(prefix) if "data_from_1" not in stored.key])

    run.bucket = Lagging(run.bucket._client, run.bucket.name)
    assert publish(run)["rows"] == 40
