"""What a manifest's proof says, as the page tells it; anything else in its place says nothing."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.lake_page.proven import points

WHOLE = {
    "counted_twice": True,
    "end": "empty",
    "pages": {"compared": 4},
    "rows": {"compared": 20_000, "repeated": 0},
    "key": {"columns": ["id", "year"], "unique": True, "ordered": True},
    "reread": {"requests": 3},
    "version_constant": True,
}
JUNK = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.integers())


def test_each_part_of_a_proof_is_told():
    found = points(WHOLE)
    assert len(found) == len(WHOLE)
    assert all(point.proven for point in found)
    text = " ".join(point.text for point in found)
    assert all(part in text for part in ("4 answers", "20,000 rows", "id, year", "3 requests"))


@pytest.mark.parametrize(
    "changes",
    [
        {"counted_twice": False},
        {"end": "refused"},
        {"rows": {"compared": 5, "repeated": 2}},
        {"pages": None, "rows": None},
        {"version_constant": False},
    ],
)
def test_what_is_not_proven_is_told_too(changes):
    assert [point.proven for point in points({**WHOLE, **changes})].count(False) == 1


@pytest.mark.parametrize("proof", [None, [], 5, "text", {}])
def test_without_a_proof_nothing_is_told(proof):
    assert points(proof) == ()


@settings(max_examples=200)
@given(st.dictionaries(st.sampled_from(sorted(WHOLE)), JUNK | st.dictionaries(st.text(), JUNK)))
def test_what_is_no_part_of_a_proof_says_nothing(proof):
    assert all(point.text for point in points(proof))
