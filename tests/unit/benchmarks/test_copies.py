"""Every way that `make bench` compares moves rows at all, and a copy that is wrong ends the command."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("services.local.stack", reason="needs services/, which the Astro image does not carry")
pytest.importorskip("benchmarks", reason="needs benchmarks/, which the Astro image does not carry")

from benchmarks import copies, servers
from benchmarks.content import WrongCopy, content, source_content
from benchmarks.copies import Bench, Case, Measured, Source
from benchmarks.machine import Cores
from benchmarks.sizes import FORMATS, SIZES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

ROWS = 400
NOT_PINNED = Cores([], [], [])


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> "Callable[[int], Path]":
    from services.wildfires_api.generator import generate

    def make(seed: int) -> Path:
        folder = tmp_path_factory.mktemp("dataset") / str(seed)
        generate(ROWS, folder, seed)
        return folder

    return make


@pytest.fixture(scope="module")
def data(dataset: "Callable[[int], Path]") -> Path:
    return dataset(0)


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[tuple]":
    with servers.store(tmp_path_factory.mktemp("bench") / "store", NOT_PINNED) as (store, process):
        yield store, process


@pytest.fixture(scope="module")
def bench(data: Path, tmp_path_factory: pytest.TempPathFactory) -> "Iterator[Bench]":
    log = tmp_path_factory.mktemp("bench") / "api.log"
    with servers.api(data, ROWS, NOT_PINNED, log) as (url, process):
        yield Bench(data, url, process, NOT_PINNED)


WAYS = [(way, format) for way in ("ours", "seed", "dlt") for format in FORMATS]


@pytest.mark.parametrize(("way", "format"), [*WAYS, ("pipe", "json"), ("drain", "json")])
def test_a_way_moves_every_row(bench, lake, way, format):
    result = bench.measure(Case(way, "bare", format, ROWS), *lake, prefix="whole")
    assert result["bytes"] > ROWS * 50
    assert result["peak_mb"] > result["idle_mb"] > 5
    assert result["cpu_seconds"] > 0


def test_memory_is_judged_from_an_idle_task(bench, lake):
    result = bench.measure(Case("ours", "airflow", "csv", ROWS), *lake, prefix="task")
    assert result["idle_mb"] > 80


@pytest.mark.parametrize(("way", "format"), [("ours", "csv"), ("seed", "ndjson"), ("pipe", "json")])
def test_other_rows_than_the_sources_end_it(bench, lake, dataset, way, format):
    """The API serves one dataset; what is expected comes from another of as many rows."""
    elsewhere = Bench(dataset(1), bench.url, bench.api, NOT_PINNED)
    with pytest.raises(WrongCopy, match=f"{way}, 400 rows.* expected"):
        elsewhere.measure(Case(way, "bare", format, ROWS), *lake, prefix="other")


def test_a_way_that_fails_ends_it(bench, lake):
    with pytest.raises(WrongCopy, match="the process failed"):
        bench.measure(Case("ours", "bare", "xml", ROWS), *lake, prefix="failing")


# What objects say --------------------------------------------------------------------------------------


@pytest.fixture
def rows(data: Path) -> list[dict]:
    return [json.loads(line) for line in (data / "rows.ndjson").read_text().splitlines()]


def read(path: Path, rows: list[dict]):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return content([(path, "ndjson")])


def test_content_is_the_same_in_other_bytes(data, rows, tmp_path):
    found = read(tmp_path / "rows", [dict(reversed(row.items())) for row in rows])
    assert found == Source(data).content(ROWS, "ndjson", True)
    assert found.rows == ROWS


@pytest.mark.parametrize(
    "spoil",
    [
        lambda rows: rows.pop(),
        lambda rows: rows.append(rows[-1]),
        lambda rows: rows.reverse(),
        lambda rows: rows[7].update(FIRE_NAME="another"),
        lambda rows: rows[7].update(FIRE_NAME="", STATE=""),
        lambda rows: rows[7].update(LATITUDE=rows[7]["LATITUDE"] + 1e-9),
        lambda rows: rows[7].update(STATE=rows[7]["COUNTY"], COUNTY=rows[7]["STATE"]),
        lambda rows: rows[7].update(FIPS_CODE=None),
    ],
)
def test_any_other_value_shows(data, rows, tmp_path, spoil):
    rows[7].update(FIPS_CODE="045", COUNTY="Hancock")
    expected = read(tmp_path / "right", rows)
    spoil(rows)
    assert read(tmp_path / "wrong", rows) != expected


def test_the_order_of_files_may_not_matter(data, rows, tmp_path):
    files = []
    for name, part in (("b", rows[200:]), ("a", rows[:200])):
        files.append((tmp_path / name, "ndjson"))
        read(tmp_path / name, part)
    assert content(files, ordered=False) == Source(data).content(ROWS, "ndjson", False)
    assert content(files) != Source(data).content(ROWS, "ndjson", True)


def test_csv_cannot_tell_null_from_empty_but_the_others_can(rows):
    lines = [[json.dumps({**row, "FIRE_NAME": name}).encode() + b"\n" for row in rows] for name in (None, "")]
    null, empty = (b"".join(each) for each in lines)
    assert source_content([null], "csv") == source_content([empty], "csv")
    assert source_content([null], "ndjson") != source_content([empty], "ndjson")


# Repetitions -------------------------------------------------------------------------------------------


def test_every_round_holds_the_same_cases_in_another_order():
    first, second = list(copies.rounds(SIZES["full"]))[:2]
    assert set(first) == set(second) == {case for case, _ in copies.cases(SIZES["full"])}
    assert first != second
    assert {case.way for case in first[:8]} > {"ours"}


def disturbed(bench, monkeypatch, shares):
    """Measure one case while others take such shares of the machine, one an attempt."""
    given = iter(shares)
    monkeypatch.setattr(bench, "measure", lambda *_: {"others": next(given)})
    measured = Measured(Case("ours", "bare", "csv", ROWS))
    bench.measure_calmly(measured, None, None, most=3)
    return [each["others"] for each in measured.good], [each["others"] for each in measured.put_aside]


def test_a_disturbed_case_is_measured_again(bench, monkeypatch):
    assert disturbed(bench, monkeypatch, [0.02, 0.0]) == ([0.02], [])
    assert disturbed(bench, monkeypatch, [0.5, 0.03, 0.0]) == ([0.03], [0.5])
    assert disturbed(bench, monkeypatch, [0.5, 0.4, 0.6, 0.0]) == ([0.4], [0.5, 0.6])
