"""Small runs on the shared stack, measured as `make scale` measures large ones on its own."""

from services.local.stack import Stack

BATCHES = 4


def test_a_run_of_known_size_is_measured(stack: Stack) -> None:
    from tests.scale.measuring import CPU, measured

    found = measured(stack, 20_000, BATCHES)
    assert found.failed == []
    assert all(found.costs[name] > 0 for name in (*CPU, "seconds"))
    assert found.memory["s3"].largest > 0
    assert 0 < found.copy_mb[0] <= found.copy_mb[1]
    # Two counts, a look behind the end, each batch, and again those that hold three rows: the first, the
    # last, and one that the run's id draws.
    assert found.costs["source requests"] - (3 + BATCHES) in (2, 3)


def test_each_map_more_makes_the_same_requests(stack: Stack) -> None:
    from tests.scale.measuring import measured

    one, two, four = (measured(stack, 20_000, maps).costs for maps in (1, 2, 4))
    asked = [costs["Airflow requests"] for costs in (one, two, four)]
    assert asked[2] - asked[1] == 2 * (asked[1] - asked[0]) > 0
    # Which batches' hashes are read again is drawn too.
    stored = [costs["store requests"] for costs in (one, two, four)]
    assert 0 < stored[0] < stored[1] < stored[2]


def test_runs_at_once(stack: Stack) -> None:
    from tests.scale.measuring import many_runs

    found = many_runs(stack, 10, {"batch_size": 20_000})
    assert found.failed == []
    assert found.costs["tasks"] == 50
