"""Largest-remainder apportionment."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.wildfires_api.apportion import apportion

shares = st.lists(st.tuples(st.integers(0, 1000), st.integers(0, 1000)), min_size=1, max_size=30)


def test_an_exact_division_stays_exact() -> None:
    assert apportion(60, [1, 2, 3]) == [10, 20, 30]


def test_the_largest_remainders_get_what_is_left_and_ties_go_to_the_earlier() -> None:
    assert apportion(10, [1, 1, 1]) == [4, 3, 3]
    assert apportion(10, [11, 11, 8]) == [4, 4, 2]


def test_what_a_cap_refuses_goes_to_the_others() -> None:
    assert apportion(10, [8, 1, 1], caps=[2, 100, 100]) == [2, 4, 4]


def test_weightless_shares_are_used_only_when_the_others_are_full() -> None:
    assert apportion(10, [5, 0], caps=[6, 10]) == [6, 4]


def test_caps_that_cannot_hold_the_total_are_an_error() -> None:
    with pytest.raises(ValueError, match="cannot place 5 in shares that hold 4"):
        apportion(5, [1, 1], caps=[2, 2])


@given(st.integers(0, 100_000), st.lists(st.integers(0, 1000), min_size=1, max_size=30).filter(any))
def test_no_share_is_a_whole_unit_from_its_exact_quota(total: int, weights: list[int]) -> None:
    result = apportion(total, weights)
    assert sum(result) == total
    assert all(abs(n - total * w / sum(weights)) < 1 for n, w in zip(result, weights, strict=True))


@given(shares, st.data())
def test_caps_hold_and_nothing_is_lost(pairs: list[tuple[int, int]], data: st.DataObject) -> None:
    weights, caps = [w for w, _ in pairs], [c for _, c in pairs]
    total = data.draw(st.integers(0, sum(caps)))
    result = apportion(total, weights, caps)
    assert sum(result) == total
    assert all(0 <= n <= cap for n, cap in zip(result, caps, strict=True))
