"""`make bench` from its start to the written page, at a size that takes a minute."""

import json
import re
import sys
from pathlib import Path

import psutil
import pytest

pytest.importorskip("services.local.stack", reason="needs services/, which the Astro image does not carry")
pytest.importorskip("benchmarks.machine", reason="needs benchmarks/, which the Astro image does not carry")

from tests.project_files import PROJECT

pytestmark = [pytest.mark.e2e, pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")]

PAGE = PROJECT / "docs" / "benchmarks.md"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("bench")


@pytest.fixture(scope="module")
def written(home: Path) -> tuple[str, dict]:
    """The page and the single measurements of one tiny run of the command."""
    from benchmarks.__main__ import main

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STACK_HOME", str(home / "stack"))
        assert main(["--size", "tiny", "--out", str(home / "out")]) == 0
    return (home / "out/benchmarks.md").read_text(), json.loads((home / "out/benchmarks.json").read_text())


def test_every_bar_is_judged(written):
    page, found = written
    assert len(found["bars"]) == 24
    lines = [line for line in page.splitlines() if re.search(r"\| (met|\*\*missed\*\*) \|$", line)]
    assert len(lines) == len(found["bars"])
    assert f"{sum(bar['met'] for bar in found['bars'])} of 24 met." in page


def test_every_way_was_measured(written):
    page, found = written
    ways = {(case["way"], case["format"]) for case in found["copies"]}
    formats = ("csv", "ndjson", "parquet")
    assert ways == {(way, format) for way in ("ours", "seed", "dlt") for format in formats} | {
        ("pipe", "json"),
        ("drain", "json"),
    }
    assert all(case["measured"] for case in found["copies"])
    assert [run["dag_id"] for run in found["runs"]] == [
        "no_op",
        "wildfires_to_s3",
        "seed_way",
        "wildfires_to_s3",
    ]
    assert all(run["retries"] == 0 and run["peak_mb"] > 50 for run in found["runs"])
    assert "dags/" not in page
    assert "api_to_s3.py" in page


def test_nothing_is_left_behind(written, home):
    assert not (home / "stack" / "bench").exists()
    left = [
        process.info["cmdline"]
        for process in psutil.process_iter(["cmdline"])
        if str(home) in " ".join(process.info["cmdline"] or [])
    ]
    assert left == []
