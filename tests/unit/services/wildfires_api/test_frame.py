"""The totals that are dealt out: at full size they are the published ones, exactly."""

import json
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.wildfires_api.fpa_fod import (
    CAUSES,
    CLASS_BOUNDS,
    FIRES,
    FIRES_PER_CLASS,
    SIZE_CLASSES,
    state_years,
)
from services.wildfires_api.generator.frame import BITS, GROUPS, Frame, cell_counts, make_frame
from services.wildfires_api.generator.quotas import apportion, class_quotas
from tests.project_files import PROJECT

# Published elsewhere than what the generator reads, so that a slip in either shows.
PUBLISHED = json.loads((PROJECT / "tests/data/fpa_fod_totals.json").read_text())
shares = st.lists(st.tuples(st.integers(0, 1000), st.integers(0, 1000)), min_size=1, max_size=30)


@pytest.fixture(scope="module")
def full() -> Frame:
    return make_frame(FIRES, seed=0)


def _per(full: Frame, name: str) -> dict[str, int]:
    found: Counter[str] = Counter()
    for group, n in enumerate(np.bincount(full.group)):
        found[str(getattr(GROUPS[group], name))] += int(n)
    return dict(found)


def test_fires_per_year_and_state(full: Frame) -> None:
    assert len(full) == PUBLISHED["rows"]
    assert _per(full, "year") == PUBLISHED["rows_per_year"]
    assert _per(full, "state") == PUBLISHED["rows_per_state"]


def test_fires_per_cause(full: Frame) -> None:
    found = dict(zip(CAUSES, np.bincount(full.cause).tolist(), strict=True))
    assert found == {cause: known["rows"] for cause, known in PUBLISHED["rows_per_cause"].items()}
    assert all(CAUSES[known["code"] - 1] == cause for cause, known in PUBLISHED["rows_per_cause"].items())


def test_every_state_year_and_cause_is_met(full: Frame) -> None:
    published = [n for group in state_years() for n in group.fires]
    assert np.bincount(full.group * len(CAUSES) + full.cause).tolist()[: len(published)] == published


def test_fires_per_size_class(full: Frame) -> None:
    found = np.bincount(full.size_class)
    assert tuple(found.tolist()) == FIRES_PER_CLASS
    for size_class, n in zip(SIZE_CLASSES, found, strict=True):
        assert round(n / FIRES, 6) == pytest.approx(PUBLISHED["size_class_fraction"][size_class], abs=1e-6)


def test_nulls_per_column(full: Frame) -> None:
    assert set(BITS) == set(PUBLISHED["null_counts"])
    assert {name: int((~full.has(name)).sum()) for name in BITS} == PUBLISHED["null_counts"]


def test_acres_of_the_large_fires_are_near_the_published_total(full: Frame) -> None:
    large = full.large_acres[full.large_acres > 0]
    assert len(large) == FIRES_PER_CLASS[-1]
    assert (CLASS_BOUNDS[-1][0] <= large.min(), large.max() <= CLASS_BOUNDS[-1][1]) == (True, True)
    # The fires below 5,000 acres burned about a quarter of it all.
    assert 0.65 < large.sum() / PUBLISHED["total_acres"] < 0.85


def test_a_prefix_is_a_fair_sample(full: Frame) -> None:
    rows = 20_000
    found = Counter(GROUPS[group].state for group in full.group[:rows])
    for state, n in PUBLISHED["rows_per_state"].items():
        expected = n * rows / FIRES
        assert abs(found[state] - expected) < 5 * expected**0.5 + 2


@pytest.mark.parametrize("rows", [0, 1, 7, 1_000, 20_000, 333_333])
def test_any_number_of_rows_is_scaled_by_largest_remainder(rows: int) -> None:
    cells = cell_counts(rows)
    assert cells.sum() == rows
    exact = np.array([group.fires for group in GROUPS]) * rows / FIRES
    assert np.abs(cells - exact).max() < 1
    acres = np.array([group.acres for group in GROUPS]) * rows // FIRES
    quotas = class_quotas(rows, cells.sum(axis=1), acres)
    assert (quotas.sum(axis=1) == cells.sum(axis=1)).all()
    assert np.abs(quotas.sum(axis=0) - np.array(FIRES_PER_CLASS) * rows / FIRES).max() < 1


# Apportionment ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("total", "weights", "caps", "expected"),
    [
        (60, [1, 2, 3], None, [10, 20, 30]),
        (10, [1, 1, 1], None, [4, 3, 3]),
        (10, [11, 11, 8], None, [4, 4, 2]),
        (10, [8, 1, 1], [2, 100, 100], [2, 4, 4]),
        (10, [5, 0], [6, 10], [6, 4]),
    ],
    ids=[
        "exact",
        "ties go to the earlier",
        "largest remainders",
        "what a cap refuses",
        "weightless shares last",
    ],
)
def test_apportionment(total: int, weights: list[int], caps: list[int] | None, expected: list[int]) -> None:
    assert apportion(total, weights, None if caps is None else np.array(caps)).tolist() == expected


def test_caps_that_cannot_hold_the_total_are_an_error() -> None:
    with pytest.raises(ValueError, match="cannot place 5"):
        apportion(5, [1, 1], np.array([2, 2]))


@given(st.integers(0, 100_000), st.lists(st.integers(0, 1000), min_size=1, max_size=30).filter(any))
def test_no_share_is_a_whole_unit_from_its_exact_quota(total: int, weights: list[int]) -> None:
    result = apportion(total, weights)
    assert result.sum() == total
    assert all(abs(n - total * w / sum(weights)) < 1 for n, w in zip(result, weights, strict=True))


@given(shares, st.data())
def test_caps_hold_and_nothing_is_lost(pairs: list[tuple[int, int]], data: st.DataObject) -> None:
    weights, caps = [w for w, _ in pairs], [c for _, c in pairs]
    total = data.draw(st.integers(0, sum(caps)))
    result = apportion(total, weights, np.array(caps))
    assert result.sum() == total
    assert all(0 <= n <= cap for n, cap in zip(result, caps, strict=True))
