"""Measure the copies beside other ways, judge them by the bars, and write benchmarks.md and its picture."""

import argparse
import json
import shutil
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import batch_copies, dag_parsing, dag_runs, environments, machine, markdown
from benchmarks.bars import judge
from benchmarks.profiles import PROFILES, Profile
from benchmarks.samples import Samples
from services.local.ending import ended
from services.local.home import PROJECT, Home, only_command

DISK_BYTES_PER_ROW = 8_000  # the rows themselves, and what the store keeps of removed objects


def main(arguments: Sequence[str] | None = None) -> int:
    root = Home.from_environment()
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--profile", choices=PROFILES, default="full", help="how much (default: %(default)s)")
    parser.add_argument("--out", type=Path, default=PROJECT / "docs", help="folder to write to (%(default)s)")
    options = parser.parse_args(arguments)
    profile = PROFILES[options.profile]
    return ended(lambda: measure(profile, root, options.out), "Interrupted; nothing was written.")


def measure(profile: Profile, root: Home, out: Path) -> int:
    """Measure everything, then write: what fails half-way leaves the last page as it was."""
    root.prepare()
    machine.require(root.root, profile.all_rows * DISK_BYTES_PER_ROW, "make bench-quick")
    home = Home(root.root / "bench")
    with only_command(root, "bench"):
        shutil.rmtree(home.root, ignore_errors=True)
        try:
            samples, about = _measured(profile, home)
        finally:
            shutil.rmtree(home.root, ignore_errors=True)
    verdicts = judge(samples)
    for each in verdicts:
        print(f"{each.mark:6} {each.what}: {each.found} (bar: {each.bar})")
    markdown.write(out, samples, verdicts, about)
    every = [{**case._asdict(), **measures} for case, measures in samples.items()]
    (root.root / "benchmarks.json").write_text(json.dumps([about, *every], indent=1))
    print(f"Written: {out / markdown.PAGE}; every sample: {root.root / 'benchmarks.json'}")
    return 0


def _measured(profile: Profile, home: Home) -> tuple[Samples, dict[str, str]]:
    home.prepare()
    started, samples = time.monotonic(), Samples()
    about = {"date": datetime.now(UTC).strftime("%Y-%m-%d"), "profile": profile.name}
    about |= machine.facts() | environments.install()
    dag_parsing.measure(profile.dag_rounds, home, samples)
    dag_runs.measure(profile, home, samples)
    batch_copies.measure(profile, home, samples)
    return samples, about | {"took": f"{(time.monotonic() - started) / 60:.1f} minutes"}


if __name__ == "__main__":
    sys.exit(main())
