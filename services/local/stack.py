"""The stack as one object: `with Stack(...) as stack: stack.wait(stack.trigger("a_dag"))`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

from include.pools import wanted
from services import connections
from services.local import airflow_env, programs
from services.local.airflow_api import AirflowApi, Run
from services.local.cleanup import end_leftovers
from services.local.errors import RunFailed, StackError
from services.local.home import PROJECT, Credentials, Home, read_json, write_private
from services.local.ports import HOST, Ports, require_free
from services.local.sample_data import SampleData
from services.local.supervise import Supervisor

START_SECONDS = 240  # three workers on two busy cores take two minutes
Executor = Literal["LocalExecutor", "CeleryExecutor"]


class Stack:
    """The servers of one home.

    Tests and benchmarks give a temporary folder as `home`, and get free ports:

        with Stack(tmp_path) as stack:
            run = stack.trigger("wildfires_small_to_s3", {"format": "parquet"})
            assert stack.wait(run) == "success"
            tasks = stack.task_instances(run)      # state, try_number, map_index, start_date, … of each
            text = stack.log(run, "copy", map_index=2)
            objects = stack.s3.list_objects("task-mapping-api-data", recursive=True)

    `env_overrides` are added to the environment of every process, so `AIRFLOW__…` settings can be changed.
    `mode`: "run" leaves out what one triggered run does not need (schedules, the triggerer); "up" has them;
    "services" starts the store, the API and the warehouse alone. `executor`: "CeleryExecutor" brings a broker
    and three workers. `store_metrics`: the port where the store says to Prometheus how many requests it has
    answered; None: nowhere. `report` is told what is being done, a line each.
    """

    def __init__(
        self,
        home: Home | Path,
        ports: Ports | None = None,
        env_overrides: Mapping[str, str] | None = None,
        *,
        mode: str = "run",
        executor: Executor = "LocalExecutor",
        store_metrics: int | None = None,
        report: Callable[[str], None] = lambda text: None,
    ) -> None:
        self.home = home if isinstance(home, Home) else Home(home)
        self.ports = ports or Ports.free()
        self.mode = mode
        self.executor = executor
        self.store_metrics = store_metrics
        self.report = report
        self.overrides = dict(env_overrides or {})
        self.supervisor = Supervisor(self.home)
        self._api: AirflowApi | None = None

    def __enter__(self) -> Stack:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *details: object) -> None:
        self.stop()

    @classmethod
    def running(cls, home: Home, report: Callable[[str], None] = lambda text: None) -> Stack | None:
        """The stack that an earlier `make up` or `make services` left up in this home, else None."""
        state = read_json(home.state_file)
        if state.get("mode") not in ("up", "services") or not state.get("ready"):
            return None
        options = {"mode": state["mode"], "executor": state.get("executor", "LocalExecutor")}
        stack = cls(home, Ports(**state["ports"]), **options, report=report)
        return stack if stack.supervisor.pid() == state.get("supervisord") else None

    def require(self, mode: str, executor: str | None = None) -> None:
        """StackError when this stack was started for something else, or with another executor."""
        if self.mode != mode:
            raise StackError(f"`make {self.mode}` is up. Stop it first: make down")
        if executor and self.executor != executor:
            raise StackError(f"The stack that is up has the {self.executor}. Stop it first: make down")

    # -- start and stop ------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start everything and return when it is ready to take a run; raises StackError."""
        self.home.prepare()
        left = end_leftovers(self.home)
        if left:
            self.report(f"Ended {len(left)} processes that an earlier command left behind.")
        require_free(self.ports)
        self.credentials = Credentials.load(self.home)
        SampleData(self.home, airflow_env.clean_environment(self.home), self.report).ensure_some()
        database = programs.database(self.home, self.ports, self.credentials)
        database.initialise()
        where = (self.home, self.ports, self.credentials)
        servers, airflow = (
            programs.servers(*where, self.executor, self.mode, self.store_metrics),
            programs.airflow(*where, self.executor, self.mode),
        )
        self.supervisor.start([*servers, *airflow], self.environment(), str(PROJECT))
        self._write_state(ready=False)
        self.supervisor.launch(servers, START_SECONDS, self.report)
        database.provide_warehouse(self.credentials.warehouse_password)
        if airflow:
            airflow_env.write_password(self.home, self.credentials)
            self._migrate()
            self.report("Starting Airflow")
            self.supervisor.launch(airflow, START_SECONDS, self.report)
            self.apply_settings()
        self._write_state(ready=True)

    def stop(self) -> None:
        """Stop everything; safe to call at any time and again."""
        if self._api is not None:
            self._api.close()
            self._api = None
        self.supervisor.stop(all_at_once=self.mode == "run")
        end_leftovers(self.home)
        programs.seaweed(self.home, self.ports, Credentials.load(self.home)).remove_sockets()

    def environment(self) -> dict[str, str]:
        """What every process of the stack, and `airflow` commands beside it, run with."""
        own = airflow_env.airflow_environment(
            self.home,
            self.ports,
            Credentials.load(self.home),
            schedules=self.mode == "up",
            executor=self.executor,
        )
        return airflow_env.clean_environment(self.home) | own | self.overrides

    def apply_settings(self) -> None:
        """Create the missing pools, and create or update connections and variables, with the local keys."""
        for name, pool in wanted().items():
            self.api.request("POST", "/pools", json={"name": name, **pool}, allowed=(409,))
        for each in airflow_env.local_connections(self.ports, Credentials.load(self.home)):
            self.connect(each)
        for key, value in connections.variables().items():
            self.api.put("/variables", "key", {"key": key, "value": value})

    def connect(self, connection: connections.Connection) -> None:
        """Create or update a connection."""
        self.api.put("/connections", "connection_id", {"connection_id": connection.conn_id, **connection.row})

    def _migrate(self) -> None:
        """Bring the database to Airflow's version; the version done is remembered beside the database."""
        stamp = self.home.postgres.with_name("migrated")
        release = version("apache-airflow-core")
        if stamp.exists() and stamp.read_text() == release:
            return
        self.report("Preparing Airflow's database")
        command = [sys.executable, "-m", "airflow", "db", "migrate"]
        done = subprocess.run(
            command, env=self.environment(), cwd=PROJECT, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise StackError(f"`airflow db migrate` failed:\n{(done.stderr or done.stdout)[-3000:]}")
        stamp.write_text(release)

    def _write_state(self, *, ready: bool) -> None:
        state = {
            "mode": self.mode,
            "executor": self.executor,
            "ready": ready,
            "owner": os.getpid(),
            "supervisord": self.supervisor.pid(),
            "ports": self.ports.__dict__,
        }
        write_private(self.home.state_file, json.dumps(state))

    # -- runs ----------------------------------------------------------------------------------------------

    @property
    def api(self) -> AirflowApi:
        """Airflow's REST API, logged in as its user."""
        if self._api is None:
            password = Credentials.load(self.home).airflow_password
            self._api = AirflowApi(f"http://{HOST}:{self.ports.airflow}", airflow_env.USER, password)
        return self._api

    @property
    def s3(self) -> Any:
        """A minio client of the store."""
        return programs.seaweed(self.home, self.ports, Credentials.load(self.home)).client()

    def trigger(
        self, dag_id: str, conf: dict[str, Any] | None = None, defaults: dict[str, Any] | None = None
    ) -> Run:
        """Start a run of the DAG; it is unpaused, since the tasks of a paused DAG never start.

        `defaults`: values for those fields that the DAG's form has, where `conf` says nothing of them.
        """
        if self.wait_for_dag(dag_id)["is_paused"]:
            self.api.unpause(dag_id)
        form = self.api.form(dag_id) if defaults else {}
        return self.api.trigger(
            dag_id, {k: v for k, v in (defaults or {}).items() if k in form} | (conf or {})
        )

    def wait_for_dag(self, dag_id: str) -> dict[str, Any]:
        """The DAG, once it is parsed."""
        # An id that no file has written out is most likely a mistake, and rarely one made up at parse time.
        known = any(dag_id in path.read_text(errors="replace") for path in (PROJECT / "dags").rglob("*.py"))
        return self.api.wait_for_dag(dag_id, seconds=90 if known else 15)

    def wait(
        self, run: Run, seconds: float = 3600, watch: Callable[[list[dict[str, Any]]], None] | None = None
    ) -> str:
        """The run's end state, "success" or "failed"; AirflowApi.wait has the rest."""
        return self.api.wait(run, seconds, watch, self._require_programs)

    def _require_programs(self) -> None:
        states = self.supervisor.states()
        gone = [name for name, info in states.items() if info["statename"] == "FATAL"]
        if gone or not states:
            raise RunFailed(f"{', '.join(gone) or 'The stack'} stopped during the run. See `make logs`.")

    def task_instances(self, run: Run) -> list[dict[str, Any]]:
        """Airflow's record of every task of the run, mapped ones included."""
        return self.api.task_instances(run)

    def log(self, run: Run, task_id: str, map_index: int = -1, attempt: int = 1) -> str:
        """What one attempt of a task logged, a line an event."""
        return self.api.log(run, task_id, map_index, attempt)
