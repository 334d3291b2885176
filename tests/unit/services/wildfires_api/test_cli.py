"""The commands, as a person at a terminal meets them."""

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[4]


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "services.wildfires_api", *map(str, arguments)]
    return subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=600)


def test_generated_rows_are_told_of(tmp_path: Path) -> None:
    made = run("generate", "--rows", "100", "--out", tmp_path / "a")
    assert (made.returncode, made.stderr) == (0, "")
    assert "100 rows" in made.stdout


def test_without_data_the_command_to_run_is_named(tmp_path: Path) -> None:
    done = run("serve", "--data", tmp_path / "a")
    assert done.returncode == 1
    assert f"generate --rows 20000 --out {tmp_path / 'a'}" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_wrong_file_is_refused_in_one_message(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "v6.sqlite") as database:
        database.execute("CREATE TABLE Fires (FOD_ID, NWCG_GENERAL_CAUSE)")
    database.close()
    done = run("load", tmp_path / "v6.sqlite", "--out", tmp_path / "a")
    assert done.returncode == 1
    assert "NWCG_GENERAL_CAUSE" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize("bound", ["0", "-1", "many"])
def test_a_server_that_would_answer_nothing_is_wrong_usage(tmp_path: Path, bound: str) -> None:
    done = run("serve", "--data", tmp_path, "--max-concurrency", bound)
    assert done.returncode == 2
    assert f"'{bound}'" in done.stderr


def test_rows_are_checked(tmp_path: Path) -> None:
    done = run("generate", "--rows", "-5", "--out", tmp_path / "a")
    assert done.returncode == 1
    assert "-5" in done.stderr
    assert "Traceback" not in done.stderr
