"""What differs too much from the run before is not committed, unless the run is forced."""

import re

import pytest

from include.transfer.errors import BadSettings, Unverified

ROWS = [{"id": n, "at": n / 4} for n in range(20)]
FIRST, SECOND = "20260101T000000-a", "20260102T000000-b"


@pytest.fixture
def second(source, make_run):
    """A run after one of 20 rows; `rows`: what its source has by now."""
    served = source(ROWS)

    def make(rows, **settings):
        make_run(served, run=FIRST, **settings).whole()
        served.rows = rows
        return make_run(served, run=SECOND, **settings)

    return make


def held(run, **policy):
    run.copy_all()
    with pytest.raises(Unverified) as error:
        run.commit(**policy)
    assert run.manifest() is None
    assert run.bucket.get_json("things/_latest.json") == {
        "run": FIRST,
        "manifest": f"things/{FIRST}/_manifest.json",
        "log": 1,
    }
    (finding,) = error.value.findings
    return finding


def test_a_snapshot_that_lost_more_rows_than_it_may(second):
    run = second(ROWS[:9])
    finding = held(run)
    assert re.findall(r"\d+", finding.got)[:1] == ["9"]
    assert " 20" in finding.got
    assert run.commit(force=True)["rows"] == 9


@pytest.mark.parametrize(("left", "settings"), [(10, {}), (0, {"shrinks_by": 1}), (18, {"shrinks_by": 0.1})])
def test_what_may_go(second, left, settings):
    run = second(ROWS[:left], **settings)
    run.copy_all()
    assert run.commit()["rows"] == left


def test_nothing_may_go(second):
    assert held(second(ROWS[:19], shrinks_by=0)).fix


def test_a_column_whose_inferred_type_changed(second):
    rows = [{"id": row["id"], "at": str(row["at"])} for row in ROWS]
    finding = held(second(rows, format="parquet"))
    assert finding.where == "column at"


@pytest.mark.parametrize("format_", ["csv", "parquet"])
def test_a_column_that_is_suddenly_all_null(second, format_):
    settings = {"format": format_, "types": {"id": "int64", "at": "double", "never": "string"}}
    run = second([{"id": row["id"], "at": None} for row in ROWS], **settings)
    assert held(run).where == "column at"
    assert run.commit(force=True)["rows"] == 20


def test_one_value_is_enough(second):
    rows = [{"id": row["id"], "at": 1.0 if row["id"] == 19 else None} for row in ROWS]
    run = second(rows)
    run.copy_all()
    assert run.commit()["rows"] == 20


def test_a_column_whose_type_was_declared_anew(second, make_run):
    run = second(ROWS, format="parquet")
    again = make_run(run.source, run=SECOND, format="parquet", types={"id": "int64", "at": "string"})
    again.copy_all()
    assert again.commit()["rows"] == 20


def test_the_run_that_is_cleared_is_compared_with_itself(source, make_run):
    run = make_run(source(ROWS), run=FIRST)
    run.whole()
    before = run.manifest()
    run.source.rows = ROWS[:5]
    run.copy_all()
    with pytest.raises(Unverified):
        run.commit()
    assert run.manifest() == before


@pytest.mark.parametrize("share", [-0.1, 1.5, "0.5", True, None, float("nan")])
def test_a_share_that_is_none(source, make_run, share):
    with pytest.raises(BadSettings):
        make_run(source([]), shrinks_by=share)
