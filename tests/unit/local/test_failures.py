"""What `make run` says of a run that failed, and which run it does not wait for."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from services.local.airflow_api import Run
from services.local.errors import RunFailed
from services.local.failures import succeed
from services.local.schedules import unpaused


def ti(task, state, index=-1):
    return {"task_id": task, "state": state, "map_index": index, "try_number": 1, "start_date": None}


class Airflow:
    """An Airflow whose run goes through these states of its tasks, the last of them for ever."""

    mode, url = "up", "http://x"

    def __init__(self, *scenes, errors=None, log=""):
        self.scenes, self.errors, self.text = list(scenes), errors or {}, log
        self.asked, self.paused = [], True
        self.home = SimpleNamespace(logs=Path("/logs"))
        self.api = self

    def wait(self, run, watch):
        while True:
            watch(self.scenes[0])
            if len(self.scenes) == 1:
                return "failed" if any(each["state"] == "failed" for each in self.scenes[0]) else "success"
            del self.scenes[0]

    def task_instances(self, run):
        return self.scenes[0]

    def xcom(self, run, task, index=-1, key="return_value"):
        return self.errors.get((task, index))

    def log(self, run, task, index, attempt):
        return self.text

    def request(self, method, path, **arguments):
        self.asked.append((method, path, arguments.get("json")))
        return {"dag_runs": []}

    def wait_for_dag(self, dag_id):
        return {"is_paused": self.paused}

    def unpause(self, dag_id, *, paused=False):
        self.paused = paused


class Said:
    def __init__(self):
        self.lines = []
        self.watch, self.say = (lambda instances: None), self.lines.append


RUN = Run("a_dag", "manual__1")


def failure(airflow):
    with pytest.raises(RunFailed) as failed:
        succeed(airflow, RUN, Said())
    return str(failed.value)


def test_a_reason_is_told_once_with_the_tasks_that_had_it():
    failed = [ti("count", "success"), *(ti("copy", "failed", index) for index in range(5)), ti("x", "failed")]
    errors = {("copy", index): "status 403" for index in range(5)} | {("x", -1): "ValueError: see its log"}
    log = "info ::group::Pre\ninfo a line\nerror Task failed ValueError: 7\ninfo ::endgroup::"
    text = failure(Airflow(failed, errors=errors, log=log))
    assert text.count("status 403") == 1
    assert "copy [0], copy [1], copy [2] and 2 more: status 403" in text
    assert "x: error Task failed ValueError: 7" in text
    assert "::" not in text
    assert "/logs/tasks/dag_id=a_dag" in text


def test_a_run_whose_first_task_fails_is_ended_and_not_waited_for():
    again = [ti("count", "up_for_retry"), ti("plan", None)]
    airflow = Airflow([ti("count", "running")], again, errors={("count", -1): "no connection"})
    assert "count: no connection" in failure(airflow)
    assert ("PATCH", RUN.path, {"state": "failed"}) in airflow.asked


def test_a_copy_that_is_tried_again_is_waited_for():
    counted = ti("count", "success")
    airflow = Airflow(
        [counted, ti("copy", "up_for_retry", 0)],
        [counted, ti("copy", "success", 0)],
        errors={("copy", 0): "broke off"},
    )
    succeed(airflow, RUN, Said())
    assert airflow.asked == []


@pytest.mark.parametrize("paused", [True, False])
@pytest.mark.parametrize("fails", [True, False])
def test_a_stack_that_is_up_has_its_schedules_as_before(paused, fails):
    airflow, said = Airflow([]), Said()
    airflow.paused = paused
    seen = []

    def run():
        with unpaused(airflow, "a_dag", said):
            seen.append(airflow.paused)
            if fails:
                raise RunFailed("x")

    if fails:
        with pytest.raises(RunFailed):
            run()
    else:
        run()
    assert (seen, airflow.paused) == ([False], paused)
    assert bool(said.lines) == paused
