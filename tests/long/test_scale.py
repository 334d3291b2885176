"""A small load on the shared stack, as `make load` puts a large one on its own; and the load's measures."""

from tests.faults.arena import Arena


def test_ten_runs_at_once(place: Arena) -> None:
    from tests.scale.measuring import many_runs

    measured = many_runs(place.stack, 10, {"batch_size": 20_000})
    assert measured.failed == []
    assert measured.facts["tasks"] == "50"


def test_a_source_of_more_rows_than_anybody_keeps(place: Arena) -> None:
    from tests.scale.measuring import many_rows

    measured = many_rows(place.stack, 500_000, 4)
    assert measured.failed == []


def test_a_report_says_what_is_wrong() -> None:
    from tests.scale.measuring import Measured, markdown

    text = markdown([Measured("ten runs", {"tasks": "60"}, ["one failed"], ["a retry"])], 2)
    assert "| tasks | 60 |" in text
    assert "- **wrong**: one failed\n- **wrong**: a retry" in text
    assert "wrong" not in markdown([Measured("ten runs", {"tasks": "60"})], 2)


def test_memory_that_grows_is_found() -> None:
    from tests.scale.measuring import Measured, Memory, with_memory

    memory = Memory(None)  # type: ignore[arg-type]
    memory.seen = {"scheduler": [100.0] * 30 + [300.0] * 30, "s3": [100.0] * 60}
    assert with_memory(Measured("x"), memory).wrong == ["scheduler grew from 100 to 300 MB"]
