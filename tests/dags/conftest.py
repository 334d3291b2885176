"""Run the project's DAGs with `dag.test()` against a real store and a scripted source."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests import airflow_home
from tests.servers.scripted_http import ScriptedSource

if TYPE_CHECKING:
    from airflow.sdk import DAG

    from tests.servers.seaweedfs import Store

BUCKET = "task-mapping-api-data"
# Every run has a moment of its own: the same moment again is the same run again.
_moments = (datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=n) for n in count())


@dataclass
class Ran:
    """A finished run, and what it left behind."""

    run: Any
    moment: datetime

    @property
    def state(self) -> str:
        return str(self.run.state)

    @property
    def states(self) -> dict[str, list[str]]:
        """Task id → the states of its instances, by map index."""
        found: dict[str, list[str]] = {}
        for ti in sorted(self.run.get_task_instances(), key=lambda ti: (ti.task_id, ti.map_index)):
            found.setdefault(ti.task_id, []).append(str(ti.state))
        return found

    def labels(self, task_id: str) -> list[str]:
        tis = [ti for ti in self.run.get_task_instances() if ti.task_id == task_id]
        return [ti.rendered_map_index for ti in sorted(tis, key=lambda ti: ti.map_index)]

    def xcom(self, task_id: str, map_index: int = -1, key: str = "return_value") -> Any:
        from airflow.models.xcom import XComModel
        from airflow.utils.session import create_session

        with create_session() as session:
            query = XComModel.get_many(
                run_id=self.run.run_id,
                dag_ids=self.run.dag_id,
                task_ids=task_id,
                map_indexes=map_index,
                key=key,
            )
            row = session.scalars(query).first()
            return XComModel.deserialize_value(row) if row else None


class Lake:
    """One bucket, and the DAGs that write to it."""

    def __init__(self, store: "Store", monkeypatch: pytest.MonkeyPatch) -> None:
        self.client = store.client()
        self._monkeypatch = monkeypatch
        if not self.client.bucket_exists(BUCKET):
            self.client.make_bucket(BUCKET)
        for found in self.client.list_objects(BUCKET, recursive=True):
            self.client.remove_object(BUCKET, found.object_name)
        self.connect(
            "LOCALS3",
            conn_type="aws",
            login=store.access_key,
            password=store.secret_key,
            extra={"endpoint_url": store.endpoint, "region_name": "us-east-1"},
        )

    def connect(self, conn_id: str, **fields: Any) -> None:
        self._monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", json.dumps(fields))

    def connect_source(self, source: ScriptedSource, conn_id: str = "WILDFIRES_API", **fields: Any) -> None:
        self.connect(conn_id, conn_type="http", host="127.0.0.1", port=source.port, **fields)

    def run(self, dag_id: str, moment: datetime | None = None, **conf: Any) -> Ran:
        """Run a DAG to its end; `moment` of an earlier run: that run again, as after clearing all of it."""
        return self.run_file(airflow_home.PROJECT / f"dags/{dag_id}.py", moment, **conf)

    def run_file(self, file: Path, moment: datetime | None = None, **conf: Any) -> Ran:
        """Parse a DAG's file anew for each run: a run's values stay in the parsed DAG's params."""
        from airflow.dag_processing.bundles.manager import DagBundlesManager
        from airflow.dag_processing.dagbag import DagBag, sync_bag_to_db

        moment = moment or next(_moments)
        bag = DagBag(str(file))
        (dag,) = bag.dags.values()
        if file.parent != airflow_home.PROJECT / "dags":
            DagBundlesManager().sync_bundles_to_db()
            sync_bag_to_db(bag, "dags-folder", None)
        run = dag.test(run_after=moment, logical_date=moment, run_conf=conf)
        return Ran(run, moment)

    def written(self) -> dict[str, Any]:
        """Key → when it was written."""
        return {o.object_name: o.last_modified for o in self.client.list_objects(BUCKET, recursive=True)}

    def objects(self) -> list[str]:
        return sorted(self.written())

    def read(self, key: str) -> bytes:
        response = self.client.get_object(BUCKET, key)
        try:
            return response.read()
        finally:
            response.close()
            response.release_conn()

    def manifests(self) -> list[dict[str, Any]]:
        return [json.loads(self.read(key)) for key in self.objects() if key.endswith("/_manifest.json")]


@pytest.fixture(scope="session", autouse=True)
def checked_once() -> Iterator[None]:
    """Do once what takes most of each `dag.test()`: here neither forms nor the project's DAGs change.

    Each time Airflow looks at a field of a form it checks the field's schema, thousands of times a run; and
    at each run it parses and stores all the other DAGs too.
    """
    from airflow.dag_processing import dagbag
    from jsonschema.validators import Draft202012Validator

    check, sync, kept = Draft202012Validator.check_schema, dagbag.sync_bag_to_db, []

    @cache
    def check_text(schema: str) -> None:
        check(json.loads(schema))

    def sync_once(bag: Any, *where: Any) -> None:
        if bag not in kept:
            kept.append(bag)
            sync(bag, *where)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Draft202012Validator, "check_schema", lambda schema: check_text(json.dumps(schema)))
        patch.setattr(dagbag, "BundleDagBag", cache(dagbag.BundleDagBag))
        patch.setattr(dagbag, "sync_bag_to_db", sync_once)
        yield


@pytest.fixture(autouse=True)
def quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    """`dag.test()` waits between attempts as long as the DAGs say; here they say no time at all."""
    from include.tasks.retries import RETRIES

    monkeypatch.setattr("include.tasks.retries._LONGEST", timedelta(0))
    monkeypatch.setitem(RETRIES, "retry_delay", timedelta(0))
    for rule in RETRIES["retry_policy"].rules:
        if rule.retry_delay:
            monkeypatch.setattr(rule, "retry_delay", timedelta(0))


_bag: list[Any] = []


def dag_bag() -> Any:
    """The project's DAGs, parsed once."""
    if not _bag:
        from airflow.dag_processing.dagbag import DagBag

        airflow_home.migrate()
        _bag.append(DagBag(str(airflow_home.PROJECT / "dags")))
    return _bag[0]


@pytest.fixture
def dags() -> "dict[str, DAG]":
    return dag_bag().dags


@pytest.fixture
def lake(store: "Store", monkeypatch: pytest.MonkeyPatch) -> Iterator[Lake]:
    airflow_home.migrate()
    return Lake(store, monkeypatch)


@pytest.fixture
def executors(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Set `[core] executor` for one test, as if Airflow had been started with it."""
    from airflow.executors import executor_loader

    import airflow_local_settings as policy

    def forget() -> None:
        policy._kubernetes_executor.cache_clear()
        policy._default_queue.cache_clear()
        for name, value in vars(executor_loader).items():
            if isinstance(value, dict | list) and name.startswith("_") and not name.startswith("__"):
                value.clear()

    def configure(names: str) -> None:
        monkeypatch.setenv("AIRFLOW__CORE__EXECUTOR", names)
        forget()

    yield configure
    forget()


@pytest.fixture
def wildfires(source: Callable[..., ScriptedSource]) -> Callable[[int], ScriptedSource]:
    """A source shaped as the sample API, with rows of the dataset's 37 columns."""

    def serve(rows: int) -> ScriptedSource:
        return source(wildfire, count=rows, version="v1")

    return serve


def wildfire(index: int) -> dict[str, Any]:
    """One row with every column of the FPA-FOD, values of the right types, a null and text with zeros."""
    from include.wildfires import WILDFIRE_TYPES

    samples = {"string": f"0{index}", "int64": index, "double": index + 0.5}
    row = {column: samples[kind] for column, kind in WILDFIRE_TYPES.items()}
    return row | {"FIRE_NAME": None if index % 2 else 'SMITH, "J"', "FIRE_YEAR": 1992 + index % 24}
