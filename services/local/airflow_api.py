"""A small client of Airflow's REST API (version 2): what the stack needs, with errors a user can read."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import httpx
import tenacity

from services.local.errors import RunFailed, StackError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

RUN_ENDED = ("success", "failed")
POLL_SECONDS = 0.4
# Between two questions for all tasks of a run: at least so long, and so many times what the last one took.
WATCH_SECONDS, WATCH_SHARE = 2, 20
# Airflow answers so while its database is busy or its server restarts: the same call works a moment later.
TRANSIENT = (500, 502, 503, 504)


@dataclass(frozen=True)
class Run:
    """One run of a DAG."""

    dag_id: str
    run_id: str

    @property
    def path(self) -> str:
        return f"/dags/{self.dag_id}/dagRuns/{self.run_id}"


class AirflowApi:
    """Logs in on first use and again when its token has expired; without a user where everybody is admin."""

    def __init__(self, url: str, user: str = "", password: str = "") -> None:
        self.url = url
        self._login = {"username": user, "password": password} if user else None
        # trust_env=False: a proxy in the environment must not see local calls. Two busy cores can keep the
        # server from answering for half a minute.
        self._client = httpx.Client(base_url=url, timeout=120, trust_env=False)
        self._token = ""

    def close(self) -> None:
        self._client.close()

    def request(self, method: str, path: str, *, allowed: tuple[int, ...] = (), **arguments: Any) -> Any:
        """The JSON of one call; None for the `allowed` error statuses; StackError for others.

        A call that meets a TRANSIENT status is made again: it must be safe to repeat.
        """
        response = self._patiently(method, path, arguments)
        if response.status_code == 401:
            self._token = ""
            response = self._patiently(method, path, arguments)
        if response.status_code in allowed:
            return None
        if response.is_error:
            raise StackError(f"Airflow refused {method} {path}: {response.status_code} {response.text[:500]}")
        return response.json() if response.content else {}

    def _patiently(self, method: str, path: str, arguments: dict[str, Any]) -> httpx.Response:
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_result(lambda response: response.status_code in TRANSIENT),
            wait=tenacity.wait_exponential(0.25, max=5),
            stop=tenacity.stop_after_attempt(6),
            retry_error_callback=lambda state: state.outcome and state.outcome.result(),
        )
        return retrying(self._send, method, path, arguments)

    def _send(self, method: str, path: str, arguments: dict[str, Any]) -> httpx.Response:
        try:
            if not self._token:
                how = "POST" if self._login else "GET"
                answer = self._client.request(how, "/auth/token", json=self._login)
                if answer.is_error:
                    raise StackError(f"Airflow refused the login: {answer.status_code} {answer.text[:200]}")
                self._token = answer.json()["access_token"]
            headers = {"Authorization": f"Bearer {self._token}", "Accept": "application/json"}
            return self._client.request(method, f"/api/v2{path}", headers=headers, **arguments)
        except httpx.HTTPError as error:
            raise StackError(f"Airflow at {self.url} does not answer: {error}. See `make logs`.") from error

    def put(self, path: str, key: str, body: dict[str, Any]) -> None:
        """Create the object that `body[key]` names, or update it."""
        if self.request("POST", path, json=body, allowed=(409,)) is None:
            self.request("PATCH", f"{path}/{body[key]}", json=body)

    def import_errors(self) -> dict[str, str]:
        """File name → the error that its parsing ended with."""
        found = self.request("GET", "/importErrors", params={"limit": 50})
        return {each["filename"]: each["stack_trace"] for each in found["import_errors"]}

    def form(self, dag_id: str) -> dict[str, Any]:
        """The fields of the DAG's trigger form."""
        details = self.request("GET", f"/dags/{dag_id}/details")
        return dict(details["params"] or {})

    def wait_for_dag(self, dag_id: str, seconds: float = 90) -> dict[str, Any]:
        """The DAG as Airflow knows it, once it is parsed; StackError with the reason when it never is."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            dag: dict[str, Any] | None = self.request("GET", f"/dags/{dag_id}", allowed=(404,))
            if dag is not None:
                return dag
            broken = self.import_errors()
            for name, trace in broken.items():
                if name.endswith(f"{dag_id}.py"):
                    raise StackError(f"{name} cannot be imported:\n{trace}")
            time.sleep(0.2)
        known = [dag["dag_id"] for dag in self.request("GET", "/dags", params={"limit": 100})["dags"]]
        raise StackError(f"There is no DAG {dag_id!r} in dags/. Known: {', '.join(sorted(known)) or 'none'}.")

    def unpause(self, dag_id: str, *, paused: bool = False) -> None:
        self.request("PATCH", f"/dags/{dag_id}", json={"is_paused": paused})

    def trigger(self, dag_id: str, conf: dict[str, Any]) -> Run:
        # An id of our own makes the call safe to repeat: the second one finds the run of the first.
        run_id = f"manual__{datetime.now(UTC).isoformat()}_{uuid.uuid4().hex[:8]}"
        body = {"dag_run_id": run_id, "logical_date": None, "conf": conf}
        self.request("POST", f"/dags/{dag_id}/dagRuns", json=body, allowed=(409,))
        return Run(dag_id, run_id)

    def wait(
        self,
        run: Run,
        seconds: float = 3600,
        watch: Callable[[list[dict[str, Any]]], None] | None = None,
        check: Callable[[], None] = lambda: None,
    ) -> str:
        """The run's end state, "success" or "failed"; `watch` gets its task instances, at the end too.

        Who watches shares the machine with the run: the server gets one cheap question a second, and that for
        all tasks only every few seconds. RunFailed when so many seconds pass in which no task changes its
        state: a busy machine takes its time.
        `check` may raise what makes waiting useless.
        """
        seen: list[Any] | None = None
        deadline = time.monotonic() + seconds
        due = 0.0
        while True:
            state, asked = self.run_state(run), time.monotonic()
            if watch is not None and (asked >= due or state in RUN_ENDED):
                watch(self.task_instances(run))
                due = time.monotonic() + max(WATCH_SECONDS, (time.monotonic() - asked) * WATCH_SHARE)
            if state in RUN_ENDED:
                return state
            check()
            if time.monotonic() > deadline:
                now = sorted(
                    (ti["id"], ti["try_number"], ti["state"] or "") for ti in self.task_instances(run)
                )
                if now == seen:
                    raise RunFailed(
                        f"No task of {run.dag_id} has moved for {seconds:.0f} s. See `make logs`."
                    )
                seen, deadline = now, time.monotonic() + seconds
            time.sleep(POLL_SECONDS if watch is None else 1)

    def run_state(self, run: Run) -> str:
        return str(self.request("GET", run.path)["state"])

    def task_instances(self, run: Run) -> list[dict[str, Any]]:
        """All task instances of the run, mapped ones included."""
        return list(self._pages(f"{run.path}/taskInstances", "task_instances"))

    def _pages(self, path: str, key: str) -> Iterator[dict[str, Any]]:
        offset = 0
        while True:
            page = self.request("GET", path, params={"limit": 100, "offset": offset})
            yield from page[key]
            offset += len(page[key])
            if not page[key] or offset >= page["total_entries"]:
                return

    def xcom(self, run: Run, task_id: str, map_index: int = -1, key: str = "return_value") -> Any:
        """The value a task returned, or None when it returned none."""
        path = f"{run.path}/taskInstances/{task_id}/xcomEntries/{key}"
        entry = self.request("GET", path, params={"map_index": map_index}, allowed=(404,))
        return None if entry is None else entry["value"]

    def log(self, run: Run, task_id: str, map_index: int = -1, attempt: int = 1) -> str:
        """A task's log, a line an event."""
        path = f"{run.path}/taskInstances/{task_id}/logs/{attempt}"
        answer = self.request(
            "GET", path, params={"map_index": map_index, "full_content": True}, allowed=(404,)
        )
        events = (answer or {}).get("content") or []
        return "\n".join(_line(event) for event in events)


def _line(event: Any) -> str:
    if not isinstance(event, dict):
        return str(event)
    details = event.get("error_detail") or []
    causes = [f"{cause.get('exc_type')}: {cause.get('exc_value')}" for cause in details]
    return " ".join(filter(None, [event.get("level", ""), event.get("event", ""), *causes]))
