"""Plans cover every row once, whatever the numbers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.transfer.batches import Batch, plan_batches
from include.transfer.errors import BadSettings

TOTALS = st.integers(0, 3_000)
SIZES = st.integers(1, 500)


@given(TOTALS, SIZES, st.integers(1, 200), st.integers(1, 60))
def test_every_row_is_in_exactly_one_batch_in_order(total, size, maps, multiple):
    batches = plan_batches(total, size, maps, multiple)
    assert [row for batch in batches for row in range(batch.start, batch.stop)] == list(range(total))
    assert len(batches) <= maps
    assert all(batch.limit > 0 for batch in batches)
    assert all(batch.start % multiple == 0 for batch in batches)
    assert len({batch.limit for batch in batches[:-1]}) <= 1


@given(TOTALS, SIZES)
def test_batches_have_the_size_asked_for_where_they_may(total, size):
    batches = plan_batches(total, size, max_maps=3_000)
    assert {batch.limit for batch in batches[:-1]} <= {size}


@pytest.mark.parametrize(
    ("total", "expected"),
    [
        (0, []),
        (1, [Batch(0, 1)]),
        (10, [Batch(0, 10)]),
        (11, [Batch(0, 10), Batch(10, 1)]),
    ],
)
def test_borders(total, expected):
    assert plan_batches(total, 10, 100) == expected


def test_batches_grow_where_there_would_be_too_many():
    assert plan_batches(1_880_465, 5_000, 1024)[0].limit > 5_000 / 1.1
    assert [batch.limit for batch in plan_batches(100, 1, 3)] == [34, 34, 32]
    assert [batch.limit for batch in plan_batches(100, 1, 3, multiple=10)] == [40, 40, 20]


@pytest.mark.parametrize("wrong", [(-1, 1, 1, 1), (1, 0, 1, 1), (1, 1, 0, 1), (1, 1, 1, 0)])
def test_numbers_that_make_no_sense(wrong):
    with pytest.raises(BadSettings, match="planning the batches"):
        plan_batches(*wrong)


def test_a_batch_crosses_as_a_dict():
    assert Batch.from_dict(Batch(5, 10).to_dict()) == Batch(5, 10)
    assert Batch.from_dict({"start": "5", "limit": 10, "label": "rows 5–14"}) == Batch(5, 10)
    assert str(Batch(5_000, 5_000)) == "rows 5,000–9,999"
