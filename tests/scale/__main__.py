"""Measure how a run grows with rows and with maps, model it, and write scale.md and its picture."""

import argparse
import json
import shutil
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import machine
from services.local.ending import ended
from services.local.home import PROJECT, Home, only_command
from services.local.ports import free_port
from services.local.stack import Stack
from tests.scale.measuring import Measured, afterwards, many_runs, measured
from tests.scale.page import PAGE, Series, write

BATCH_ROWS, MAP_ROWS = 50_000, 200_000
DISK_BYTES_PER_ROW = 500  # CSV as it is and the hashes of its rows, at the most; each run's go after it
WARM_UPS = 3  # not measured: then the store has grown to what it needs
DISK_BYTES = 3_000_000_000  # of the stack itself
SMALL = "make scale ARGS='--rows 20000 200000 --maps 1 10'"


def main(arguments: Sequence[str] | None = None) -> int:
    """0: all held; 1: something did not, as the page says."""
    parser = argparse.ArgumentParser(prog="python -m tests.scale", description=__doc__)
    add = parser.add_argument
    add("--rows", type=int, nargs="+", default=[20_000, 200_000, 2_000_000, 20_000_000], help="%(default)s")
    add("--maps", type=int, nargs="+", default=[1, 10, 100, 1_000], help="of 200,000 rows: %(default)s")
    add("--runs", type=int, default=10, help="triggered at once (default %(default)s)")
    add("--out", type=Path, default=PROJECT / "docs", help="folder to write to (%(default)s)")
    options = parser.parse_args(arguments)
    if min(len(options.rows), len(options.maps)) < 2:
        parser.error("give two of each at least: the model is tried on the largest, which it does not know")
    return ended(lambda: scale(options), "Interrupted; nothing was written.")


def scale(options: argparse.Namespace) -> int:
    """Measure everything, then write: what fails half-way leaves the last page as it was."""
    root, began = Home.from_environment(), time.monotonic()
    root.prepare()
    needed = max(MAP_ROWS, *options.rows) * DISK_BYTES_PER_ROW + DISK_BYTES
    machine.require(root.root, needed, SMALL)
    print(f"This takes up to {needed / 1e9:.0f} GB of the disk of {root.root}, all of it for a while.")
    about = {"date": datetime.now(UTC).strftime("%Y-%m-%d")} | machine.facts()
    home = Home(root.root / "scale")
    with only_command(root, "scale"):
        shutil.rmtree(home.root, ignore_errors=True)
        try:
            with Stack(home, store_metrics=free_port()) as stack:
                series, others = _measure(stack, options)
        finally:
            shutil.rmtree(home.root, ignore_errors=True)
    about["took"] = f"{(time.monotonic() - began) / 60:.0f} minutes"
    every = [asdict(run) for run in (*series.by_rows, *series.by_maps, *others)]
    (root.root / "scale.json").write_text(json.dumps([about, *every], indent=1))
    findings = write(options.out, series, others, about)
    print(*(f"WRONG {each}" for each in findings), f"Written: {options.out / PAGE}", sep="\n")
    print(f"Every figure: {root.root / 'scale.json'}")
    return int(bool(findings))


def _measure(stack: Stack, options: argparse.Namespace) -> tuple[Series, list[Measured]]:
    """Small runs before large ones, so that none finds a server that a larger one has filled."""
    for _ in range(WARM_UPS):
        measured(stack, MAP_ROWS, 10)
    by_rows = [(rows, -(-rows // BATCH_ROWS)) for rows in sorted(options.rows)]
    by_maps = [(MAP_ROWS, maps) for maps in sorted(options.maps)]
    found = {}
    for size in sorted({*by_rows, *by_maps}):
        found[size] = measured(stack, *size)
        print(f"{found[size].title}: {found[size].costs['seconds']:.0f} s", flush=True)
    others = [many_runs(stack, options.runs, {}), afterwards(stack)]
    return Series([found[each] for each in by_rows], [found[each] for each in by_maps], BATCH_ROWS), others


if __name__ == "__main__":
    sys.exit(main())
