"""The columns of a table and its partitions: as the contracts and the windows have them."""

import pytest

from include.transfer.publish.catalog import TableRefused
from include.transfer.publish.partitions import partition_of
from include.transfer.source.windows import Window
from tests.servers.iceberg import NAMES, ROWS, read, spec


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
