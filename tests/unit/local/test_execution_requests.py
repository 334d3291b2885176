"""Requests are counted for the task instance that made them, whatever their paths name."""

from services.local.execution_requests import by_task_instance

A, B = "01a21af2-708a-7e0f-92a2-fee472b20ec8", "01a21af2-708b-7bed-87db-99f7fb73fcfb"
LINE = (
    "2026-11-27T03:00:29.488426Z [info     ] request finished               [http.access] "
    "client_addr=127.0.0.1:{port} duration_us=3292995 loc=http_access_log.py:130 method={method} "
    "path={path} query= status_code=200\n"
)


def line(port, method, path):
    return LINE.format(port=port, method=method, path=path)


def test_requests_without_a_task_instance_are_their_connections(tmp_path):
    older = [
        line(1, "PATCH", f"/execution/task-instances/{A}/run"),
        line(1, "PUT", f"/execution/task-instances/{A}/heartbeat"),
        line(2, "PATCH", f"/execution/task-instances/{B}/run"),
        line(1, "GET", "/execution/connections/locals3"),
        "2026-11-27T03:00:36Z [info     ] Shutting down                  [uvicorn.error] loc=server.py:282\n",
    ]
    newer = [
        line(1, "GET", "/execution/connections/wildfires_api"),
        line(2, "POST", "/execution/xcoms/a_dag/manual__2026-11-27T03:00:25+00:00/copy/return_value"),
        line(9, "GET", "/api/v2/dags/a_dag/dagRuns"),
        line(1, "PATCH", f"/execution/task-instances/{B}/state"),
    ]
    (tmp_path / "api-server.log.1").write_text("".join(older))
    (tmp_path / "api-server.log").write_text("".join(newer))
    assert by_task_instance(tmp_path) == {
        A: {"PATCH run": 1, "GET connections": 2},
        B: {"PATCH run": 1, "POST xcoms": 1, "PATCH state": 1},
    }
