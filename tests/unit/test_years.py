"""Fires per year add up to the rows that were committed."""

import pytest

from include.transfer.errors import Unverified
from include.years import add_years, count_years


class Pieces:
    """A bucket whose one object comes in small pieces."""

    def __init__(self, body):
        self.body = body

    def get(self, key):
        return (self.body[start : start + 777] for start in range(0, len(self.body), 777))


def test_years_are_counted_in_pieces():
    body = b"".join(b'{"FIRE_YEAR":%d,"STATE":"CA"}\n' % (1992 + n % 3) for n in range(10_000))
    assert count_years(Pieces(body), "a key") == {"1992": 3334, "1993": 3333, "1994": 3333}
    assert count_years(Pieces(b""), "a key") == {}


def test_batches_are_added_up():
    assert list(add_years([{"1993": 2}, {"1992": 1, "1993": 3}, {}], 6).items()) == [("1992", 1), ("1993", 5)]
    assert add_years([], 0) == {}


def test_a_sum_that_misses_rows_is_refused():
    with pytest.raises(Unverified, match="6 fires were counted in 7 committed rows"):
        add_years([{"1992": 6}], 7)
