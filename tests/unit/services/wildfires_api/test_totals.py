"""The totals of a snapshot, beside the published ones."""

from pathlib import Path
from typing import Any

from services.wildfires_api.fpa_fod import FIRES, state_years
from services.wildfires_api.snapshot import Snapshot
from services.wildfires_api.totals import count, published


def test_a_generated_snapshot_is_counted(small_data: Path, rows: list[dict[str, Any]]) -> None:
    found, known = count(Snapshot(small_data)), published()
    assert (found.rows, known.rows) == (20_000, FIRES)
    for totals in (found, known):
        assert {counter.total() for counter in totals.values.values()} == {totals.rows}
    scale = 20_000 / FIRES
    years = known.values["FIRE_YEAR"]
    assert all(abs(n - years[year] * scale) < 20 for year, n in found.values["FIRE_YEAR"].items())
    # Acres come near the published ones: within a quarter at this size.
    acres = sum(group.acres for group in state_years()) * scale
    assert 0.75 < sum(row["FIRE_SIZE"] for row in rows) / acres < 1.25
