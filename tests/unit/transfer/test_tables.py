"""A dataset's table in an Iceberg catalog: what it shows is what the commit log says, whatever happens."""

from datetime import UTC, datetime, timedelta

import pytest

from include.transfer import run as steps
from include.transfer.errors import BadSettings
from include.transfer.publish.catalog import CatalogSettings, CatalogUnavailable, TableRefused
from include.transfer.publish.partitions import partition_of
from include.transfer.publish.storage import with_storage
from include.transfer.publish.table import LOG, LakeTable
from include.transfer.source.windows import Window
from include.transfer.store.bucket import Bucket
from include.transfer.store.keys import Prefix
from include.transfer.store.options import Settings
from include.transfer.windowed.due import Interval
from tests.servers.memory_bucket import Killed
from tests.servers.windowed_source import WindowedSource

START = datetime(2026, 1, 1, tzinfo=UTC)
ROWS = [{"id": n, "name": f"fire {n}", "acres": n / 2} for n in range(25)]
NAMES = [f"2026010{day}T000000-{day}" for day in range(1, 7)]


class Watched(Bucket):
    """A bucket from which nothing goes that a snapshot names."""

    catalog: CatalogSettings
    gone = 0

    def delete(self, key, etag=""):
        if "/data_" in key and "_receipts" not in key:
            for snapshot in self.catalog.catalog.load_table("lake.things").snapshots():
                assert self.uri(key) not in files(self.catalog, snapshot.snapshot_id)
            self.gone += 1
        super().delete(key, etag)


@pytest.fixture
def catalog(store, tmp_path):
    """A catalog in a database of the test's own, and the test's store for all files."""
    own = {"type": "sql", "uri": f"sqlite:///{tmp_path}/catalog.db"}
    keys = (store.access_key, store.secret_key, None)
    return CatalogSettings(with_storage(own, Settings(store.endpoint, None, keys)))


@pytest.fixture
def watched(bucket, catalog):
    found = Watched(bucket._client, bucket.name)
    found.catalog = catalog
    return found


@pytest.fixture
def commit(source, make_run, catalog, watched):
    """Copies rows in a run of a dataset with a table; returns the run."""

    def whole(rows=ROWS, run=NAMES[0], table="lake.things", policy=None, **settings):
        made = make_run(source(rows), run=run, format="parquet", table=table, **settings)
        made.bucket = watched
        made.whole(table=LakeTable(made.dataset, watched, catalog), **(policy or {}))
        return made

    return whole


def files(catalog, snapshot_id=None):
    scan = catalog.catalog.load_table("lake.things").scan(snapshot_id=snapshot_id)
    return {task.file.file_path for task in scan.plan_files()}


def read(catalog, snapshot_id=None):
    """The table's rows, by their id."""
    scan = catalog.catalog.load_table("lake.things").scan(snapshot_id=snapshot_id)
    return sorted(scan.to_arrow().to_pylist(), key=lambda row: row["id"])


def shown(catalog):
    """The entry of the log that each snapshot shows, in the order of their commits."""
    table = catalog.catalog.load_table("lake.things")
    return [int(each.summary.additional_properties[LOG]) for each in table.snapshots()]


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


class Days:
    """A source by days, in a lake whose table has one, too."""

    def __init__(self, bucket, catalog):
        self.rows, self.bucket, self.catalog = [], bucket, catalog
        self.api = WindowedSource(self.rows).api(format="parquet", table="lake.things")
        self.table = LakeTable(self.api.dataset, bucket, catalog)
        self.runs = 0

    def add(self, *days):
        for day in days:
            at = START + timedelta(days=day, hours=len(self.rows) % 24)
            self.rows.append({"id": len(self.rows), "at": at.isoformat(), "acres": 1})

    def run(self, since, until):
        """Copy these days, in a run of its own."""
        self.runs += 1
        ends = ((START + timedelta(days=day)).isoformat() for day in (since, until))
        run = f"20260101T{self.runs:06d}-aaaa"
        return steps.run(self.api, self.bucket, run, interval=Interval(*ends), table=self.table)


@pytest.fixture
def days(watched, catalog):
    return Days(watched, catalog)


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


def test_a_snapshot_goes_before_what_it_names(commit, catalog):
    for at, name in enumerate(NAMES[:4]):
        last = commit(ROWS[at:], name, policy={"keep_runs": 2})
    assert last.bucket.gone == 6
    assert shown(catalog) == [3, 4]
    assert [
        read(catalog, each.snapshot_id) for each in catalog.catalog.load_table("lake.things").snapshots()
    ] == [
        ROWS[2:],
        ROWS[3:],
    ]


def test_what_a_tag_names_stays_and_goes_with_it(commit, catalog):
    commit()
    table = catalog.catalog.load_table("lake.things")
    tagged = table.current_snapshot().snapshot_id
    table.manage_snapshots().create_tag(tagged, "audited").commit()
    for name in NAMES[1:3]:
        last = commit(ROWS[1:], name, policy={"keep_runs": 1})
    assert read(catalog, tagged) == ROWS
    assert shown(catalog) == [1, 3]
    table = catalog.catalog.load_table("lake.things")
    table.manage_snapshots().remove_tag("audited").commit()
    commit(ROWS[2:], NAMES[3], policy={"keep_runs": 1})
    assert shown(catalog) == [4]
    assert [key for key in last.stored_keys() if NAMES[0] in key] == []


def test_objects_of_a_run_that_is_committed_anew_go_behind_its_snapshot(commit, catalog):
    commit()
    commit(ROWS[:20], NAMES[1])
    again = commit([{**row, "acres": 0.5} for row in ROWS[:20]], NAMES[1])
    assert again.bucket.gone == 2
    assert {row["acres"] for row in read(catalog)} == {0.5}
    assert shown(catalog) == [1, 3]


def test_a_new_column_is_null_in_older_rows(days, catalog):
    days.add(0, 1)
    days.run(0, 1)
    days.rows[1]["cause"] = "lightning"
    days.run(1, 2)
    assert [row["cause"] for row in read(catalog)] == [None, "lightning"]


def test_a_column_of_another_type_is_refused_by_name_and_undoes_nothing(commit, catalog):
    commit()
    other = [{**row, "acres": "many"} for row in ROWS]
    with pytest.raises(TableRefused) as raised:
        commit(other, NAMES[1])
    assert "acres" in raised.value.got
    assert read(catalog) == ROWS
    catalog.catalog.drop_table("lake.things")
    commit(other, NAMES[1])
    assert read(catalog) == other


def test_names_of_columns_are_kept_as_they_are(commit, catalog):
    rows = [{"id": 1, "a.b": "x", "ID": 2, "größe (m²)": 0.5, "select": True}]
    commit(rows)
    assert read(catalog) == rows


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


def test_a_catalog_that_does_not_answer_leaves_the_run_committed_and_hides_its_password(commit, store):
    uri = "postgresql+psycopg://lake:opensesame-1@127.0.0.1:1/lake"
    away = CatalogSettings({"type": "sql", "uri": uri})
    run = commit()
    table = LakeTable(run.dataset, run.bucket, away)
    with pytest.raises(CatalogUnavailable) as raised:
        table.bring_up(run.prefix)
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


def spec(catalog):
    return [str(field.transform) for field in catalog.catalog.load_table("lake.things").spec().fields]


def test_a_table_is_partitioned_by_its_windows_field(days, catalog):
    days.add(0, 1, 1)
    days.run(0, 3)
    assert spec(catalog) == ["truncate[10]"]
    days.rows[1]["acres"] = 7
    days.add(2)
    days.run(1, 3)
    assert read(catalog) == days.rows
    table = catalog.catalog.load_table("lake.things")
    scan = table.scan("at >= '2026-01-03'")
    assert len(list(scan.plan_files())) == 1
    assert scan.to_arrow().num_rows == 1


def test_an_object_of_several_partitions_ends_them_and_loses_nothing(days, catalog):
    days.add(0, 1)
    days.run(0, 2)
    # Of one day by the clock of UTC, whose windows these are, and of two by their texts.
    for at in ("2026-01-03T23:30:00+00:00", "2026-01-04T00:30:00+01:00"):
        days.rows.append({"id": len(days.rows), "at": at, "acres": 1})
    days.run(2, 3)
    days.add(3)
    days.run(3, 4)
    days.rows[0]["acres"] = 7
    days.run(0, 1)
    assert spec(catalog) == []
    assert read(catalog) == days.rows


@pytest.mark.parametrize(
    ("window", "kind", "width"),
    [
        ({"step": "P1M", "format": "date"}, "string", 7),
        ({"step": "P1Y"}, "string", 4),
        ({"step": "PT1H"}, "string", 13),
        ({"step": "PT6H"}, "string", 10),
        ({"step": "P1D", "format": "epoch"}, "int64", 86_400),
        ({"step": "PT1H", "format": "epoch_ms"}, "int64", 3_600_000),
        ({"step": "100", "format": "integer", "start": "300"}, "int64", 100),
        ({"step": "100", "format": "integer", "start": "50"}, "int64", None),
        ({"step": "P1M", "format": "epoch"}, "int64", None),
        ({"step": "P1D", "format": "epoch", "zone": "Europe/Berlin"}, "int64", None),
        ({"step": "P1D", "format": "julian"}, "double", None),
        ({"step": "P1D", "format": "%d.%m.%Y"}, "string", None),
    ],
)
def test_partitions_are_as_windows_are_cut_where_the_type_allows_it(window, kind, width):
    found = partition_of(Window(field="at", **window), {"at": kind})
    assert (found.width if found else None) == width
