"""Snapshots of a table go before the objects that they name, and no object that one names goes."""

from tests.servers.iceberg import NAMES, ROWS, read, shown


def test_a_snapshot_goes_before_what_it_names(commit, catalog):
    for at, name in enumerate(NAMES[:4]):
        last = commit(ROWS[at:], name, policy={"keep_runs": 2})
    assert last.bucket.gone == 6
    assert shown(catalog) == [3, 4]
    table = catalog.catalog.load_table("lake.things")
    assert len(table.current_snapshot().manifests(table.io)) == 2  # what was added, and what was removed
    assert [
        read(catalog, each.snapshot_id) for each in catalog.catalog.load_table("lake.things").snapshots()
    ] == [
        ROWS[2:],
        ROWS[3:],
    ]


def test_a_snapshot_goes_with_its_entry_of_the_log_though_its_objects_stay(days, catalog):
    days.add(0, 1, 2)
    for day in range(3):
        days.run(day, day + 1, keep_runs=2)
    assert shown(catalog) == [2, 3]
    assert read(catalog) == days.rows


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
