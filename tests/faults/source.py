"""A sample API of one round's own, whose data can be replaced while it is read."""

from __future__ import annotations

import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path

from services.local.home import PROJECT
from services.local.ports import free_ports
from services.wildfires_api.generator import generate
from services.wildfires_api.snapshot_writer import SnapshotWriter
from tests.faults.checker import Row, parse_rows

ROWS, MORE, LARGE = 1_500, 400, 18_000  # LARGE in one batch takes two parts of a multipart upload
START_SECONDS = 30


def sample_lines(folder: Path) -> list[bytes]:
    """Enough rows of wildfires for every version of a source, each a line of JSON."""
    generate(LARGE, folder, seed=1)
    return (folder / "rows.ndjson").read_bytes().splitlines(keepends=True)


class Source:
    """`python -m services.wildfires_api serve` on a folder and port of its own."""

    def __init__(self, folder: Path, lines: list[bytes], environment: Mapping[str, str]) -> None:
        self.folder, self._lines = folder, lines
        (self.port,) = free_ports(1)
        self.versions: dict[str | None, list[Row]] = {}  # all that it said of itself since `reset`
        self.write("base")
        command = [sys.executable, "-m", "services.wildfires_api", "serve", "--data", str(folder)]
        with folder.with_name(f"{folder.name}.log").open("wb") as log:
            self._process = subprocess.Popen(
                [*command, "--port", str(self.port)],
                env=dict(environment),
                cwd=PROJECT,
                stdout=log,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
            )
        self._wait()

    def close(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def reset(self, state: str) -> None:
        self.versions = {}
        self.replace(state)

    def replace(self, state: str) -> None:
        """Put other data in place, and remember what the API now says."""
        self.write(state)
        with self._get(f"/api/get?start=0&limit={LARGE}") as answer:
            version = answer.headers["ETag"].removeprefix("W/").strip('"')
            self.versions[version] = parse_rows(answer.read())

    def write(self, state: str) -> None:
        """`base`, `large`, `grown`, `shrunk`; or base with another value, order or column's name."""
        size = {"large": LARGE, "grown": ROWS + MORE, "shrunk": ROWS - MORE}.get(state, ROWS)
        lines = self._lines[:size]
        if state == "edited":
            lines = [*lines[:700], lines[700].replace(b'"STATE":"', b'"STATE":"X'), *lines[701:]]
        elif state == "reordered":
            lines = [*lines[750:], *lines[:750]]
        elif state == "renamed":
            lines = [line.replace(b'"STATE":', b'"US_STATE":') for line in lines]
        columns = list(parse_rows(b"[" + lines[0] + b"]")[0])
        with SnapshotWriter(self.folder, columns, {"kind": "generated", "state": state}) as writer:
            writer.write(b"".join(lines))

    def _get(self, path: str):
        return urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=30)

    def _wait(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                self._get("/health").close()
                return
            except (urllib.error.URLError, OSError):
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"no API on {self.port}: see {self.folder}.log") from None
                time.sleep(0.1)
