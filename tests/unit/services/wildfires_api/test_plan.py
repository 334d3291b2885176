"""The totals that are dealt out: at full size they are the published ones, exactly."""

from collections import Counter

import pytest

from services.wildfires_api.generator.nulls import Has
from services.wildfires_api.generator.plan import Plan, cell_counts, class_quotas, make_plan
from services.wildfires_api.generator.published import (
    CAUSES,
    EMPTY_CONT_TIMES,
    FIRES,
    FIRES_PER_CLASS,
    NA_LIKE_NAMES,
    NULLS,
    state_years,
)

# Published elsewhere than in the cells, so that a slip in either shows.
FIRES_PER_YEAR = {1992: 67_975, 1997: 61_450, 2000: 96_416, 2006: 114_004, 2011: 90_552, 2015: 74_491}
FIRES_PER_STATE = {
    "CA": 189_550,
    "GA": 168_867,
    "TX": 142_021,
    "AK": 12_843,
    "PR": 22_081,
    "DE": 171,
    "DC": 66,
}
FIRES_PER_CAUSE = {
    "Debris Burning": 429_028,
    "Miscellaneous": 323_805,
    "Arson": 281_455,
    "Lightning": 278_468,
    "Missing/Undefined": 166_723,
    "Equipment Use": 147_612,
    "Campfire": 76_139,
    "Children": 61_167,
    "Smoking": 52_869,
    "Railroad": 33_455,
    "Powerline": 14_448,
    "Fireworks": 11_500,
    "Structure": 3_796,
}
MISSING = {
    Has.REPORT_ID: "LOCAL_FIRE_REPORT_ID",
    Has.INCIDENT_ID: "LOCAL_INCIDENT_ID",
    Has.FIRE_CODE: "FIRE_CODE",
    Has.NAME: "FIRE_NAME",
    Has.DISCOVERY_TIME: "DISCOVERY_TIME",
    Has.CONTAINMENT: "CONT_DATE",
    Has.CONT_TIME: "CONT_TIME",
    Has.COUNTY: "FIPS_NAME",
    Has.ICS_209: "ICS_209_NAME",
    Has.MTBS: "MTBS_ID",
    Has.COMPLEX: "COMPLEX_NAME",
}


@pytest.fixture(scope="module")
def full() -> Plan:
    return make_plan(FIRES, seed=0)


@pytest.fixture(scope="module")
def patterns(full: Plan) -> Counter:
    return Counter(full.patterns)


@pytest.fixture(scope="module")
def full_cells(full: Plan) -> Counter:
    return Counter(full.cells)


def _sum_by(cells: Counter, key) -> Counter:
    total: Counter = Counter()
    for cell, n in cells.items():
        group, cause = divmod(cell, len(CAUSES))
        total[key(state_years()[group], CAUSES[cause])] += n
    return total


def test_the_embedded_cells_are_all_fires() -> None:
    assert sum(n for group in state_years() for n in group.fires) == FIRES == sum(FIRES_PER_CLASS)


def test_fires_per_year(full_cells: Counter) -> None:
    found = _sum_by(full_cells, lambda group, cause: group.year)
    assert set(found) == set(range(1992, 2016))
    assert {year: found[year] for year in FIRES_PER_YEAR} == FIRES_PER_YEAR


def test_fires_per_state(full_cells: Counter) -> None:
    found = _sum_by(full_cells, lambda group, cause: group.state)
    assert len(found) == 52
    assert {state: found[state] for state in FIRES_PER_STATE} == FIRES_PER_STATE


def test_fires_per_cause(full_cells: Counter) -> None:
    assert _sum_by(full_cells, lambda group, cause: cause) == FIRES_PER_CAUSE


def test_every_state_year_and_cause_is_met(full_cells: Counter) -> None:
    published = [n for group in state_years() for n in group.fires]
    assert [full_cells[cell] for cell in range(len(published))] == published


def test_fires_per_size_class(full: Plan) -> None:
    assert tuple(n for _, n in sorted(Counter(full.classes).items())) == FIRES_PER_CLASS


@pytest.mark.parametrize("value", MISSING)
def test_nulls_per_column(patterns: Counter, value: Has) -> None:
    assert sum(n for pattern, n in patterns.items() if not pattern & value) == NULLS[MISSING[value]]


def test_values_that_look_like_nulls(patterns: Counter) -> None:
    assert sum(n for pattern, n in patterns.items() if pattern & Has.NA_LIKE_NAME) == NA_LIKE_NAMES
    assert sum(n for pattern, n in patterns.items() if pattern & Has.EMPTY_CONT_TIME) == EMPTY_CONT_TIMES


def test_acres_of_the_large_fires_are_near_the_published_total(full: Plan) -> None:
    published = sum(group.acres for group in state_years())
    assert len(full.large) == FIRES_PER_CLASS[-1]
    # The fires below 5,000 acres burned about a quarter of it all.
    assert 0.65 < sum(full.large.values()) / published < 0.85


def test_a_prefix_is_a_fair_sample(full: Plan) -> None:
    rows = 20_000
    found = Counter(state_years()[cell // len(CAUSES)].state for cell in full.cells[:rows])
    for state, n in FIRES_PER_STATE.items():
        expected = n * rows / FIRES
        assert abs(found[state] - expected) < 5 * expected**0.5 + 2


@pytest.mark.parametrize("rows", [0, 1, 7, 1_000, 20_000, 333_333])
def test_any_number_of_rows_is_scaled_by_largest_remainder(rows: int) -> None:
    cells = cell_counts(rows)
    assert sum(cells) == rows
    exact = [n * rows / FIRES for group in state_years() for n in group.fires]
    assert all(abs(n - quota) < 1 for n, quota in zip(cells, exact, strict=True))
    per_group = [sum(cells[at : at + len(CAUSES)]) for at in range(0, len(cells), len(CAUSES))]
    quotas = class_quotas(rows, state_years(), per_group)
    assert [sum(quota) for quota in quotas] == per_group
    for size_class, n in enumerate(FIRES_PER_CLASS):
        assert abs(sum(quota[size_class] for quota in quotas) - n * rows / FIRES) < 1
