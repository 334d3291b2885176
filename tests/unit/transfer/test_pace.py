"""When the next request leaves: the dataset's own pace, and what a source says of its rate limit."""

import time
from email.utils import formatdate

import pytest
from requests.structures import CaseInsensitiveDict

from include.transfer.batches import Batch
from include.transfer.errors import SourceRefused, SourceUnavailable
from include.transfer.source.pace import Pace, Patience, asked_to_wait, until_reset
from tests.servers.faults import Fault
from tests.unit.transfer.conftest import open_api, rows_of

ROWS = [{"id": n} for n in range(60)]
PATIENCE = Patience()


class Clock:
    """Time that passes by sleeping alone."""

    def __init__(self):
        self.now = 1_000.0

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds


def departures(pace, clock, requests, takes=0.0):
    left = []
    for _ in range(requests):
        pace.wait(PATIENCE, "GET x")
        left.append(clock.now)
        clock.now += takes
    return left


def test_requests_leave_in_turn_and_the_first_one_too():
    clock = Clock()
    assert departures(Pace(30, clock, clock.sleep), clock, 4) == [1_002, 1_004, 1_006, 1_008]


def test_an_answer_that_takes_longer_than_a_turn_is_not_waited_for_twice():
    clock = Clock()
    assert departures(Pace(30, clock, clock.sleep), clock, 3, takes=5) == [1_002, 1_007, 1_012]


def test_every_request_of_a_source_has_its_turn(source):
    clock = Clock()
    api = open_api(source(ROWS), paging={"size": 20})
    api._pace = Pace(15, clock, clock.sleep)
    api.count()
    assert rows_of(api, 0, 60) == ROWS
    assert clock.now == 1_000 + 4 * 4


def test_without_a_pace_nothing_waits():
    clock = Clock()
    assert departures(Pace(0, clock, clock.sleep), clock, 3) == [1_000] * 3


def test_a_limit_that_is_used_up_is_waited_for_and_then_forgotten():
    clock = Clock()
    pace = Pace(0, clock, clock.sleep)
    pace.note(CaseInsensitiveDict({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "100"}))
    assert departures(pace, clock, 3) == [1_100] * 3


def test_a_limit_that_starts_anew_much_later_is_for_the_retry_of_the_task():
    clock = Clock()
    pace = Pace(0, clock, clock.sleep)
    pace.note(CaseInsensitiveDict({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "600"}))
    with pytest.raises(SourceUnavailable) as raised:
        pace.wait(PATIENCE, "GET x")
    assert (raised.value.retry_after, raised.value.where, clock.now) == (600, "GET x", 1_000)


NOW = int(time.time())


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"X-RateLimit-Reset": "60"}, None),
        ({"X-RateLimit-Remaining": "7", "X-RateLimit-Reset": "60"}, None),
        ({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "60"}, 60),
        ({"x-ratelimit-remaining": "0"}, 0),
        ({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "soon"}, 0),
        (
            {
                "X-RateLimit-Remaining": "0",
                "X-RateLimit-Reset": str(NOW + 90_030),
                "Date": formatdate(NOW + 90_000, usegmt=True),  # a clock that is a day ahead
            },
            30,
        ),
        (
            {
                "x-rate-limit-remaining": "0",
                "x-rate-limit-reset": f"{NOW + 30}000",
                "date": formatdate(NOW, usegmt=True),
            },
            30,
        ),
        ({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(NOW - 60)}, 0),
        ({"RateLimit-Remaining": "0", "RateLimit-Reset": "12"}, 12),
        ({"RateLimit": "limit=100, remaining=0, reset=50"}, 50),
        ({"RateLimit": "limit=100, remaining=10, reset=50"}, None),
        ({"RateLimit": '"default";r=0;t=50'}, 50),
        ({"RateLimit": '"minute";r=5;t=50, "day";r=0;t=5000'}, 5_000),
    ],
)
def test_what_a_rate_limit_says(headers, seconds):
    assert until_reset(CaseInsensitiveDict(headers)) == seconds


def test_retry_after_comes_first():
    headers = {"Retry-After": "3", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "60"}
    assert asked_to_wait(CaseInsensitiveDict(headers)) == 3


@pytest.mark.parametrize(
    "headers",
    [{"Retry_After": "0"}, {"X_RateLimit_Remaining": "0"}, {"RateLimit": '"default";r=0;t=0'}],
)
def test_403_by_a_rate_limit_is_waited_for(source, headers):
    served = source(ROWS).fault(Fault.status(403, "slow down", **headers), times=2)
    assert rows_of(open_api(served, paging={"size": 20}), 0, 60) == ROWS
    assert [request.status for request in served.requests] == [403, 403, 200, 200, 200]


def test_403_that_is_no_rate_limit_is_a_refusal(source):
    served = source(ROWS).fault(Fault.status(403, X_RateLimit_Remaining="57"), times=None)
    with pytest.raises(SourceRefused):
        rows_of(open_api(served), 0, 10)
    assert len(served.requests) == 1


@pytest.mark.parametrize("status", [403, 429])
def test_a_source_that_asks_for_an_hour_gets_it_by_the_retry_of_the_task(source, status):
    limit = {"X_RateLimit_Remaining": "0", "X_RateLimit_Reset": "3600"}
    served = source(ROWS).fault(Fault.status(status, **limit), times=None)
    with pytest.raises(SourceUnavailable) as raised:
        rows_of(open_api(served), 0, 10)
    assert raised.value.retry_after == 3_600
    assert len(served.requests) == 1


def test_the_last_request_that_a_limit_allows_is_used(source):
    headers = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "3600", "Content-Type": "application/json"}
    served = source(ROWS).fault(Fault("status", headers=headers, text=b'[{"id": 0}]'), times=1)
    api = open_api(served, paging={"size": 1})
    blocks = []
    with pytest.raises(SourceUnavailable):
        blocks += api.rows(Batch(0, 2))
    assert len(served.requests) == 1
