"""The long rounds of faults on the shared stack."""

import pytest

from tests.faults.arena import Arena
from tests.faults.fixed_rounds import LONG, played
from tests.faults.judgement import COMMITTED, REFUSED, Result


@pytest.fixture(scope="module")
def results(place: Arena) -> dict[str, Result]:
    return played(place, LONG)


@pytest.mark.parametrize("name", LONG)
def test_what_a_round_leaves_is_whole_or_not_there(results: dict[str, Result], name: str) -> None:
    assert results[name].bugs == []


@pytest.mark.parametrize("name", [name for name in LONG if name not in ("storm",)])
def test_what_passes_is_mended(results: dict[str, Result], name: str) -> None:
    assert results[name].outcome == COMMITTED
    assert results[name].faults.total() > 0


def test_a_storm_ends_the_run_with_a_reason(results: dict[str, Result]) -> None:
    assert results["storm"].outcome == REFUSED
    assert any("status 429" in reason for reason in results["storm"].reasons)
