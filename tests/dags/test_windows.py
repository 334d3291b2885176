"""A dataset with windows through Airflow: what is new, nothing new, and an interval of one's own."""

import json
from datetime import UTC, datetime, timedelta
from itertools import chain

import pytest

from tests.conformance.styles import Served
from tests.conformance.windows import ByTime

FORM = {"name": "fires", "conn_id": "fires_api", "format": "ndjson", "key": ["id"], "batch_size": 20}
WINDOW = {"field": "at", "start": "2026-01-01", "step": "P1D", "end": "2026-01-11"}


@pytest.fixture
def fires(lake):
    with Served(ByTime()) as served:
        lake.connect("fires_api", conn_type="http", host=served.url)
        yield served


def ids(lake, run):
    (manifest,) = (each for each in lake.manifests() if each["run"] == run)
    data = b"".join(lake.read(receipt["key"]) for receipt in manifest["receipts"])
    return [json.loads(line)["id"] for line in data.splitlines()]


def run(lake, number, **conf):
    """One in February, when all windows are over."""
    moment = datetime(2026, 2, 1, tzinfo=UTC) + timedelta(seconds=number)
    return lake.run("api_to_s3", moment, **FORM, **conf)


def test_a_run_goes_on_where_the_last_one_ended(lake, fires):
    first = run(lake, 1, window={**WINDOW, "end": "2026-01-06"})
    assert first.state == "success"
    assert first.labels("copy")[:2] == ["2026-01-01, rows 0–19", "2026-01-01, rows 20–25"]
    committed = first.xcom("commit")
    assert committed["watermark"] == "2026-01-06T00:00:00Z"
    assert ids(lake, committed["run"]) == list(range(104))  # the fourth day has none

    fires.requests.clear()
    second = run(lake, 2, window={**WINDOW, "end": "2026-01-06"})
    assert set(chain.from_iterable(second.states.values())) == {"skipped"}
    assert second.xcom("count_rows", key="unchanged")["run"] == committed["run"]
    assert fires.requests == []

    again = run(lake, 3, window=WINDOW, since="2026-01-02", until="2026-01-04")
    assert again.states["copy"] == ["success"] * 4
    assert again.states["commit"] == ["skipped"]  # they hold the same rows, and keep their objects
    assert {key.split("/")[1] for key in lake.objects() if "data_" in key} == {committed["run"]}
