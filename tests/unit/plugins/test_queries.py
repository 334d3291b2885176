"""What Airflow's database holds of runs: one that makes no sense takes no other with it."""

import json
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from airflow.models import import_all_models
from airflow.models.dagrun import DagRun
from airflow.models.taskinstance import TaskInstance
from airflow.models.xcom import XComModel
from sqlalchemy import create_engine, event, insert, text, update
from sqlalchemy.orm import Session

from include.lake_page.runs import CopyDag
from plugins.lake_app import ended, queries, returned
from plugins.lake_app.ended import kept_figures

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
FORM = frozenset({"name", "store_conn_id", "query", "batch_size"})
DAG = CopyDag("fires_to_s3", {"name": "fires"}, "copy", "plan", "verify", FORM)
RECEIPT = {
    "start": 0,
    "rows": 5,
    "bytes": 50,
    "seconds": 0.5,
    "peak_rss_mb": 90.0,
    "reused": False,
    "key": "k",
}
PLAN = [{"start": 0, "limit": 5}]
DEEP = "[" * 3_000 + "]" * 3_000


class Database:
    """Airflow's tables of runs, tasks and XComs, with values as texts, whatever they are."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._ids = {}

    def run(self, run_id: str, conf: str = "{}", state: str = "success") -> None:
        known = {"dag_id": DAG.dag_id, "run_id": run_id, "run_type": "manual", "state": state}
        number = self._ids[run_id] = len(self._ids) + 1
        moments = {"queued_at": NOON, "run_after": NOON, "start_date": NOON}
        moments |= {"end_date": NOON} if state == "success" else {}
        self._write(DagRun, {"id": number, **known, **moments, "log_template_id": None}, "conf", conf)

    def returned(self, run_id: str, task_id: str, value: str, index: int = -1, key: str = "return_value"):
        task = {"dag_id": DAG.dag_id, "run_id": run_id, "task_id": task_id, "map_index": index, "key": key}
        self._write(XComModel, {"dag_run_id": self._ids[run_id], "timestamp": NOON, **task}, "value", value)

    def tried(self, run_id: str, index: int, end: datetime | None = NOON) -> None:
        """A copy's task."""
        task = {"dag_id": DAG.dag_id, "run_id": run_id, "task_id": DAG.copy_task, "map_index": index}
        did = {"state": "success" if end else "running", "try_number": 1, "start_date": NOON, "end_date": end}
        unused = dict.fromkeys(("pool", "queue", "task_display_name"), "") | {"pool_slots": 1}
        values = {"id": uuid4(), "updated_at": NOON, **task, **did, **unused}
        self.session.execute(insert(TaskInstance.__table__).values(values))

    def _write(self, model, values: dict, column: str, value: str) -> None:
        self.session.execute(insert(model.__table__).values(**values))
        newest = f"rowid = (SELECT max(rowid) FROM {model.__tablename__})"
        sql = f"UPDATE {model.__tablename__} SET {column} = :value WHERE {newest}"
        self.session.execute(text(sql), {"value": value})

    def runs(self):
        return {run.run_id: run for run in queries.runs(self.session, [DAG])}

    def progress(self):
        runs = self.runs()
        found = returned.progress(self.session, list(runs.values()))
        return {run_id: found[run.key] for run_id, run in runs.items()}

    def rows(self):
        """The rows that every copy of each run wrote, and how many queries of XComs were made for that."""
        runs, read = self.runs(), []

        def count(connection, cursor, statement, *_):
            read.extend([statement] if "FROM xcom" in statement else [])

        event.listen(self.session.get_bind(), "after_cursor_execute", count)
        figures = kept_figures(self.session, list(runs.values()), NOON)
        event.remove(self.session.get_bind(), "after_cursor_execute", count)
        return {run_id: figures(run).rows for run_id, run in runs.items()}, len(read)


@pytest.fixture
def database():
    engine = create_engine("sqlite://")
    import_all_models()
    DagRun.metadata.create_all(engine)
    with Session(engine) as session:
        yield Database(session)


WRONG_CONFS = {
    "not JSON": "{",
    "deep": f'{{"query": {DEEP}}}',
    "long": json.dumps({"name": "x" * 10_000_000}),
    "digits": f'{{"batch_size": {"9" * 400}}}',
    "NaN": '{"batch_size": NaN}',
    "list": '{"store_conn_id": ["locals3"]}',
}


@pytest.mark.parametrize("conf", WRONG_CONFS.values(), ids=WRONG_CONFS)
def test_a_run_whose_conf_is_none_is_listed_with_what_is_wrong(database, conf):
    database.run("good", '{"batch_size": 7}')
    database.run("wrong", conf)
    found = database.runs()
    assert (found["good"].dataset.batch_size, found["good"].problem) == (7, "")
    assert found["wrong"].dataset.name == "fires"
    assert 0 < len(found["wrong"].problem) < 500


def test_a_conf_that_is_null_or_no_object_is_an_empty_form(database):
    for number, conf in enumerate(("null", "[]", "5", '"text"')):
        database.run(str(number), conf)
    assert [run.problem for run in database.runs().values()] == [""] * 4


WRONG_VALUES = {
    "not JSON": "{",
    "NaN": json.dumps({**RECEIPT, "seconds": float("nan")}),
    "infinite": json.dumps(RECEIPT).replace("0.5", "1e400"),
    "digits": json.dumps(RECEIPT).replace("50", "9" * 400),
    "deep": DEEP,
    "long key": json.dumps({**RECEIPT, "key": "k" * 10_000_000}),
    "list of 60,000": json.dumps([RECEIPT] * 60_000),
    "text": '"text"',
    "null": "null",
}


@pytest.mark.parametrize("value", WRONG_VALUES.values(), ids=WRONG_VALUES)
def test_what_a_task_returned_is_known_or_left_out(database, value):
    for run_id in ("good", "wrong"):
        database.run(run_id)
        database.returned(run_id, "copy", json.dumps(RECEIPT), 0)
        database.returned(run_id, "plan", json.dumps(PLAN))
    database.returned("wrong", "copy", value, 1)
    for task_id, key in (("plan", "unchanged"), ("verify", "findings"), ("verify", "return_value")):
        database.returned("wrong", task_id, value, key=key)
    found = database.progress()
    for run_id in ("good", "wrong"):
        assert {index: copied.rows for index, copied in found[run_id].copied.items()} == {0: 5}
        assert [batch.limit for batch in found[run_id].planned] == [5]
    assert found["wrong"].unchanged == ""


@pytest.mark.parametrize("value", WRONG_VALUES.values(), ids=WRONG_VALUES)
def test_a_plan_that_is_none_is_not_known(database, value):
    database.run("wrong")
    database.returned("wrong", "plan", value)
    assert database.progress()["wrong"].planned is None


@pytest.mark.parametrize("task", ["count_rows", "plan", "commit"])
def test_what_the_tasks_returned_is_read_as_they_wrote_it(database, task):
    database.run("good")
    database.returned("good", "copy", json.dumps({**RECEIPT, "reused": True, "columns": ["a"] * 99}), 3)
    database.returned("good", "verify", json.dumps(["one", "two"]), key="findings")
    database.returned("good", task, json.dumps({"run": "20260101T120000-aaaaaaaa"}), key="unchanged")
    found = database.progress()["good"]
    assert found.copied[3].reused
    assert (found.findings, found.unchanged) == (("one", "two"), "20260101T120000-aaaaaaaa")


def test_what_a_failed_task_said_is_read_where_it_is_a_text(database):
    database.run("failed")
    for index, said in enumerate(('"status 403"', "5", "{", json.dumps("x" * 5_000_000))):
        database.returned("failed", "copy", said, index, key="error")
    found = returned.errors(database.session, database.runs()["failed"])
    assert found["copy", 0] == "status 403"
    assert [len(said) for said in found.values()] == [10, returned.MOST_FINDING]


@pytest.fixture
def forgotten(monkeypatch):
    monkeypatch.setattr(ended, "_kept", {})


def test_what_an_ended_run_returned_is_read_once(database, forgotten):
    database.run("ended")
    for index in range(3):
        database.tried("ended", index)
        database.returned("ended", "copy", json.dumps(RECEIPT), index)
    assert database.rows() == ({"ended": 15}, 2)
    assert database.rows() == ({"ended": 15}, 0)
    # A map that was cleared alone is copied again: neither the run's state nor its end tells of it.
    cleared = update(TaskInstance).where(TaskInstance.map_index == 1)
    database.session.execute(cleared.values(state="running", end_date=None))
    assert database.rows() == database.rows() == ({"ended": 15}, 2)
    fewer = json.dumps({**RECEIPT, "rows": 4})
    database.session.execute(text("UPDATE xcom SET value = :value"), {"value": fewer})
    database.session.execute(cleared.values(state="success", end_date=NOON))
    assert database.rows() == ({"ended": 12}, 2)
    assert database.rows() == ({"ended": 12}, 0)


def test_a_run_at_work_is_read_each_time(database, forgotten):
    database.run("at work", state="running")
    database.tried("at work", 0)
    database.returned("at work", "copy", json.dumps(RECEIPT), 0)
    assert database.rows() == database.rows() == ({"at work": 5}, 2)


def test_no_more_runs_are_kept_than_memory_is_meant_for(database, forgotten, monkeypatch):
    monkeypatch.setattr(ended, "MOST_KEPT", 2)
    for number in range(5):
        database.run(str(number))
    assert database.rows()[0] == dict.fromkeys(map(str, range(5)), 0)
    assert len(ended._kept) <= 2
