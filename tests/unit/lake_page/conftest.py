"""Runs and what Airflow says of them, made up in a line."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from include.lake_page.runs import AirflowRun, Attempt, Copied, CopyDag
from include.transfer.dataset import Dataset

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
DATASET = Dataset(name="fires", batch_size=5)
DAG = CopyDag("fires_to_s3", {"name": "fires"}, "copy", "plan", "verify")


class Made:
    """What a test needs of a run; moments are seconds after noon."""

    now = NOON + timedelta(seconds=100)

    def run(self, state: str = "success", ended: float | None = 60, **changes: Any) -> AirflowRun:
        end = None if ended is None else NOON + timedelta(seconds=ended)
        values = {"dag": DAG, "run_id": "manual__1", "run_after": NOON, "dataset": DATASET, **changes}
        return AirflowRun(state=state, started=NOON, ended=end, **values)

    def attempt(
        self,
        index: int,
        state: str = "success",
        begin: float | None = 0,
        end: float | None = 10,
        number: int = 1,
        task: str = "copy",
    ) -> Attempt:
        moments = [None if at is None else NOON + timedelta(seconds=at) for at in (begin, end)]
        return Attempt(task, index, state, number, *moments)

    def copied(
        self, index: int, seconds: float = 1.0, *, reused: bool = False, run: AirflowRun | None = None
    ) -> Copied:
        prefix = (run or self.run()).prefix
        key = f"{prefix}data_from_{index * 5}.csv"
        return Copied(index * 5, 5, 50, seconds, 100.0 + index, reused, key)


@pytest.fixture
def made() -> Made:
    return Made()
