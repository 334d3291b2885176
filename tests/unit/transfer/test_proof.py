"""What verify proves of a run's rows, and what it finds."""

from array import array
from contextlib import ExitStack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.transfer.commit.audit import audit
from include.transfer.commit.repeats import Repeats
from include.transfer.errors import KeyMissing, Unverified
from tests.servers.faults import Fault

ROWS = [{"id": n, "name": f"row {n}"} for n in range(40)]


def findings(run):
    with pytest.raises(Unverified) as raised:
        run.verify()
    return raised.value.findings


@given(st.lists(st.lists(st.integers(0, (1 << 64) - 1) | st.integers(0, 9))), st.sampled_from([1, 1 << 18]))
def test_repeated_numbers_are_counted_however_they_are_spread(added, expected):
    with ExitStack() as opened:
        repeats = Repeats(expected, opened)
        for numbers in added:
            repeats.add(array("Q", numbers))
        surplus, example = repeats.found()
    every = [number for numbers in added for number in numbers]
    assert surplus == len(every) - len(set(every))
    assert (example is not None) == (surplus > 0)
    assert example is None or every.count(example) > 1


def test_the_manifest_says_what_was_proven(source, make_run):
    run = make_run(source(ROWS, version='"v1"'), version_header="ETag", paging={"size": 5})
    run.whole()
    assert run.manifest()["proof"] == {
        "counted_twice": True,
        "end": "empty",
        "pages": {"compared": 8},
        "key": None,
        "reread": {"requests": 2},  # a drawn one is the first or the last
        "rows": {"compared": 40, "repeated": 0},
        "version_constant": True,
    }


def test_a_receipt_without_hashes_proves_nothing_of_its_rows(source, make_run):
    run = make_run(source(ROWS, version='"v1"'), version_header="ETag")
    run.copy_all()
    key = run.prefix.receipt(run.batches()[1])
    stored = run.bucket.get_json(key)
    del stored["hashes"]
    run.bucket.put_json(key, stored)
    proof = run.verify()["proof"]
    assert (proof["pages"], proof["rows"], proof["end"]) == (None, None, "empty")


def older_hashes(run, batch):
    """As they were stored before the first line said their version."""
    key = run.prefix.receipt(batch)
    older = run.bucket.put_stream(run.hashes(batch.start), iter([array("Q", [1, 10, *range(10)]).tobytes()]))
    run.bucket.put_json(key, run.bucket.get_json(key) | {"hashes": older.sha256})


def test_hashes_of_an_earlier_release_are_not_compared_and_its_batch_is_copied_again(source, make_run):
    run = make_run(source(ROWS, version='"v1"'), version_header="ETag", duplicates="allow")
    run.copy_all()
    older_hashes(run, run.batches()[1])
    assert run.verify()["proof"]["rows"] is None
    run.commit()
    assert audit(run.bucket, run.prefix).findings == []
    assert [receipt.reused for receipt in run.copy_all()] == [True, False, True, True]
    assert run.verify()["proof"]["rows"] == {"compared": 40, "repeated": 0}


def test_the_same_answer_to_two_batches_names_both_requests(source, make_run):
    """None of the copies sees more than one of them."""
    run = make_run(source(ROWS).fault(Fault.rows(lambda rows: ROWS[:10]), times=None))
    run.copy_all()
    run.source.heal()
    (finding,) = findings(run)
    assert "rows from 0 on" in finding.got
    assert "rows from 10 on" in finding.got
    assert "paging" in finding.fix


@pytest.mark.parametrize("format", ["csv", "parquet"])
def test_a_row_that_comes_twice_is_shown_by_its_places_alone(source, make_run, format):
    rows = [*ROWS[:33], ROWS[4], *ROWS[34:]]
    run = make_run(source(rows), format=format)
    run.copy_all()
    (finding,) = findings(run)
    assert "row 4 of rows 0–9 and row 3 of rows 30–39" in finding.got
    assert "name" not in finding.got
    allowed = make_run(source(rows), format=format, duplicates="allow")
    allowed.whole()
    assert allowed.manifest()["proof"]["rows"] == {"compared": 40, "repeated": 1}


def test_copies_of_another_source_are_found(source, make_run):
    staging, production = source(ROWS), source(ROWS)
    make_run(staging).copy_all()
    found = findings(make_run(production))
    assert [finding.where for finding in found] == ["rows 0–9", "rows 10–19", "rows 20–29", "rows 30–39"]
    assert all(staging.url in finding.got and production.url in finding.got for finding in found)


def test_a_run_without_a_version_is_right_after_it_was_cleared(source, make_run):
    """A row came in front while it was copied: the batches copied before it are copied again."""
    run = make_run(source(ROWS), format="ndjson")
    run.copy_all()
    run.source.rows = [{"id": -1, "name": "new"}, *ROWS]
    assert not any(receipt.reused for receipt in run.copy_all())
    assert run.verify()["rows"] == 41


ASKED_AGAIN = {"paging": {"size": 5}, "version_header": "ETag"}


@pytest.mark.parametrize(
    "rows",
    [ROWS[::-1], [{**row, "name": "edited"} for row in ROWS], [{"id": -1, "name": "new"}, *ROWS[:-1]]],
    ids=["another order", "edited", "shifted"],
)
def test_a_request_that_brings_other_rows_again_is_named(source, make_run, rows):
    """Though the source names the same version, and counts as many."""
    run = make_run(source(ROWS, version='"v1"'), **ASKED_AGAIN)
    run.copy_all()
    run.source.rows = rows
    found = findings(run)
    assert {finding.where for finding in found} >= {
        "the request for the rows from 0 on",
        "the request for the rows from 35 on",
    }
    assert all(finding.fix for finding in found)


def test_the_setting_says_how_many_requests_are_made_again(source, make_run):
    for reread, expected in ((0, 0), (1, 1), (8, 8)):
        served = source(ROWS, version='"v1"')
        run = make_run(served, run=f"run{reread}", reread=reread, **ASKED_AGAIN)
        run.copy_all()
        before = len(served.row_requests)
        made = run.verify()["proof"]["reread"]["requests"]
        assert made == len(served.row_requests) - before - 1  # one is behind the last row
        assert min(expected, 2) <= made <= expected


def test_a_tail_that_grows_on_is_no_other_rows(source, make_run):
    run = make_run(source(ROWS, version='"v1"'), paging={"size": 5})
    planned = run.plan()
    run.copy_all()
    run.source.rows = [*ROWS, *({"id": n, "name": f"row {n}"} for n in range(40, 44))]
    proof = run.verify(planned, on_drift="append")["proof"]
    assert (proof["reread"]["requests"], proof["rows"]["compared"]) == (3, 44)


def test_a_key_that_comes_twice_is_shown_by_its_places_alone(source, make_run):
    rows = [*ROWS[:33], {"id": 4, "name": "other"}, *ROWS[34:]]
    run = make_run(source(rows), key=["id"])
    run.copy_all()
    (finding,) = findings(run)
    assert "row 4 of rows 0–9 and row 3 of rows 30–39" in finding.got
    assert "other" not in finding.got
    make_run(source(rows), run="of-two-columns", key=["id", "name"]).whole()


@pytest.mark.parametrize(
    ("rows", "ordered"),
    [
        (ROWS, True),
        (ROWS[::-1], False),
        ([{"id": f"{n:03}"} for n in range(40)], True),
        ([{"id": n if n < 20 else str(n)} for n in range(40)], False),
        ([{"id": [n]} for n in range(40)], False),
        ([{"id": n + 10**30} for n in range(40)], True),
        ([{"id": "x" * 2_000 + f"{n:03}"} for n in range(40)], False),
    ],
    ids=["numbers", "falling", "texts", "numbers, then texts", "lists", "long numbers", "long texts"],
)
def test_the_manifest_says_whether_keys_ascend_through_all_batches(source, make_run, rows, ordered):
    run = make_run(source(rows), key=["id"], format="ndjson")
    run.whole()
    assert run.manifest()["proof"]["key"] == {"columns": ["id"], "unique": True, "ordered": ordered}
    found = audit(run.bucket, run.prefix)
    assert found.findings == []
    assert found.proven[-1] == ("key unique, ordered" if ordered else "key unique")


def test_batches_whose_ascending_keys_overlap_are_found(source, make_run):
    rows = [{"id": number} for start in (0, 5, 30, 40) for number in range(2 * start, 2 * start + 20, 2)]
    rows = [{"id": row["id"] + (at >= 10) * (at < 20)} for at, row in enumerate(rows)]
    run = make_run(source(rows), key=["id"])
    run.copy_all()
    (finding,) = findings(run)
    assert finding.where == "rows 10–19"
    small = make_run(source(rows[8:12]), run="few", key=["id"], batch_size=2)
    small.whole()  # two rows ascend by accident
    assert small.manifest()["proof"]["key"]["ordered"] is False


@pytest.mark.parametrize("row", [{"name": "no id"}, {"id": None, "name": "null"}])
def test_a_row_without_its_key_is_refused(source, make_run, row):
    run = make_run(source([*ROWS[:12], row, *ROWS[13:]]), key=["name", "id"], types={"name": "string"})
    with pytest.raises(KeyMissing) as raised:
        run.copy(10)
    assert "row 2 of the batch" in raised.value.where
    assert "'id'" in raised.value.got


def test_another_key_copies_anew(source, make_run):
    served = source(ROWS, version='"v1"')
    make_run(served, version_header="ETag").copy_all()
    assert not any(each.reused for each in make_run(served, version_header="ETag", key=["id"]).copy_all())
    assert all(each.reused for each in make_run(served, version_header="ETag", key=["id"]).copy_all())
