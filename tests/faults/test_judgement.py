"""The judge: which runs without a manifest are right, and that nothing else is let through."""

import json

import pytest

from include.lake_page.runs import run_mark
from services.local.airflow_api import Run
from tests.faults import judgement
from tests.faults.judgement import Result, judge
from tests.faults.test_checker import ROWS, Lake

RUN = Run("api_to_s3", "manual__1")
MARK = run_mark(RUN.dag_id, RUN.run_id)


class Api:
    """Airflow's answers about one run."""

    def __init__(self, tasks=(), log="", noted=()):
        self.tasks, self.text, self.noted = list(tasks), log, list(noted)

    def task_instances(self, run):
        return self.tasks

    def log(self, *where):
        return self.text

    def request(self, method, path, **_):
        return {"event_logs": self.noted}


@pytest.fixture
def lake(store, bucket_name, monkeypatch):
    """A committed run named `rows/run/`, in the bucket that the judge looks at."""
    monkeypatch.setattr(judgement, "BUCKET", bucket_name)
    return Lake(store.client(), bucket_name)


def judged(lake, state, api) -> Result:
    result = Result(1)
    judge(result, RUN, state, api, lake.client, "rows", {"v1": ROWS})
    return result


def task(name, state):
    return {"task_id": name, "state": state, "map_index": -1, "try_number": 1}


def test_a_run_that_was_skipped_beside_a_whole_one(lake):
    result = judged(lake, "success", Api([task("plan", "skipped")]))
    assert (result.outcome, result.bugs) == (judgement.UNCHANGED, [])


def test_a_run_that_was_skipped_beside_a_damaged_one(lake):
    lake.damage(ROWS[3:5])
    assert "has 2 rows; 3 expected" in judged(lake, "success", Api([task("plan", "skipped")])).bugs[0]


def test_a_run_that_was_skipped_and_wrote_all_the_same(lake):
    lake.put(f"rows/a-{MARK}/data_from_0.csv", b"x")
    assert "has objects" in judged(lake, "success", Api([task("plan", "skipped")])).bugs[0]


def test_a_run_that_a_newer_one_removed(lake):
    lake.put(f"rows/a-{MARK}/_receipts/left.json", b"{}")  # its folder, before the other's in time
    result = judged(lake, "success", Api([task("plan", "success")]))
    assert (result.outcome, result.bugs) == (judgement.RETIRED, [])


def test_a_success_that_left_nothing(lake):
    lake.put(f"rows/zz-{MARK}/_receipts/left.json", b"{}")  # newer than the other one
    result = judged(lake, "success", Api([task("plan", "success")]))
    assert "neither" in result.bugs[0]
    assert result.outcome == judgement.BUG


@pytest.mark.parametrize(
    ("log", "outcome"),
    [
        ("error NotRows: GET http://host/api: the body is HTML; expected rows", judgement.REFUSED),
        ("it went wrong", judgement.BUG),
    ],
)
def test_a_failed_run_must_say_why(lake, log, outcome):
    assert judged(lake, "failed", Api([task("copy", "failed")], log)).outcome == outcome


def test_what_airflow_notes_of_a_task_that_never_spoke_is_a_reason_too(lake):
    api = Api([task("plan", "failed")], noted=[{"extra": "reported that the task instance finished"}])
    assert judged(lake, "failed", api).reasons == ["plan: Airflow: reported that the task instance finished"]


def test_the_first_finding_of_a_verification_is_told(lake):
    log = "Unverified: 2 finding(s); nothing is committed:\n  - rows 0–9: no receipt\n  - another"
    (reason,) = judged(lake, "failed", Api([task("verify", "failed")], log)).reasons
    assert reason.endswith("nothing is committed: - rows 0–9: no receipt")


def test_a_whole_manifest_in_its_own_folder(lake):
    for key in [o.object_name for o in lake.client.list_objects(lake.bucket, "rows/", recursive=True)]:
        data = lake.client.get_object(lake.bucket, key).read()
        lake.put(key.replace("rows/run/", f"rows/b-{MARK}/"), data)
    manifest = json.loads(json.dumps(lake.manifest).replace("rows/run/", f"rows/b-{MARK}/"))
    lake.put(f"rows/b-{MARK}/_manifest.json", json.dumps(manifest).encode())
    assert judged(lake, "success", Api()).outcome == judgement.COMMITTED
    log = "heartbeat of the task was not seen"
    assert judged(lake, "failed", Api([task("commit", "failed")], log)).outcome == judgement.UNMARKED
