"""The rows that the wildfires API serves: generated ones, or the real file."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from services.local.errors import StackError
from services.local.home import PROJECT, Home, read_json, write_private
from services.wildfires_api.snapshot import META

Rows = Annotated[int | None, typer.Option(min=1)]  # an option of a command
Replace = Annotated[bool, typer.Option("--replace")]
ROWS = 20_000
FULL = 1_880_465  # what the real dataset has


MINUTES = 300_000  # rows that take minutes to make or load


def ask_to_replace(home: Home, rows: int | None, file: Path | None = None, *, replace: bool = False) -> None:
    """Ask before rows go that took minutes to make; StackError for a no, and where nobody can be asked.

    `rows`, `file`: what they would be replaced by; neither: nothing is.
    """
    note, there = read_json(home.root / "data.json"), read_json(home.data / META).get("count", 0)
    same = note in ({"generated": rows}, {"file": str(file and file.absolute())})
    if replace or same or there < MINUTES or (rows is None and file is None):
        return
    what = f"{there:,} rows " + (f"of {note['file']}" if "file" in note else "that were generated")
    if not sys.stdin.isatty():
        raise StackError(f"This would replace {what}, which took minutes. If you mean it, add REPLACE=1.")
    if input(f"Replace {what}, which took minutes? [y/N] ").strip().lower() not in ("y", "yes"):
        raise StackError("Nothing was replaced.")


@dataclass(frozen=True)
class SampleData:
    home: Home
    environment: Mapping[str, str]
    report: Callable[[str], None]

    @property
    def _note(self) -> Path:
        return self.home.root / "data.json"

    def ensure_some(self) -> None:
        """Generate the small set of rows unless some data is there."""
        if not read_json(self._note):
            self.generate(ROWS)

    def ensure_full(self) -> bool:
        """Keep the real file where it is loaded, else make as many rows as it has; False: they are there."""
        return "file" not in read_json(self._note) and self.generate(FULL)

    def generate(self, rows: int) -> bool:
        """Make exactly so many rows; False when they are there already."""
        if read_json(self._note) == {"generated": rows}:
            return False
        if rows > FULL:
            raise StackError(f"ROWS is {rows:,}; the most that can be generated is {FULL:,}.")
        self.report(f"Generating {rows:,} rows of wildfires")
        self._run(["generate", "--rows", str(rows)], {"generated": rows})
        return True

    def load(self, file: Path) -> None:
        if not file.is_file():
            raise StackError(f"There is no file {file}. Give its path: make data FILE=<path>")
        self.report(f"Loading {file}")
        self._run(["load", str(file.absolute())], {"file": str(file.absolute())})

    def _run(self, arguments: list[str], note: dict[str, object]) -> None:
        # Without its note, data that a killed command left half made is made again.
        self._note.unlink(missing_ok=True)
        command = [sys.executable, "-m", "services.wildfires_api", *arguments, "--out", str(self.home.data)]
        done = subprocess.run(command, env=self.environment, cwd=PROJECT, check=False)
        if done.returncode != 0:
            raise StackError("Cannot make the rows; the lines above say why.")
        write_private(self._note, json.dumps(note))
