"""Whole runs on LocalExecutor: our DAG, the teaching example's, and one whose maps do nothing."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from benchmarks import interpreters
from benchmarks.content import WrongCopy, content
from benchmarks.copies import Source
from benchmarks.sizes import Sizes
from services.local.home import PROJECT, Home
from services.local.read_back import BUCKET
from services.local.sample_data import SampleData
from services.local.stack import Stack

OURS, SEED, NO_OP = "wildfires_to_s3", "seed_way", "no_op"
MAPPED = {OURS: "copy", SEED: "transfer_to_s3", NO_OP: "nothing"}
RUN_SECONDS = 3600


@dataclass
class Ran:
    """One run; `seconds` from the trigger to its end, by Airflow's own record."""

    dag_id: str
    rows: int
    maps: int
    seconds: float
    copying_seconds: float
    retries: int
    peak_mb: float
    task_seconds: list[float] = field(repr=False)
    load: float = 0.0


def measure(sizes: Sizes, home: Path, report: Callable[[str], None]) -> tuple[list[Ran], Ran]:
    """The compared runs, in turns; and our DAG over everything, as it is."""
    folder = _dags(home / "dags")
    path = os.pathsep.join([str(PROJECT), str(interpreters.seed_packages())])
    overrides = {"AIRFLOW__CORE__DAGS_FOLDER": str(folder), "PYTHONPATH": path}
    stack = Stack(Home(home / "stack"), env_overrides=overrides)
    stack.home.prepare()
    data = SampleData(stack.home, stack.environment(), report)
    rows = sizes.maps * sizes.map_rows
    data.generate(rows)
    with stack:
        bench = Runs(stack, report)
        bench.warm_up()
        turns = [NO_OP, OURS, SEED]
        compared = []
        for number in range(sizes.runs):
            for dag_id in turns[number % 3 :] + turns[: number % 3]:
                compared.append(bench.run(dag_id, rows, sizes.maps, sizes.map_rows))
        data.generate(sizes.everything)
        stack.supervisor.restart("api")
        everything = bench.run(OURS, sizes.everything, None, 50_000)
    return compared, everything


def _dags(folder: Path) -> Path:
    """A folder of the three DAGs alone: the others would only be parsed again and again meanwhile."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for source in (PROJECT / "dags" / f"{OURS}.py", *(PROJECT / "benchmarks" / "dags").glob("*.py")):
        shutil.copy(source, folder)
    return folder


class Runs:
    def __init__(self, stack: Stack, report: Callable[[str], None]) -> None:
        self.stack, self.report = stack, report
        self.source = Source(stack.home.data)

    def warm_up(self) -> None:
        """Wait until every DAG is known, and have the scheduler start its first task: not measured."""
        for dag_id in MAPPED:
            self.stack.api.wait_for_dag(dag_id, 120)
        self._ended(NO_OP, {"maps": 1})

    def _ended(self, dag_id: str, conf: dict[str, Any]) -> Any:
        run = self.stack.trigger(dag_id, conf)
        state = self.stack.wait(run, RUN_SECONDS)
        if state != "success":
            raise WrongCopy(f"{dag_id} ended as {state}: its time means nothing")
        return run

    def run(self, dag_id: str, rows: int, maps: int | None, batch: int) -> Ran:
        """Run a DAG to its end and verify what it wrote; raises WrongCopy where that is not the source."""
        self.report(f"{dag_id}: {rows:,} rows, batches of {batch:,}")
        confs = {NO_OP: {"maps": maps}, SEED: {"batch_size": batch}}
        # Ours would find that the run before it has copied these rows already.
        run = self._ended(dag_id, confs.get(dag_id, {"batch_size": batch, "force": True}))
        record = self.stack.api.request("GET", run.path)
        instances = self.stack.task_instances(run)
        mapped = [ti for ti in instances if ti["task_id"] == MAPPED[dag_id]]
        returned = [self.stack.api.xcom(run, ti["task_id"], ti["map_index"]) for ti in mapped]
        if maps is not None and len(mapped) != maps:
            raise WrongCopy(f"{dag_id} was mapped {len(mapped)} times; expected {maps}")
        if dag_id != NO_OP:
            self._verify(dag_id, rows, returned)
        starts, ends = ([_seconds(ti[name]) for ti in mapped] for name in ("start_date", "end_date"))
        return Ran(
            dag_id,
            0 if dag_id == NO_OP else rows,
            len(mapped),
            seconds=_seconds(record["end_date"]) - _seconds(record["queued_at"]),
            copying_seconds=max(ends) - min(starts),
            retries=sum(max(ti["try_number"] - 1, 0) for ti in instances),
            peak_mb=max(each["peak_rss_mb"] for each in returned),
            task_seconds=[end - start for start, end in zip(starts, ends, strict=True)],
            load=os.getloadavg()[0],
        )

    def _verify(self, dag_id: str, rows: int, returned: Sequence[dict[str, Any]]) -> None:
        keys = [each["key"] for each in sorted(returned, key=lambda each: each["start"])]
        found = content(self._files(keys))
        self.source = Source(self.stack.home.data)  # it may have been replaced
        expected = self.source.content(rows, "csv", True)
        if found != expected:
            raise WrongCopy(f"{dag_id}: the store holds {found}; the source has {expected}")

    def _files(self, keys: Sequence[str]) -> Iterator[tuple[Path, str]]:
        """One object after the other, in the same file."""
        client = self.stack.s3
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "object"
            for key in keys:
                client.fget_object(BUCKET, key, str(path))
                yield path, "csv"


def _seconds(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()


def plain(ran: Ran) -> dict[str, Any]:
    return asdict(ran)
