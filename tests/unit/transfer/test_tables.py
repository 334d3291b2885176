"""A dataset's table in an Iceberg catalog: what it shows is what the commit log says, whatever happens."""

import pytest

from include.transfer.errors import BadSettings
from include.transfer.publish.catalog import CatalogSettings, CatalogUnavailable, TableRefused, named
from include.transfer.publish.storage import with_storage
from include.transfer.publish.table import LakeTable
from include.transfer.store.keys import Prefix
from include.transfer.store.options import Settings
from tests.servers.iceberg import NAMES, ROWS, files, read, shown
from tests.servers.memory_bucket import Killed


def test_another_engine_reads_what_was_committed(commit, catalog):
    duckdb = pytest.importorskip("duckdb")
    commit()
    fires = catalog.catalog.load_table("lake.things").scan().to_arrow()
    read = duckdb.from_arrow(fires).aggregate("count(*), sum(acres), min(name), max(name)").fetchall()
    assert read == [(25, 150.0, "fire 0", "fire 9")]
    assert sorted(fires.to_pylist(), key=lambda row: row["id"]) == ROWS


def test_a_snapshot_replaces_the_one_before_in_one_step(commit, catalog):
    commit()
    last = commit(ROWS[:20], NAMES[1])
    table = catalog.catalog.load_table("lake.things")
    assert read(catalog) == ROWS[:20]
    assert [read(catalog, each.snapshot_id) for each in table.snapshots()] == [ROWS, ROWS[:20]]
    assert shown(catalog) == [1, 2]
    assert {last.bucket.uri(receipt["key"]) for receipt in last.manifest()["receipts"]} == files(catalog)


def test_the_same_commit_twice_is_once(commit, catalog):
    run = commit()
    before = catalog.catalog.load_table("lake.things").metadata_location
    table = LakeTable(run.dataset, run.bucket, catalog)
    run.whole(table=table)
    table.bring_up(run.prefix)
    assert catalog.catalog.load_table("lake.things").metadata_location == before


@pytest.mark.parametrize("rows", [ROWS[:0], ROWS[:1]])
def test_a_run_of_few_rows_or_none_is_in_the_table_too(commit, catalog, rows):
    commit(policy={"force": True})
    commit(rows, NAMES[1], types={"id": "int64", "name": "string", "acres": "double"})
    assert read(catalog) == rows
    assert shown(catalog) == [1, 2]


def test_windows_are_added_and_one_that_is_copied_again_is_replaced(days, catalog):
    days.add(0, 0, 1, 2)
    days.run(0, 2)
    first = files(catalog)
    days.run(2, 4)  # the second is empty
    assert read(catalog) == days.rows
    assert first < files(catalog)
    days.rows[2]["acres"] = 7
    days.add(3)
    days.run(0, 4)
    assert read(catalog) == days.rows
    assert len(first & files(catalog)) == 1  # of the day that has not changed
    assert shown(catalog) == [1, 2, 3]


def test_a_run_that_finds_nothing_new_still_finishes_what_another_left(days, catalog):
    days.add(0, 1)
    days.run(0, 1)
    whole, days.table = days.table, _Dead()
    with pytest.raises(Killed):
        days.run(1, 2)
    days.table = whole
    assert "removed" not in days.run(0, 2)
    assert read(catalog) == days.rows


class _Dead:
    def bring_up(self, prefix):
        raise Killed


class Mortal:
    """A catalog whose process is killed at one of its calls: before what that does, or after."""

    CALLS = ("create_namespace_if_not_exists", "load_table", "create_table", "commit_table")

    def __init__(self, catalog, dies_at, after):
        self.left, self.died = dies_at, False
        for name in self.CALLS:
            setattr(catalog, name, self._counted(getattr(catalog, name), after))

    def _counted(self, call, after):
        def counted(*arguments, **named):
            self.left -= 1
            dies = self.left == 0
            self.died |= dies
            if dies and not after:
                raise Killed
            try:
                return call(*arguments, **named)
            finally:
                if dies:
                    raise Killed

        return counted


@pytest.mark.parametrize("after", [False, True])
def test_whatever_a_killed_commit_left_the_next_one_finishes(days, catalog, after):
    for dies_at in range(1, 100):
        days.add(dies_at)
        days.table = LakeTable(days.api.dataset, days.bucket, CatalogSettings(catalog.properties))
        mortal = Mortal(days.table._settings.catalog, dies_at, after)
        try:
            days.run(dies_at, dies_at + 1)
        except Killed:
            days.table = LakeTable(days.api.dataset, days.bucket, catalog)
            if dies_at % 2:
                days.rows[-1]["acres"] += 1
                days.run(dies_at, dies_at + 1)
            else:
                days.table.bring_up(Prefix("fires", "x"))
        assert read(catalog) == days.rows
        if not mortal.died:
            break
    assert dies_at > 2
    assert shown(catalog) == sorted(set(shown(catalog)))


def test_of_two_commits_at_once_the_second_goes_on_from_the_first(days, catalog, monkeypatch):
    days.add(0, 1, 2)
    days.run(0, 1)
    opened, late = days.table._settings.catalog, LakeTable(days.api.dataset, days.bucket, catalog)
    commit_table = opened.commit_table

    def overtaken(*arguments):
        monkeypatch.setattr(opened, "commit_table", commit_table)
        days.table = late
        days.run(2, 3)
        return commit_table(*arguments)

    monkeypatch.setattr(opened, "commit_table", overtaken)
    days.run(1, 2)
    assert read(catalog) == days.rows
    assert shown(catalog)[-1] == 3


def test_a_table_of_another_dataset_is_refused(commit, catalog):
    commit()
    with pytest.raises(TableRefused) as raised:
        commit(name="others")
    assert "s3://transfer/things/" in raised.value.got
    assert read(catalog) == ROWS


def test_what_somebody_else_wrote_into_the_table_is_not_written_over(commit, catalog):
    commit()
    table = catalog.catalog.load_table("lake.things")
    ours = table.current_snapshot().snapshot_id
    table.delete("id = 3")
    with pytest.raises(TableRefused) as raised:
        commit(ROWS[:9], NAMES[1])
    assert str(catalog.catalog.load_table("lake.things").current_snapshot().snapshot_id) in raised.value.got
    assert len(read(catalog)) == 24
    catalog.catalog.load_table("lake.things").manage_snapshots().rollback_to_snapshot(ours).commit()
    commit(ROWS[:9], NAMES[1])
    assert read(catalog) == ROWS[:9]


def test_a_table_that_is_ahead_of_its_log_is_refused(commit, catalog):
    commit()
    run = commit(run=NAMES[1])
    for stored in list(run.bucket.objects("things/_l")):
        run.bucket.delete(stored.key)
    with pytest.raises(TableRefused):
        commit(run=NAMES[2])


def test_a_catalog_that_does_not_answer_may_later(commit):
    run = commit()
    away = CatalogSettings({"type": "sql", "uri": "postgresql+psycopg://lake:opensesame-1@127.0.0.1:1/lake"})
    with pytest.raises(CatalogUnavailable):
        LakeTable(run.dataset, run.bucket, away).bring_up(run.prefix)


@pytest.mark.parametrize("text", ["postgresql://lake:opensesame-1@db/lake", "opensesame-2", "opensesame-3"])
def test_what_a_library_says_of_a_catalog_holds_none_of_its_secrets(text):
    uri = "postgresql://lake:opensesame-1@db/lake"
    settings = CatalogSettings({"uri": uri, "credential": "me:opensesame-2", "token": "opensesame-3"})
    with pytest.raises(CatalogUnavailable) as raised, named(settings, "lake.things"):
        raise OSError(f"no answer for {text}")
    assert "no answer" in raised.value.got
    assert "opensesame" not in repr(settings)
    assert "opensesame" not in str(raised.value)


def test_no_key_is_in_anything_that_is_stored(commit, catalog, store):
    run = commit()
    stored = [run.bytes_of(key) for key in run.stored_keys()]
    assert any(b"metadata-log" in data for data in stored)
    for secret in (store.secret_key, store.access_key):
        assert not any(secret.encode() in data for data in stored)


def test_a_dataset_with_a_table_needs_its_catalog(commit, source, make_run):
    run = make_run(source(ROWS), format="parquet", table="lake.things")
    with pytest.raises(BadSettings):
        run.whole()
    assert run.manifest() is None


@pytest.mark.parametrize(
    ("own", "keys"),
    [
        ({}, ("key", "secret", "token")),
        ({"s3.endpoint": "http://inside:9000"}, ("key", "secret", "token")),
        ({"s3.access-key-id": "own", "s3.secret-access-key": "hidden"}, ("own", "hidden", None)),
    ],
)
def test_the_store_is_the_datasets_unless_the_catalog_says_another(own, keys):
    found = with_storage({"type": "sql", **own}, Settings("http://store:1", "eu", ("key", "secret", "token")))
    names = ("s3.access-key-id", "s3.secret-access-key", "s3.session-token")
    assert tuple(map(found.get, names)) == keys
    assert found["s3.endpoint"] == own.get("s3.endpoint", "http://store:1")
    assert found["s3.region"] == "eu"
