"""One batch from the API to the store by every way, format and size, each in a process of its own."""

import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import urllib3

from benchmarks import environments, row_check
from benchmarks.profiles import Profile
from benchmarks.row_check import WrongCopy
from benchmarks.samples import Case, Samples
from benchmarks.ways import ROW_GROUP_ROWS
from include.wildfires import WILDFIRE_TYPES
from services.local.airflow_env import clean_environment
from services.local.home import PROJECT, Home
from services.local.ports import HOST, free_port
from services.local.read_back import BUCKET
from services.local.stack import Stack

START = urllib3.Retry(60, backoff_factor=0.1, backoff_max=1)  # a minute at the most
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
    with Stack(home, mode="services") as stack, api(home, profile.all_rows) as url:
        copies = Copies(stack, url)
        for number in range(max(rounds for _, rounds in planned)):
            chosen = [case for case, rounds in planned if number < rounds]
            random.Random(number).shuffle(chosen)
            print(f"Copies, round {number + 1}: {len(chosen)} cases", flush=True)
            for case in chosen:
                samples.add(case, **copies.measure(case))


@contextmanager
def api(home: Home, rows: int) -> Iterator[str]:
    """The URL of a sample API that answers so many rows at once, which the stack's does not."""
    port = free_port()
    options = ["--data", str(home.data), "--host", HOST, "--port", str(port), "--max-limit", str(rows)]
    command = [sys.executable, "-m", "services.wildfires_api", "serve", *options]
    with subprocess.Popen(command, cwd=PROJECT, stderr=subprocess.DEVNULL) as process:
        try:
            urllib3.request("GET", f"http://{HOST}:{port}/health", retries=START)
            yield f"http://{HOST}:{port}"
        finally:
            process.kill()


class Copies:
    """Measures cases against an API and the store of a stack."""

    def __init__(self, stack: Stack, url: str) -> None:
        self.stack, self.url = stack, url
        self.source = row_check.read(stack.home.data / "rows.ndjson", "ndjson")

    def measure(self, case: Case) -> dict[str, float]:
        """Run one case; raises WrongCopy unless the store then holds its rows."""
        run = subprocess.run(
            [environments.DLT_PYTHON if case.way == "dlt" else sys.executable, "-m", "benchmarks.ways"],
            input=json.dumps(self._job(case)),
            env=self._environment(case.way),
            cwd=PROJECT,
            capture_output=True,
            text=True,
            check=False,
        )
        if run.returncode != 0:
            raise WrongCopy(f"{case} failed:\n{run.stderr[-3000:]}")
        taken: dict[str, Any] = json.loads(run.stdout.splitlines()[-1])
        rows = min(case.rows, ROW_GROUP_ROWS) if case.way == "row_group" else case.rows
        where, expected = (BUCKET, taken.pop("prefix"), case.format), self.source.slice(0, rows)
        # dlt may write several files, whose names do not tell their order.
        row_check.check_and_empty(case, self.stack.s3, *where, expected, ordered=case.way != "dlt")
        added = taken["peak_mb"] - taken["idle_mb"]
        return taken | {"rows_per_second": case.rows / taken["seconds"], "added_mb": added}

    def _job(self, case: Case) -> dict[str, Any]:
        keys = self.stack.credentials.s3_access_key, self.stack.credentials.s3_secret_key
        endpoint = f"http://{HOST}:{self.stack.ports.s3}"
        where = {"url": self.url, "endpoint": endpoint, "bucket": BUCKET, "keys": keys}
        return case._asdict() | where | {"start": 0, "types": dict(WILDFIRE_TYPES)}

    def _environment(self, way: str) -> dict[str, str]:
        home = self.stack.home
        path = [str(PROJECT), *([str(environments.SEED_PACKAGES)] if way == "seed" else [])]
        own = {"PYTHONPATH": os.pathsep.join(path), "AIRFLOW_HOME": str(home.root / "ways")}
        return clean_environment(home) | own
