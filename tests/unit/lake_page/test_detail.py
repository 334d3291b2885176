"""A run batch by batch: states, what is slow, what disagrees, and the strip of bars."""

import pytest

from include.lake_page import detail, number_format, strip
from include.lake_page.runs import Progress
from include.lake_page.stored_runs import Committed
from include.transfer.batches import Batch

PLAN = tuple(Batch(n * 5, 5) for n in range(6))


def manifest_of(*receipts):
    return Committed(30, 300, "csv", "", len(receipts), None, tuple(receipts))


def test_every_batch_has_a_state_and_what_is_known_of_it(made):
    run = made.run("running", None)
    progress = Progress(
        planned=PLAN,
        attempts=(
            made.attempt(0),
            made.attempt(1),
            made.attempt(2, "running", begin=90, end=None, number=2),
            made.attempt(3, "failed"),
            made.attempt(4, "up_for_retry"),
        ),
        copied={0: made.copied(0), 1: made.copied(1, 0.0, reused=True)},
    )
    objects = {made.copied(0).key: 50}
    found = detail.batches(run.prefix, run, progress, None, objects, made.now)
    assert [row.state for row in found.rows] == [
        "copied",
        "reused",
        "running",
        "failed",
        "waiting to retry",
        "planned",
    ]
    assert [row.in_store for row in found.rows] == [True] + [False] * 5
    assert [row.seconds for row in found.rows] == [1.0, None, 10.0, None, None, None]
    assert [row.rows_per_second for row in found.rows][:2] == [5.0, None]
    assert found.rows[2].attempts == 2
    assert found.failures == (detail.Failure("copy", 3, 1),)
    assert found.rows[3].key == ""  # its object has a name once its receipt has


def test_a_copy_of_more_than_twice_the_median_is_slow_if_there_are_four_to_compare(made):
    run = made.run()

    def slow_of(*seconds):
        receipts = [made.copied(n, each) for n, each in enumerate(seconds)]
        progress = Progress(attempts=tuple(made.attempt(n) for n in range(len(seconds))))
        found = detail.batches(run.prefix, run, progress, manifest_of(*receipts), None, made.now)
        return [row.number for row in found.slow]

    assert slow_of(1, 1, 1) == []
    assert slow_of(1, 1, 1, 2.0) == []
    assert slow_of(1, 2.1, 1, 1, 5) == [4, 1]


def test_without_airflows_memory_the_manifest_names_the_batches(made):
    receipts = [made.copied(0), made.copied(1)]
    objects = {receipt.key: 50 for receipt in receipts}
    found = detail.batches(made.run().prefix, None, Progress(), manifest_of(*receipts), objects, made.now)
    assert [(row.name, row.state, row.mapped, row.in_store) for row in found.rows] == [
        ("rows 0–4", "copied", False, True),
        ("rows 5–9", "copied", False, True),
    ]
    assert found.findings == ()


def test_what_was_appended_follows_the_planned_batches(made):
    """The source grew during the run; its tail was copied by no map."""
    run = made.run()
    receipts = [made.copied(n) for n in range(3)]
    progress = Progress(planned=PLAN[:2], attempts=(made.attempt(0), made.attempt(1)))
    found = detail.batches(run.prefix, run, progress, manifest_of(*receipts), None, made.now)
    assert [(row.name, row.mapped) for row in found.rows] == [
        ("rows 0–4", True),
        ("rows 5–9", True),
        ("rows 10–14", False),
    ]


def test_what_the_store_lost_is_a_finding(made):
    run = made.run()
    receipts = [made.copied(0), made.copied(1), made.copied(2)]
    objects = {receipts[0].key: 50, receipts[1].key: 49}
    found = detail.batches(
        run.prefix, run, Progress(findings=("told by verify",)), manifest_of(*receipts), objects, made.now
    )
    told, size, missing = found.findings
    assert told == "told by verify"
    assert "49 bytes in the store; the manifest says 50" in size
    assert missing.startswith(receipts[2].key)
    unknown = detail.batches(run.prefix, run, Progress(), manifest_of(*receipts), None, made.now)
    assert unknown.findings == ()


def test_sorting_puts_what_is_not_known_last(made):
    run = made.run()
    progress = Progress(
        planned=PLAN[:3],
        attempts=tuple(made.attempt(n) for n in range(3)),
        copied={0: made.copied(0, 1), 2: made.copied(2, 3)},
    )
    rows = detail.batches(run.prefix, run, progress, None, None, made.now).rows
    assert [row.number for row in detail.sorted_by(rows, "seconds", descending=True)] == [2, 0, 1]
    assert [row.number for row in detail.sorted_by(rows, "seconds", descending=False)] == [0, 2, 1]
    assert [row.number for row in detail.sorted_by(rows, "nonsense", descending=True)] == [2, 1, 0]


def test_bars_are_as_tall_as_copies_took(made):
    run = made.run()
    progress = Progress(
        planned=PLAN[:3],
        attempts=(made.attempt(0), made.attempt(1), made.attempt(2, "failed")),
        copied={0: made.copied(0, 1), 1: made.copied(1, 4)},
    )
    found = detail.batches(run.prefix, run, progress, None, None, made.now)
    drawn = strip.draw(found.rows, found.median_seconds)
    assert [bar.height for bar in drawn.bars] == [18.0, 72.0, 72.0]
    assert [bar.kind for bar in drawn.bars] == ["copied", "copied", "failed"]
    assert drawn.kinds == {"copied": 2, "failed": 1}
    assert drawn.bars[1].label == "rows 5–9, copied, 4.0 s"
    assert drawn.median_y == pytest.approx(72 - 72 * 2.5 / 4)
    assert strip.draw([], None).bars == ()


@pytest.mark.parametrize(
    ("shown", "text"),
    [
        (number_format.size(None), "–"),
        (number_format.size(0), "0 B"),
        (number_format.size(999), "999 B"),
        (number_format.size(1_225_585), "1.2 MB"),
        (number_format.size(999_960), "1.0 MB"),
        (number_format.size(123_456_789_012), "123 GB"),
        (number_format.size(5e15), "5,000.0 TB"),
        (number_format.seconds(0.084), "0.08 s"),
        (number_format.seconds(59.96), "1 min 0 s"),
        (number_format.seconds(7380), "2 h 3 min"),
        (number_format.rate(0.61), "0.6"),
        (number_format.rate(2839.3), "2,839"),
        (number_format.rows(1880465), "1,880,465"),
        (number_format.mebibytes(178.2), "178 MiB"),
    ],
)
def test_numbers_are_shown_as_people_read_them(shown, text):
    assert shown == text


def test_a_failed_task_says_why(made):
    run = made.run("failed")
    progress = Progress(attempts=(made.attempt(3, "failed"), made.attempt(-1, "failed", task="verify")))
    errors = {("copy", 3): "the source said no", ("copy", 4): "of another map"}
    found = detail.batches(run.prefix, run, progress, None, None, made.now, errors)
    assert {each.task_id: each.error for each in found.failures} == {
        "copy": "the source said no",
        "verify": "",
    }


def test_a_task_that_waits_to_be_tried_again_says_why(made):
    run = made.run("running", ended=None)
    progress = Progress(attempts=(made.attempt(-1, "up_for_retry", task="count"), made.attempt(0, "running")))
    found = detail.batches(run.prefix, run, progress, None, None, made.now, {("count", -1): "no connection"})
    assert found.failures == (detail.Failure("count", -1, 1, "no connection", again=True),)
