"""`make bench` from its start to the written page, on as little as runs everything once."""

import json
import sys
from pathlib import Path

import psutil
import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where one tiny run of the command has been."""
    from benchmarks.__main__ import main

    home = tmp_path_factory.mktemp("bench")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STACK_HOME", str(home / "stack"))
        assert main(["--profile", "tiny", "--out", str(home / "out")]) == 0
    return home


def test_every_way_was_measured(home):
    _, *cases = json.loads((home / "stack" / "benchmarks.json").read_text())
    copies = {case["way"]: case for case in cases if case["setting"] == "process"}
    runs = {case["way"]: case for case in cases if case["setting"] == "dag"}
    assert set(copies) == {"copy", "unproven", "seed", "dlt", "http_to_s3", "pipe", "bare_loop", "row_group"}
    assert set(runs) == {"no_op", "bare_way", "wildfires_to_s3", "seed_way"}
    assert all(case["seconds"][0] > 0 and case["added_mb"][0] > 5 for case in copies.values())
    assert all(case["cpu_seconds"][0] > 0 and case["retries"] == [0] for case in runs.values())
    assert runs["no_op"]["xcoms"] == [0]
    assert runs["wildfires_to_s3"]["xcoms"][0] >= 1
    assert (
        runs["wildfires_to_s3"]["requests"] == runs["bare_way"]["requests"] > runs["no_op"]["requests"] > [2]
    )


def test_the_page_is_written_and_nothing_else_is_left(home):
    assert {file.name for file in (home / "out").iterdir()} == {"benchmarks.md", "benchmarks.svg"}
    assert not (home / "stack" / "bench").exists()
    commands = (" ".join(process.info["cmdline"] or []) for process in psutil.process_iter(["cmdline"]))
    assert [command for command in commands if str(home) in command] == []
