"""One round: runs of `api_to_s3` in bad weather, an incident, and the judgement of what they left."""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import urllib3
from minio.error import MinioException

from services.local.airflow_api import RUN_ENDED, Run
from services.local.stack import Stack
from tests.conformance.styles import Served
from tests.faults import checker, plan, processes
from tests.faults.arena import Slot
from tests.faults.judgement import Result, folder_of, judge, patiently
from tests.faults.plan import Plan
from tests.stack import BUCKET

DAG = "api_to_s3"
ROUND_SECONDS = 900  # then it hangs, even where many share the machine
PAUSE_SECONDS = 40.0  # the arena's Airflow gives a task up after 20 without a heartbeat


class Round:
    def __init__(self, stack: Stack, slot: Slot, drawn: Plan) -> None:
        self.stack, self.slot, self.plan = stack, slot, drawn
        slot.used += 1
        self.name = f"round-{drawn.seed}-{slot.number}-{slot.used}"
        self.result = Result(drawn.seed)
        self.runs: list[Run] = []
        self._happened = drawn.incident == plan.NOTHING

    def play(self) -> Result:
        started = time.monotonic()
        slot, drawn = self.slot, self.plan
        slot.source.reset(drawn.data)
        slot.to_source.weather, slot.to_store.weather = drawn.source, drawn.store
        with self._server() as versions:
            self._play(versions)
        slot.to_source.weather, slot.to_store.weather = plan.Weather(), plan.Weather()
        self.result.faults += drawn.source.injected + drawn.store.injected
        self.result.seconds = time.monotonic() - started
        return self.result

    @contextlib.contextmanager
    def _server(self) -> Iterator[Callable[[], Mapping[str | None, Sequence[checker.Row]]]]:
        """The round's source, and what it said of itself up to a moment: version → rows."""
        slot, name = self.slot, self.plan.style
        if not name:
            yield lambda: slot.source.versions
            return
        self.result.faults[name] += 1
        style, usual = plan.STYLES[name](), slot.to_source.upstream_port

        def rows() -> list[checker.Row]:
            return checker.parse_rows(f"[{','.join(map(style.text, style.rows))}]")

        before = rows()
        with Served(style) as served:
            slot.to_source.upstream_port = served.port
            try:
                yield lambda: {"before": before, "after": rows()}
            finally:
                slot.to_source.upstream_port = usual

    def _play(self, versions: Callable[[], Mapping[str | None, Sequence[checker.Row]]]) -> None:
        drawn = self.plan
        count = 2 if drawn.incident == plan.TWO_RUNS else 1
        self.runs = [self._trigger() for _ in range(count)]
        self._happened = self._happened or self._note(drawn.incident in _FROM_THE_START)
        ended = self._wait()
        if ended and drawn.incident in _AFTERWARDS:
            self._afterwards()
            ended = self._wait()
        self._judge(ended, versions())

    # -- the run -------------------------------------------------------------------------------------------

    def _trigger(self) -> Run:
        conf = {
            "misfit": "fail",  # the checker wants the source's own columns
            "name": self.name,
            "bucket": "no-such-bucket" if self.plan.incident == plan.NO_BUCKET else BUCKET,
            "version_header": "ETag",
            **self.slot.connections,
            **(self.slot.wrong_keys if self.plan.incident == plan.WRONG_KEY else {}),
            **self.plan.settings,
        }
        return patiently(lambda: self.slot.api.trigger(DAG, conf))

    def _wait(self) -> bool:
        """Watch until all runs have ended; False when they do not."""
        deadline = time.monotonic() + ROUND_SECONDS
        while time.monotonic() < deadline:
            states = [patiently(lambda run=run: self.slot.api.run_state(run)) for run in self.runs]
            if not self._happened and self.plan.incident not in _AFTERWARDS:
                self._happened = self._note(self._incident())
            for run in self.runs:
                self._look(run)
            if all(state in RUN_ENDED for state in states):
                return True
            time.sleep(2.0 if self._happened else 0.6)
        return False

    def _look(self, run: Run) -> None:
        # A reader whom the store does not answer has seen nothing.
        with contextlib.suppress(MinioException, urllib3.exceptions.HTTPError, OSError):
            self.result.bugs += checker.torn(self.stack.s3, BUCKET, folder_of(self.stack.s3, self.name, run))

    # -- what happens to it --------------------------------------------------------------------------------

    def _note(self, happened: bool) -> bool:
        if happened:
            self.result.faults[self.plan.incident] += 1
            self.result.incident = self.plan.incident
        return happened

    def _incident(self) -> bool:
        """Let the incident happen when it is time; False when it is not."""
        copies = [ti for ti in self._tasks(self.runs[0]) if ti["task_id"] == "copy" and ti["map_index"] >= 0]
        begun = [ti for ti in copies if ti["state"] in ("running", "success", "up_for_retry", "failed")]
        if len(begun) < min(self.plan.at_copies, len(copies) or 1):
            return False
        incident, stack = self.plan.incident, self.stack
        if incident in (plan.KILL_COPY, plan.TERM_COPY):
            how = signal.SIGKILL if incident == plan.KILL_COPY else signal.SIGTERM
            return processes.kill_task(stack, {ti["id"] for ti in begun}, how)
        if incident in (plan.KILL_WORKER, plan.TERM_WORKER):
            how = signal.SIGKILL if incident == plan.KILL_WORKER else signal.SIGTERM
            return processes.signal_worker(stack, {ti["id"] for ti in begun}, how)
        if incident == plan.LOST_HEARTBEAT:
            return processes.pause_task(stack, {ti["id"] for ti in begun}, PAUSE_SECONDS)
        with _SHARED:
            if incident == plan.KILL_SCHEDULER:
                return processes.kill_tree(stack, "scheduler")
            if incident in _SIGNALS:
                return processes.kill_program(stack, *_SIGNALS[incident])
            if incident == plan.RESTART_STORE:
                stack.supervisor.restart("s3")
                return True
        if incident in _REPLACEMENTS:
            self.slot.source.replace(_REPLACEMENTS[incident])
        else:
            self._clear(all_tasks=incident == plan.CLEAR_ALL)
        return True

    def _afterwards(self) -> None:
        incident = self.plan.incident
        if incident in _AGAIN:
            self.runs.append(self._trigger())
            if incident != plan.CLEARED_IN_RETENTION or not self._reaches_commit(self.runs[-1]):
                self._note(incident != plan.CLEARED_IN_RETENTION)
                return
        if incident in _REPLACED_LATER:
            self.slot.source.replace(_REPLACED_LATER[incident])
        self._clear(all_tasks=incident != plan.CLEAR_MAP_LATER)
        self._note(True)

    def _reaches_commit(self, run: Run) -> bool:
        """Wait until a run commits; False if it ends before."""
        deadline = time.monotonic() + ROUND_SECONDS
        while time.monotonic() < deadline:
            states = {ti["task_id"]: ti["state"] for ti in self._tasks(run)}
            if states.get("commit") in ("queued", "running", "success"):
                return True
            if patiently(lambda: self.slot.api.run_state(run)) in RUN_ENDED:
                return False
            time.sleep(0.2)
        return False

    def _clear(self, *, all_tasks: bool) -> None:
        run = self.runs[0]
        body = {
            "dry_run": False,
            "dag_run_id": run.run_id,
            "include_downstream": True,
            "only_failed": False,
            "reset_dag_runs": True,
        }
        chosen = {} if all_tasks else {"task_ids": [["copy", 0]]}
        path = f"/dags/{run.dag_id}/clearTaskInstances"
        patiently(lambda: self.slot.api.request("POST", path, json=body | chosen))

    def _tasks(self, run: Run) -> list[dict[str, Any]]:
        return patiently(lambda: self.slot.api.task_instances(run))

    # -- what it left --------------------------------------------------------------------------------------

    def _judge(self, ended: bool, versions: Mapping[str | None, Sequence[checker.Row]]) -> None:
        for run in self.runs:
            state = patiently(lambda run=run: self.slot.api.run_state(run))
            if not ended and state not in RUN_ENDED:
                tasks = Counter(f"{ti['task_id']} {ti['state']}" for ti in self._tasks(run))
                self.result.bugs.append(f"{run.run_id} did not end within {ROUND_SECONDS} s: {dict(tasks)}")
                patiently(lambda run=run: self.slot.api.request("PATCH", run.path, json={"state": "failed"}))
                continue
            judge(self.result, run, state, self.slot.api, self.stack.s3, self.name, versions)


_SHARED = threading.Lock()  # what all rounds use is broken by one of them at a time
_FROM_THE_START = {plan.TWO_RUNS, plan.NO_BUCKET, plan.WRONG_KEY}
_REPLACED_LATER = {plan.REPLACED_LATER: "edited", plan.REPLANNED: "grown"}
_AGAIN = {plan.SAME_AGAIN, plan.FORCED, plan.CLEARED_IN_RETENTION}
_AFTERWARDS = {plan.CLEAR_MAP_LATER, plan.CLEAR_ALL_LATER, *_REPLACED_LATER, *_AGAIN}
_REPLACEMENTS = {
    plan.GROWN: "grown",
    plan.APPENDED: "grown",
    plan.SHRUNK: "shrunk",
    plan.EDITED: "edited",
    plan.REORDERED: "reordered",
    plan.RENAMED: "renamed",
}
_SIGNALS = {
    plan.TERM_SCHEDULER: ("scheduler", signal.SIGTERM),
    plan.KILL_SCHEDULER_ALONE: ("scheduler", signal.SIGKILL),
    plan.KILL_API_SERVER: ("api-server", signal.SIGKILL),
    plan.TERM_API_SERVER: ("api-server", signal.SIGTERM),
}
