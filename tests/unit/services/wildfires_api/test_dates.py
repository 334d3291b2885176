"""Rows by discovery date: those of a range, and those that come late or are corrected."""

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from services.wildfires_api.dates import ByDate, ensure
from services.wildfires_api.snapshot import Snapshot

JULIAN_1970 = 2_440_587.5


def day_of(row: dict[str, Any]) -> date:
    return date(1970, 1, 1) + timedelta(days=int(row["DISCOVERY_DATE"] - JULIAN_1970))


def of(by_date: ByDate, *asked: Any) -> list[dict[str, Any]]:
    return [json.loads(line) for block in by_date.rows(*asked) for line in block.splitlines()]


@pytest.fixture
def api(serve: Callable, small_data: Path) -> Iterator[httpx.Client]:
    with ExitStack() as opened:
        yield opened.enter_context(httpx.Client(base_url=serve(small_data).url))


def test_a_range_has_the_rows_of_its_days_and_is_counted(
    api: httpx.Client, rows: list[dict[str, Any]]
) -> None:
    asked = {"since": "2003-05-01", "until": "2003-06-01"}
    wanted = [row for row in rows if date(2003, 5, 1) <= day_of(row) < date(2003, 6, 1)]
    wanted.sort(key=day_of)  # stable: those of one day as they stand
    assert api.get("/api/count", params=asked).json() == len(wanted) > 30
    pages = [
        api.get("/api/get", params={**asked, "start": n, "limit": 20}).json() for n in (0, 20, 40, 9_999)
    ]
    assert pages[0] + pages[1] + pages[2] == wanted[:60]
    assert pages[3] == []
    assert api.get("/api/count", params={"since": "1992-01-01"}).json() == len(rows)
    assert api.get("/api/count", params={"since": "tomorrow"}).status_code == 422


def test_late_and_corrected_rows_come_a_week_later(small_data: Path, rows: list[dict[str, Any]]) -> None:
    snapshot, all_days = Snapshot(small_data), (None, None, 0, len(rows), 500)
    on, later = (of(ByDate(snapshot, day), *all_days) for day in (date(2006, 7, 20), date(2006, 7, 27)))
    known = {row["FOD_ID"]: row for row in on}
    assert len(known) == ByDate(snapshot, date(2006, 7, 20)).count(None, None)
    there = [row for row in later if day_of(row) < date(2006, 7, 20)]
    assert there == [row for row in of(ByDate(snapshot, None), *all_days) if day_of(row) < date(2006, 7, 20)]
    late = [row for row in there if row["FOD_ID"] not in known]
    corrected = [row for row in there if row["FOD_ID"] in known and row != known[row["FOD_ID"]]]
    assert late
    assert corrected
    assert all(day_of(row) >= date(2006, 7, 13) for row in late + corrected)


def test_a_server_is_told_of_which_day_it_is(api: httpx.Client) -> None:
    before = api.get("/api/count")
    api.put("/api/as_of", params={"day": "2003-05-20"})
    then = api.get("/api/count")
    assert 0 < then.json() < before.json()
    assert then.headers["etag"] != before.headers["etag"]
    rows = api.get("/api/get", params={"start": 0, "limit": 20_000}).json()
    assert len(rows) == then.json()
    api.put("/api/as_of")
    assert api.get("/api/count").json() == before.json()


def test_a_snapshot_of_an_earlier_release_gets_its_index(tmp_path: Path, small_data: Path) -> None:
    folder = shutil.copytree(small_data, tmp_path / "a")
    (folder / "dates.idx").unlink()
    ensure(folder)
    assert (folder / "dates.idx").read_bytes() == (small_data / "dates.idx").read_bytes()
