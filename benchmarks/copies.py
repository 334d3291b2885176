"""One batch from the API to the store, by every way, at every size and format."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import psutil

from benchmarks import interpreters, servers
from benchmarks.content import Content, WrongCopy, content, source_content
from benchmarks.machine import Bystanders, Cores, peak_mb, pinned
from benchmarks.sizes import FORMATS, Sizes
from include.wildfires import WILDFIRE_TYPES
from services.local.home import PROJECT
from services.wildfires_api.snapshot import Snapshot

# More of the machine than this used by other programs: the case is measured again.
DISTURBED = 0.10
CASE_SECONDS = 1800


@dataclass(frozen=True)
class Case:
    """A batch of `rows` by one way. `base`: what the process has loaded before: nothing ("bare"), as the
    ways are compared, or what an idle task of Airflow has ("airflow"), as memory is judged."""

    way: str
    base: str
    format: str
    rows: int

    def __str__(self) -> str:
        task = " in a task" if self.base == "airflow" else ""
        return f"{self.way}{task}, {self.rows:,} rows{f', {self.format}' if self.format != 'json' else ''}"


@dataclass
class Measured:
    """A case's repetitions, and what was measured while others disturbed it."""

    case: Case
    good: list[dict[str, Any]] = field(default_factory=list)
    put_aside: list[dict[str, Any]] = field(default_factory=list)


def cases(sizes: Sizes) -> Iterator[tuple[Case, int]]:
    """Every case, with its repetitions."""
    for rows, repeat in sizes.repeat.items():
        yield Case("pipe", "bare", "json", rows), repeat
        yield Case("drain", "bare", "json", rows), repeat
        for format in FORMATS:
            for way in ("ours", "seed", "dlt"):
                yield Case(way, "bare", format, rows), repeat
            yield Case("ours", "airflow", format, rows), repeat
    yield Case("drain", "bare", "json", sizes.everything), sizes.repeat_everything
    for format in FORMATS:
        yield Case("ours", "airflow", format, sizes.everything), sizes.repeat_everything


def rounds(sizes: Sizes) -> Iterator[list[Case]]:
    """The cases of each round, shuffled: what changes with time meets all ways alike."""
    planned = list(cases(sizes))
    for number in range(max(repeat for _, repeat in planned)):
        chosen = [case for case, repeat in planned if number < repeat]
        random.Random(number).shuffle(chosen)
        yield chosen


class Bench:
    """The running servers, and the measuring of cases against them."""

    def __init__(self, data: Path, url: str, api: psutil.Process, cores: Cores) -> None:
        self.source = Source(data)
        self.url, self.api, self.cores = url, api, cores

    def measure(
        self, case: Case, store: servers.Seaweed, store_process: psutil.Process, prefix: str
    ) -> dict[str, Any]:
        """Run one case in a process of its own; raises WrongCopy unless the store then holds its rows."""
        job = {
            **{"base": case.base, "format": case.format, "start": 0, "rows": case.rows, "prefix": prefix},
            **{"url": self.url, "endpoint": store.endpoint, "bucket": servers.BUCKET},
            **{"access_key": store.access_key, "secret_key": store.secret_key, "types": WILDFIRE_TYPES},
        }
        command, environment = program(case.way)
        bystanders = Bystanders([self.api, store_process])
        started = time.perf_counter()
        run = subprocess.run(
            pinned(command, self.cores.measured),
            input=json.dumps(job),
            env=environment,
            cwd=PROJECT,
            capture_output=True,
            text=True,
            check=False,
            timeout=CASE_SECONDS,
        )
        seconds = time.perf_counter() - started
        if run.returncode != 0:
            raise WrongCopy(f"{case}: the process failed:\n{run.stderr[-3000:]}")
        result = json.loads(run.stdout.splitlines()[-1])
        own = result["cpu_seconds"] + result["loading_cpu_seconds"]
        result["others"] = bystanders.share(own, seconds)
        result["load"] = os.getloadavg()[0]
        if case.way == "drain":
            self._expect(case, result["bytes"], self.source.bytes(case.rows))
        else:
            result["bytes"] = self.verify(case, store, result.pop("keys"))
        return result

    def verify(self, case: Case, store: servers.Seaweed, keys: list[str]) -> int:
        """Read back what the case wrote, compare it with the source, and remove it; returns its bytes."""
        client = store.client()
        with tempfile.TemporaryDirectory() as folder:
            files = []
            for key in keys:
                for found in client.list_objects(servers.BUCKET, prefix=key, recursive=True):
                    files.append(Path(folder) / str(len(files)))
                    client.fget_object(servers.BUCKET, found.object_name, str(files[-1]))
                    client.remove_object(servers.BUCKET, found.object_name)
            self.compare(case, files)
            return sum(file.stat().st_size for file in files)

    def compare(self, case: Case, files: list[Path]) -> None:
        if case.way == "pipe":
            found = sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
            self._expect(case, found, self.source.body(case.rows))
        else:
            ordered = case.way != "dlt"  # it may write several files, whose names do not tell their order
            found = content([(file, case.format) for file in files], ordered=ordered)
            self._expect(case, found, self.source.content(case.rows, case.format, ordered))

    @staticmethod
    def _expect(case: Case, found: object, expected: object) -> None:
        if found != expected:
            raise WrongCopy(f"{case}: found {found}; expected {expected}, as the source has it")

    def measure_calmly(
        self, into: Measured, store: servers.Seaweed, store_process: psutil.Process, most: int
    ) -> None:
        """Measure until nobody disturbs it, `most` times at the most; the least disturbed one counts."""
        case = into.case
        attempts: list[dict[str, Any]] = []
        while len(attempts) < most:
            number = len(into.good) + len(into.put_aside) + len(attempts)
            prefix = f"{case.base}-{case.format}-{case.rows}-{number}"
            attempts.append(self.measure(case, store, store_process, prefix))
            if attempts[-1]["others"] <= DISTURBED:
                break
        best = min(attempts, key=lambda each: each["others"])
        into.good.append(best)
        into.put_aside += [each for each in attempts if each is not best]


class Source:
    """What the API must have served, straight from the dataset's files."""

    def __init__(self, data: Path) -> None:
        self._snapshot = Snapshot(data)
        self.content = cache(self._content)
        self.body = cache(self._body)
        self.bytes = cache(self._bytes)

    def _lines(self, rows: int) -> Iterator[bytes]:
        return self._snapshot.lines(0, rows, 5_000)

    def _content(self, rows: int, format: str, ordered: bool) -> Content:
        return source_content(self._lines(rows), format, ordered=ordered)

    def _body(self, rows: int) -> str:
        """SHA-256 of the JSON array."""
        digest = sha256(b"[")
        lines = b"".join(self._lines(rows))
        digest.update(lines[:-1].replace(b"\n", b","))
        digest.update(b"]")
        return digest.hexdigest()

    def _bytes(self, rows: int) -> int:
        """Of the JSON array."""
        begin, end = self._snapshot.byte_range(0, rows, self._snapshot.meta.count)
        return end - begin + 1


def program(way: str) -> tuple[list[str], dict[str, str]]:
    """The command of a way's process, and its environment."""
    modules = {"ours": "ours", "seed": "seed", "pipe": "pipe", "drain": "drain", "dlt": "dlt_pipeline"}
    python = str(interpreters.dlt_python()) if way == "dlt" else sys.executable
    path = [str(PROJECT), *([str(interpreters.seed_packages())] if way == "seed" else [])]
    dropped = ("AIRFLOW", "AWS_", "PYTHON", "VIRTUAL_ENV")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
    environment = {"NO_PROXY": "*", "no_proxy": "*", "PYTHONPATH": os.pathsep.join(path)}
    return [python, "-m", f"benchmarks.ways.{modules[way]}"], kept | environment


def measure(
    sizes: Sizes, data: Path, home: Path, cores: Cores, report: Callable[[str], None]
) -> tuple[list[Measured], dict[str, float]]:
    """Every case of the size, in rounds, each with an empty store; and the API's memory before and after."""
    found = {case: Measured(case) for case, _ in cases(sizes)}
    with servers.api(data, sizes.everything, cores, home / "api.log") as (url, api):
        bench = Bench(data, url, api, cores)
        idle = peak_mb(api.pid)
        planned = list(rounds(sizes))
        for number, chosen in enumerate(planned, 1):
            with servers.store(home / f"store-{number}", cores) as (store, store_process):
                for done, case in enumerate(chosen):
                    report(f"round {number} of {len(planned)}, case {done + 1} of {len(chosen)}: {case}")
                    bench.measure_calmly(found[case], store, store_process, sizes.attempts)
        return list(found.values()), {"idle_mb": idle, "peak_mb": peak_mb(api.pid)}
