"""One batch from the API to the store by every way, format and size, each in a process of its own."""

import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from benchmarks import environments, row_check
from benchmarks.profiles import Profile
from benchmarks.row_check import WrongCopy
from benchmarks.samples import Case, Samples
from benchmarks.ways import ROW_GROUP_ROWS
from include.wildfires import WILDFIRE_TYPES
from services.local.airflow_env import clean_environment
from services.local.home import PROJECT, Home
from services.local.ports import HOST
from services.local.read_back import BUCKET
from services.local.stack import Stack

OF_ONE_FORMAT = {"pipe": "json", "http_to_s3": "json", "row_group": "parquet"}


def cases(profile: Profile) -> Iterator[tuple[Case, int]]:
    """Every case, and in how many rounds it is measured."""
    for rows, rounds in profile.rounds.items():
        for format in profile.formats:
            for way in ("copy", "unproven", "bare_loop", "seed", "dlt"):
                yield Case("process", way, format, rows), rounds
            yield Case("task", "copy", format, rows), rounds
        for way, format in OF_ONE_FORMAT.items():
            yield Case("process", way, format, rows), rounds
    for format in profile.formats:
        yield Case("task", "copy", format, profile.all_rows), profile.all_rounds


def measure(profile: Profile, home: Home, samples: Samples) -> None:
    """Every case, in rounds of shuffled order: what changes with time meets all ways alike."""
    planned = list(cases(profile))
    source = row_check.read(home.data / "rows.ndjson", "ndjson")
    with Stack(home, mode="services") as stack:
        for number in range(max(rounds for _, rounds in planned)):
            chosen = [case for case, rounds in planned if number < rounds]
            random.Random(number).shuffle(chosen)
            print(f"Copies, round {number + 1}: {len(chosen)} cases", flush=True)
            for case in chosen:
                samples.add(case, **measured(case, stack, source))


def measured(case: Case, stack: Stack, source: pa.Table) -> dict[str, float]:
    """What one case took; raises WrongCopy unless the store then holds the source's first rows."""
    keys = stack.credentials.s3_access_key, stack.credentials.s3_secret_key
    url, endpoint = (f"http://{HOST}:{port}" for port in (stack.ports.api, stack.ports.s3))
    job = case._asdict() | {"url": url, "endpoint": endpoint, "bucket": BUCKET, "keys": keys, "start": 0}
    path = [str(PROJECT), *([str(environments.SEED_PACKAGES)] if case.way == "seed" else [])]
    own = {"PYTHONPATH": os.pathsep.join(path), "AIRFLOW_HOME": str(stack.home.root / "ways")}
    run = subprocess.run(
        [environments.DLT_PYTHON if case.way == "dlt" else sys.executable, "-m", "benchmarks.ways"],
        input=json.dumps(job | {"types": dict(WILDFIRE_TYPES)}),
        env=clean_environment(stack.home) | own,
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    if run.returncode != 0:
        raise WrongCopy(f"{case} failed:\n{run.stderr[-3000:]}")
    taken: dict[str, Any] = json.loads(run.stdout.splitlines()[-1])
    rows = min(case.rows, ROW_GROUP_ROWS) if case.way == "row_group" else case.rows
    where, expected = (BUCKET, taken.pop("prefix"), case.format), source.slice(0, rows)
    # dlt may write several files, whose names do not tell their order.
    row_check.check_and_empty(case, stack.s3, *where, expected, ordered=case.way != "dlt")
    speed = case.rows / taken["seconds"]
    return taken | {"rows_per_second": speed, "added_mb": taken["peak_mb"] - taken["idle_mb"]}
