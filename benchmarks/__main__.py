"""`make bench`: measure everything, and write docs/benchmarks.md and benchmarks.json beside it."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks import copies, interpreters, parsing, runs
from benchmarks.bars import bars
from benchmarks.copies import Source
from benchmarks.figures import Copies
from benchmarks.machine import Cores, facts, require
from benchmarks.page import page
from benchmarks.sizes import SIZES, Sizes
from services.local.ending import ended
from services.local.home import PROJECT, Home, only_command

PAGE = "benchmarks.md"
# The rows themselves, and the largest that one round leaves in its store.
DISK_BYTES_PER_ROW = 6_000


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)

    def command() -> int:
        measure(SIZES[options.size], options.out or _out(options.size))
        return 0

    return ended(command, "Interrupted; nothing was written.")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--size", choices=SIZES, default="full", help="how much (default: %(default)s)")
    parser.add_argument(
        "--out", type=Path, help="folder to write to (default: docs/ for the full size, else the stack's)"
    )
    return parser


def _out(size: str) -> Path:
    return PROJECT / "docs" if size == "full" else Home.from_environment().root / "benchmarks"


def measure(sizes: Sizes, out: Path) -> None:
    """Measure all parts, then write; what fails half-way leaves the last page as it was."""
    root = Home.from_environment()
    root.prepare()
    require(root.root, sizes.everything * DISK_BYTES_PER_ROW)
    home = root.root / "bench"
    with only_command(root, "bench"):
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir(parents=True)
        try:
            found = _measured(sizes, home)
        finally:
            shutil.rmtree(home, ignore_errors=True)
    out.mkdir(parents=True, exist_ok=True)
    (out / PAGE).write_text(found.pop("page"))
    (out / PAGE).with_suffix(".json").write_text(json.dumps(found, indent=1) + "\n")
    _say(f"Written: {out / PAGE}")


def _measured(sizes: Sizes, home: Path) -> dict[str, Any]:
    started, cores, load = time.monotonic(), Cores.of_this_machine(), os.getloadavg()
    _say(f"Size {sizes.name}: {cores}. Load before: {load[0]:.2f}")
    others = {
        "dlt": _version(interpreters.dlt_python(), "dlt"),
        "pandas": _version_in(interpreters.seed_packages(), "pandas"),
    }
    parses = parsing.measure(home, sizes.parses)
    compared, everything = runs.measure(sizes, home, _say)
    data = home / "stack" / "data"
    measured, api = copies.measure(sizes, data, home, cores, _say)
    about = {
        **{"date": datetime.now(UTC).strftime("%Y-%m-%d"), "size": sizes.name},
        **facts(),
        **others,
        "cores in the comparison of ways": str(cores),
        "load average before": ", ".join(f"{each:.2f}" for each in load),
        "took": f"{(time.monotonic() - started) / 60:.0f} minutes",
    }
    figures = Copies(measured, Source(data).bytes)
    judged = bars(figures, api, compared, everything, parses)
    for bar in judged:
        _say(f"{'met   ' if bar.met else 'MISSED'} {bar.what}: {bar.found} (bar: {bar.bar})")
    return {
        "page": page(judged, figures, api, compared, everything, parses, about),
        "about": about,
        "bars": [bar.__dict__ for bar in judged],
        "copies": [
            {**each.case.__dict__, "measured": each.good, "put_aside": each.put_aside} for each in measured
        ],
        "api": api,
        "runs": [runs.plain(ran) for ran in (*compared, everything)],
        "parses": parses,
    }


def _version(python: Path, package: str) -> str:
    code = f"from importlib.metadata import version; print(version({package!r}))"
    return subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def _version_in(folder: Path, package: str) -> str:
    (found,) = folder.glob(f"{package}-*.dist-info")
    return found.name.removesuffix(".dist-info").partition("-")[2]


def _say(text: str) -> None:
    print(f"{datetime.now().strftime('%H:%M:%S')} {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
