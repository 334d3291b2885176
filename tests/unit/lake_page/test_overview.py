"""What the list says of a run, from Airflow's facts and the store's manifest."""

from dataclasses import replace
from datetime import timedelta

import pytest

from include.lake_page.figures import Figures, busy_seconds, figures_of, speed
from include.lake_page.overview import Listed, RunRow, list_runs, run_row, state_of
from include.lake_page.runs import AirflowRun, Copied, Progress
from include.lake_page.stored_runs import Committed
from include.transfer.batches import Batch
from include.transfer.store.keys import Prefix
from tests.unit.lake_page.conftest import DAG, NOON, Made

RECEIPTS = tuple(Copied(n * 5, 5, 50, 1.0, 100.0 + n, False, f"k{n}") for n in range(4))
MANIFEST = Committed(20, 200, "csv", "2026-01-01T12:01:00+00:00", 4, 103.0, RECEIPTS)


def row_of(run: AirflowRun, progress: Progress, stored: Committed | None = None) -> RunRow:
    return run_row(run.prefix, run, figures_of(run, progress, Made.now), stored, Made.now)


@pytest.mark.parametrize(
    ("airflow", "manifest", "checked", "state"),
    [
        ("success", True, True, "committed"),
        ("failed", True, True, "committed"),  # a later task failed: the rows are there all the same
        ("running", False, True, "running"),
        ("queued", False, True, "queued"),
        ("failed", False, True, "failed"),
        ("failed", False, False, "failed"),
        ("success", False, True, "no manifest"),
        ("success", False, False, "not checked"),
        (None, True, True, "committed"),
        (None, False, True, "no manifest"),
    ],
)
def test_only_a_manifest_makes_a_run_committed(made, airflow, manifest, checked, state):
    run = made.run(airflow) if airflow else None
    assert state_of(run, Figures(), MANIFEST if manifest else None, checked=checked) == state


def test_a_run_at_work_shows_what_its_copies_returned_so_far(made):
    progress = Progress(
        planned=tuple(Batch(n * 5, 5) for n in range(4)),
        attempts=(
            made.attempt(0),
            made.attempt(1, begin=5, end=20, number=3),
            made.attempt(2, "running", begin=90, end=None),
            made.attempt(3, "", None, None, 0),
            made.attempt(-1, task="plan"),
        ),
        copied={0: made.copied(0), 1: made.copied(1, reused=True)},
    )
    row = row_of(made.run("running", None), progress, None)
    assert (row.state, row.done, row.planned, row.rows, row.bytes) == ("running", 2, 4, 10, 100)
    assert (row.retries, row.reused, row.peak_rss_mb, row.took) == (2, 1, 101.0, 100.0)
    # Five fresh rows in the seconds 0–20 and 90–100.
    assert row.rows_per_second == pytest.approx(5 / 30)


def test_a_committed_run_shows_the_manifests_figures(made):
    row = row_of(made.run(), Progress(attempts=(made.attempt(0),)), MANIFEST)
    assert (row.done, row.planned, row.rows, row.bytes, row.peak_rss_mb) == (4, 4, 20, 200, 103.0)


def test_of_a_run_that_airflow_forgot_only_the_store_is_told():
    row = run_row(Prefix("fires", "20260101T120000-aa"), None, Figures(), MANIFEST, NOON)
    assert (row.state, row.rows, row.retries, row.reused, row.took) == ("committed", 20, None, None, None)
    assert row.moment == "2026-01-01T12:00:00+00:00"
    assert run_row(Prefix("fires", "odd"), None, Figures(), None, NOON).moment == ""


def test_a_run_of_no_rows_and_one_not_planned_yet_differ(made):
    assert row_of(made.run(), Progress(planned=()), None).planned == 0
    assert row_of(made.run(), Progress(), None).planned is None


def test_pauses_between_copies_do_not_slow_a_run():
    def at(*seconds):
        return tuple(NOON + timedelta(seconds=second) for second in seconds)

    assert busy_seconds([at(0, 10), at(5, 15), at(7, 8), at(1000, 1005)]) == 20
    assert busy_seconds([(None, NOON)]) == 0
    assert speed([], [], NOON) is None


def test_runs_of_airflow_and_folders_of_the_store_are_one_list_newest_first(made):
    run = made.run()
    forgotten = Prefix("fires", "20200101T000000-aa")
    other = Prefix("acres", "20200101T000000-aa")
    found = list_runs([run], {run.prefix, forgotten, other})
    assert found == {
        "acres": [Listed(other, None)],
        "fires": [Listed(run.prefix, run), Listed(forgotten, None)],
    }


def test_a_run_of_an_earlier_release_is_found_by_its_short_mark(made):
    run = made.run()
    assert run.former.run == run.prefix.run[:-32]
    assert list_runs([run], [run.former]) == {"fires": [Listed(run.former, run)]}
    # Cleared since, it was copied into a folder of its new name.
    both = [Listed(run.prefix, run), Listed(run.former, None)]
    assert list_runs([run], [run.former, run.prefix]) == {"fires": both}


def test_a_run_that_copied_nothing_since_nothing_changed_says_so(made):
    progress = Progress(unchanged="20260101T110000-bb", attempts=(made.attempt(-1, "skipped", task="plan"),))
    row = row_of(made.run(), progress, None)
    assert (row.state, row.planned, row.rows) == ("unchanged", None, 0)


def test_retries_of_every_task_count_and_of_no_other_copy(made):
    grouped = replace(DAG, copy_task="fires.copy")
    attempts = [
        made.attempt(0, number=2, task="fires.copy"),
        made.attempt(-1, number=4, task="fires.verify"),
        made.attempt(-1, number=9, task="others.verify"),
    ]
    run = made.run(dag=grouped)
    row = row_of(run, Progress(attempts=tuple(attempts)))
    assert row.retries == 1 + 3
