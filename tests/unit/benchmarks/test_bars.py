"""A bar is met or missed by the figures alone, and the page says which."""

import pytest

pytest.importorskip("services.local.stack", reason="needs services/, which the Astro image does not carry")
pytest.importorskip("benchmarks.machine", reason="needs benchmarks/, which the Astro image does not carry")

from benchmarks.bars import bars
from benchmarks.copies import Measured, cases
from benchmarks.figures import Copies
from benchmarks.page import page
from benchmarks.runs import NO_OP, OURS, SEED, Ran
from benchmarks.sizes import SIZES

SECONDS = {"ours": 1.0, "seed": 4.0, "dlt": 9.0, "pipe": 0.5, "drain": 0.1}
API = {"idle_mb": 60.0, "peak_mb": 61.0}
PARSES = {"a.py": {"cpu_seconds": [0.1, 0.2, 0.1], "heavy": []}}


def one(way, base, seconds=None, peak=None):
    idle = 110.0 if base == "airflow" else 10.0
    added = {"dlt": 240.0}.get(way, 30.0) if peak is None else peak
    spent = SECONDS[way] if seconds is None else seconds
    return {
        **{"seconds": spent, "cpu_seconds": spent, "loading_cpu_seconds": 0.2, "others": 0.01},
        **{"idle_mb": idle, "peak_mb": idle + added},
    }


def ran(dag_id, seconds, retries=0, rows=1_500):
    return Ran(dag_id, rows, 3, seconds, seconds, retries, 150.0, [1.0, 2.0, 1.0])


def judged(change=lambda case, each: each, runs=(10.0, 30.0, 9.0), everything=0, api=API, parses=PARSES):
    measured = [
        Measured(case, [change(case, one(case.way, case.base))] * 3) for case, _ in cases(SIZES["tiny"])
    ]
    copies = Copies(measured, lambda rows: rows * 900)
    compared = [ran(name, seconds) for name, seconds in zip((OURS, SEED, NO_OP), runs, strict=True)]
    whole = ran(OURS, 40.0, everything, rows=2_000)
    found = bars(copies, api, compared, whole, parses)
    return found, page(found, copies, api, compared, whole, parses, {"dlt": "1", "pandas": "2"})


def missed(**changes):
    found, text = judged(**changes)
    assert text.count("| **missed** |") == sum(not bar.met for bar in found)
    return {bar.what for bar in found if not bar.met}


def test_all_bars_can_be_met():
    found, text = judged()
    assert [bar for bar in found if not bar.met] == []
    assert f"{len(found)} of {len(found)} met." in text


@pytest.mark.parametrize(
    ("way", "format", "seconds", "bar"),
    [
        ("seed", "csv", 2.4, "rows/s against the seed's way, csv"),
        ("seed", "parquet", 2.9, "rows/s against the seed's way, parquet"),
        ("dlt", "ndjson", 3.9, "rows/s against dlt, ndjson"),
    ],
)
def test_a_way_that_is_too_fast_misses_its_bar(way, format, seconds, bar):
    def faster(case, each):
        return {**each, "seconds": seconds} if (case.way, case.format) == (way, format) else each

    assert missed(change=faster) == {bar}


def test_a_floor_too_far_below_misses_every_format():
    def faster(case, each):
        return {**each, "seconds": 0.29} if case.way == "pipe" else each

    formats = ("csv", "ndjson", "parquet")
    assert missed(change=faster) == {f"throughput against bytes piped unread, {each}" for each in formats}


def test_memory_has_a_bound_and_may_not_grow():
    def larger(case, each):
        large = (case.way, case.base, case.format, case.rows) == ("ours", "airflow", "csv", 2_000)
        return {**each, "peak_mb": each["idle_mb"] + 41} if large else each

    assert missed(change=larger) == {
        "memory that a copy adds to an idle task process, csv",
        "its growth from 500 to 2,000 rows, csv",
    }


def test_runs_parses_and_the_api_have_theirs():
    assert missed(runs=(12.1, 30.0, 9.0)) == {"whole run of 3 batches against the seed's DAG"}
    assert missed(runs=(10.0, 30.0, 6.0)) == {"whole run of 3 batches against 3 maps that do nothing"}
    assert missed(everything=1) == {"whole run of 2,000 rows, 4 copies at a time"}
    slow = {"a.py": {"cpu_seconds": [0.4], "heavy": []}}
    heavy = {"a.py": {"cpu_seconds": [0.1], "heavy": ["pandas"]}}
    assert len(missed(parses=slow)) == len(missed(parses=heavy)) == 1
    assert missed(api={"idle_mb": 60.0, "peak_mb": 80.0}) == {
        "the sample API's memory over everything it served"
    }


def test_repetitions_that_lie_apart_are_named():
    def wide(case, each):
        return {**each, "seconds": 2.0} if case.rows == 2_000 else each

    measured = [
        Measured(case, [one(case.way, case.base), wide(case, one(case.way, case.base))])
        for case, _ in cases(SIZES["tiny"])
    ]
    copies = Copies(measured, lambda rows: rows * 900)
    found, _ = judged()
    text = page(
        found, copies, API, [ran(name, 9.0) for name in (OURS, SEED, NO_OP)], ran(OURS, 9.0), PARSES,
        {"dlt": "1", "pandas": "2"},
    )  # fmt: skip
    apart = text.rpartition("median apart: ")[2]
    assert "ours in a task, 2,000 rows, csv (67%)" in apart
    assert "500 rows" not in apart
