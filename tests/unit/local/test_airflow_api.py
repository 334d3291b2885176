"""The client of Airflow's API, against servers that misbehave as a busy Airflow does."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from services.local.airflow_api import AirflowApi, Run
from services.local.errors import StackError


class Airflow(ThreadingHTTPServer):
    """Answers as told, one status a call, then with 200; `runs` are those that it was asked for."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.statuses: list[int] = []
        self.asked: list[str] = []
        self.runs: list[str] = []


class _Handler(BaseHTTPRequestHandler):
    server: Airflow

    def log_message(self, *arguments: object) -> None:
        pass

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        self._answer(self.server.statuses.pop(0) if self.server.statuses else 200, {"state": "success"})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path == "/auth/token":
            self._answer(201, {"access_token": "x"})
        elif (run_id := body["dag_run_id"]) in self.server.runs:
            self._answer(409, {})
        else:  # the run is made, and then the database ends the connection
            self.server.runs.append(run_id)
            self._answer(self.server.statuses.pop(0) if self.server.statuses else 200, {"dag_run_id": run_id})

    def _answer(self, status: int, body: dict[str, str]) -> None:
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)


@pytest.fixture
def airflow() -> Iterator[Airflow]:
    with Airflow() as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def api(airflow: Airflow, monkeypatch: pytest.MonkeyPatch) -> Iterator[AirflowApi]:
    monkeypatch.setattr("tenacity.nap.time.sleep", lambda seconds: None)
    client = AirflowApi(f"http://127.0.0.1:{airflow.server_port}", "admin", "x")
    yield client
    client.close()


def test_a_busy_database_is_asked_again(airflow: Airflow, api: AirflowApi) -> None:
    airflow.statuses = [500, 503]
    assert api.request("GET", "/x") == {"state": "success"}
    assert len(airflow.asked) == 3


def test_an_airflow_that_stays_broken_is_an_error(airflow: Airflow, api: AirflowApi) -> None:
    airflow.statuses = [500] * 100
    with pytest.raises(StackError, match="500"):
        api.request("GET", "/x")


@pytest.mark.parametrize("status", [400, 404, 409, 422])
def test_a_refusal_is_final(airflow: Airflow, api: AirflowApi, status: int) -> None:
    airflow.statuses = [status]
    with pytest.raises(StackError, match=str(status)):
        api.request("GET", "/x")
    assert len(airflow.asked) == 1


def test_a_run_whose_making_was_answered_with_an_error_is_made_once(
    airflow: Airflow, api: AirflowApi
) -> None:
    airflow.statuses = [500]
    run = api.trigger("a_dag", {})
    assert airflow.runs == [run.run_id]


@pytest.mark.parametrize(("answer_takes", "lists"), [(0, 6), (0.5, 2)])
def test_a_run_that_is_watched_is_asked_for_cheaply(
    api: AirflowApi, monkeypatch: pytest.MonkeyPatch, answer_takes: float, lists: int
) -> None:
    clock, seen = [0.0], []

    def passes(seconds: float) -> None:
        clock[0] += seconds

    def request(method: str, path: str, **arguments: object) -> dict[str, object]:
        if not path.endswith("/taskInstances"):
            return {"state": "success" if clock[0] >= 10 else "running"}
        passes(answer_takes)
        return {"task_instances": [], "total_entries": 0}

    monkeypatch.setattr("services.local.airflow_api.time.monotonic", lambda: clock[0])
    monkeypatch.setattr("services.local.airflow_api.time.sleep", passes)
    monkeypatch.setattr(api, "request", request)
    assert api.wait(Run("a_dag", "a_run"), watch=lambda tasks: seen.append(clock[0])) == "success"
    assert len(seen) == lists
    assert seen[-1] >= 10, "the end is shown"
