"""Comparing a dataset with the published totals."""

from collections import Counter
from pathlib import Path

from services.wildfires_api.check import differences, published, tally
from services.wildfires_api.dataset import Dataset
from services.wildfires_api.generator.published import FIRES


def test_the_published_totals_do_not_differ_from_themselves() -> None:
    assert differences(published()) == []


def test_every_difference_is_a_line() -> None:
    found = published()
    found.values["STATE"].update({"CA": 1, "XX": 2})
    found.nulls["COUNTY"] -= 5
    found.nulls["FIRE_NAME"] += 400  # within what its published percentage leaves open
    assert differences(found) == [
        "STATE CA: 189551 rows, 189550 published",
        "STATE XX: 2 rows, 0 published",
        "COUNTY: 678143 nulls, 678148 published",
    ]


def test_a_generated_dataset_is_counted(small_dataset: Path) -> None:
    found = tally(Dataset(small_dataset))
    assert found.rows == 20_000
    assert all(counter.total() == 20_000 for counter in found.values.values())
    years: Counter = published().values["FIRE_YEAR"]
    assert all(abs(n - years[year] * 20_000 / FIRES) < 20 for year, n in found.values["FIRE_YEAR"].items())
    # Acres come near the published ones: within a quarter at this size.
    assert 0.75 < sum(found.acres.values()) / (sum(published().acres.values()) * 20_000 / FIRES) < 1.25
