"""The snapshot folder: whole or not there, replaced as a whole, and checked when it is opened."""

import json
import multiprocessing
import os
import signal
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from services.wildfires_api.snapshot import Snapshot, SnapshotError, SnapshotFolder, SnapshotMissing
from services.wildfires_api.snapshot_writer import SnapshotWriter


def write(folder: Path, *names: str) -> None:
    write_all(folder, names)


def write_all(folder: Path, names: Iterable[str]) -> None:
    with SnapshotWriter(folder, ["NAME"], {"kind": "test"}) as writer:
        for name in names:
            writer.write(json.dumps({"NAME": name}).encode() + b"\n")


def names(snapshot: Snapshot) -> list[str]:
    lines = b"".join(snapshot.lines(0, snapshot.meta.count, size=2)).splitlines()
    return [json.loads(line)["NAME"] for line in lines]


def test_what_was_written_is_read(tmp_path: Path) -> None:
    write(tmp_path / "a", "x", "y", "z")
    snapshot = Snapshot(tmp_path / "a")
    assert names(snapshot) == ["x", "y", "z"]
    assert (snapshot.meta.count, snapshot.meta.small, snapshot.meta.columns) == (3, 3, ("NAME",))


def test_the_version_names_the_content(tmp_path: Path) -> None:
    for folder, name in (("a", "x"), ("b", "x"), ("c", "y")):
        write(tmp_path / folder, name)
    version = {folder: Snapshot(tmp_path / folder).meta.version for folder in "abc"}
    assert version["a"] == version["b"] != version["c"]


def test_a_row_that_holds_other_line_separators_is_one_row(tmp_path: Path) -> None:
    write(tmp_path / "a", "one\u2028\x0b\x1c\u0085\r\nrow", "two")
    assert names(Snapshot(tmp_path / "a")) == ["one\u2028\x0b\x1c\u0085\r\nrow", "two"]


def test_a_failed_write_leaves_the_old_data_and_nothing_else(tmp_path: Path) -> None:
    write(tmp_path / "a", "old")

    def rows() -> Iterator[str]:
        yield "new"
        raise RuntimeError

    with pytest.raises(RuntimeError):
        write_all(tmp_path / "a", rows())
    assert names(Snapshot(tmp_path / "a")) == ["old"]
    assert [entry.name for entry in tmp_path.iterdir()] == ["a"]


def _write_and_wait(folder: Path, ready: multiprocessing.Event) -> None:
    with SnapshotWriter(folder, ["NAME"], {}) as writer:
        writer.write(b'{"NAME":"lost"}\n')
        ready.set()
        signal.pause()


def test_a_killed_write_leaves_no_data_and_the_next_write_clears_it(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    ready = context.Event()
    process = context.Process(target=_write_and_wait, args=(tmp_path / "a", ready))
    process.start()
    assert ready.wait(30)
    with pytest.raises(SnapshotError, match="Another process is writing"):
        write(tmp_path / "a", "impatient")
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    with pytest.raises(SnapshotMissing):
        Snapshot(tmp_path / "a")
    write(tmp_path / "a", "kept")
    assert names(Snapshot(tmp_path / "a")) == ["kept"]
    assert [entry.name for entry in tmp_path.iterdir()] == ["a"]


def test_a_folder_with_other_files_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(SnapshotError, match=r"thesis\.txt"):
        write(tmp_path, "x")
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_the_newest_is_the_current_one_and_the_old_stays_readable(tmp_path: Path) -> None:
    write(tmp_path / "a", "old")
    folder = SnapshotFolder(tmp_path / "a")
    old = folder.current()
    write(tmp_path / "a", "new", "newer")
    assert names(folder.current()) == ["new", "newer"]
    assert names(old) == ["old"]


def test_while_the_folder_is_away_the_last_data_is_served(tmp_path: Path) -> None:
    write(tmp_path / "a", "old")
    folder = SnapshotFolder(tmp_path / "a")
    (tmp_path / "a").rename(tmp_path / "b")
    assert names(folder.current()) == ["old"]


@pytest.mark.parametrize("name", ["rows.ndjson", "rows.idx"])
def test_a_cut_file_is_noticed(tmp_path: Path, name: str) -> None:
    write(tmp_path / "a", "x", "y")
    file = tmp_path / "a" / name
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(SnapshotError, match=name):
        Snapshot(tmp_path / "a")


def test_a_broken_description_is_noticed(tmp_path: Path) -> None:
    write(tmp_path / "a", "x")
    (tmp_path / "a" / "meta.json").write_text('{"count": 1}')
    with pytest.raises(SnapshotError, match=r"meta\.json"):
        Snapshot(tmp_path / "a")


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ({"kind": "generated"}, "Generated rows, not real fires"),
        ({"kind": "file"}, "Rows of an unnamed file"),
        ({}, "Rows of an unnamed file"),
    ],
)
def test_a_snapshot_that_says_little_of_its_rows(tmp_path: Path, source: dict[str, str], said: str) -> None:
    with SnapshotWriter(tmp_path, ["NAME"], source) as writer:
        writer.write(b'{"NAME":"a"}\n')
    assert Snapshot(tmp_path).meta.provenance.startswith(said)
