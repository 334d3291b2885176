"""The short rounds of faults on the shared stack."""

import pytest

from tests.faults.arena import Arena
from tests.faults.fixed_rounds import SHORT, played
from tests.faults.judgement import COMMITTED, REFUSED, Result


@pytest.fixture(scope="module")
def results(place: Arena) -> dict[str, Result]:
    return played(place, SHORT)


@pytest.mark.parametrize("name", SHORT)
def test_what_a_round_leaves_is_whole_or_not_there(results: dict[str, Result], name: str) -> None:
    assert results[name].bugs == []


@pytest.mark.parametrize("name", [name for name in SHORT if name not in ("the source changes", "html")])
def test_what_passes_is_mended(results: dict[str, Result], name: str) -> None:
    assert results[name].outcome == COMMITTED
    assert results[name].faults.total() > 0


def test_a_page_for_people_ends_the_run_with_a_reason(results: dict[str, Result]) -> None:
    assert results["html"].outcome == REFUSED
    assert any("NotRows" in reason for reason in results["html"].reasons)
