"""Comparing a snapshot with the published totals."""

from pathlib import Path

from services.wildfires_api.fpa_fod import FIRES
from services.wildfires_api.snapshot import Snapshot
from services.wildfires_api.totals import count, differences, published


def test_the_published_totals_do_not_differ_from_themselves() -> None:
    assert differences(published()) == []


def test_every_difference_is_a_line() -> None:
    found = published()
    found.values["STATE"].update({"CA": 1, "XX": 2})
    found.nulls["COUNTY"] -= 5
    found.nulls["FIRE_NAME"] += 400  # within what its published percentage leaves open
    assert [line.partition(":")[0] for line in differences(found)] == ["STATE CA", "STATE XX", "COUNTY"]


def test_a_generated_snapshot_is_counted(small_data: Path) -> None:
    found, known = count(Snapshot(small_data)), published()
    assert found.rows == 20_000
    assert all(counter.total() == 20_000 for counter in found.values.values())
    scale = 20_000 / FIRES
    years = known.values["FIRE_YEAR"]
    assert all(abs(n - years[year] * scale) < 20 for year, n in found.values["FIRE_YEAR"].items())
    # Acres come near the published ones: within a quarter at this size.
    assert 0.75 < found.acres.total() / (known.acres.total() * scale) < 1.25
