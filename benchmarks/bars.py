"""The bars that the design sets, held against what was measured."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.copies import Case
from benchmarks.figures import Copies
from benchmarks.runs import NO_OP, OURS, SEED, Ran
from benchmarks.sizes import FORMATS

SMALL = 50_000  # rows; a copy of more must not be larger


@dataclass(frozen=True)
class Bar:
    """`found` says what was measured; `met` whether that is good enough everywhere it was measured."""

    what: str
    bar: str
    found: str
    met: bool


def bars(
    copies: Copies,
    api: Mapping[str, float],
    compared: Sequence[Ran],
    everything: Ran,
    parses: Mapping[str, Mapping[str, Any]],
) -> list[Bar]:
    return [
        *_memory(copies),
        *_against(copies, "seed", {"csv": 2.5, "ndjson": 3.0, "parquet": 3.0}),
        *_against(copies, "dlt", dict.fromkeys(FORMATS, 4.0)),
        *_memory_of_dlt(copies),
        *_floor(copies),
        *_runs(compared),
        _everything(everything),
        _parses(parses),
        *_api(copies, api),
    ]


def _memory(copies: Copies) -> Iterator[Bar]:
    for format in FORMATS:
        sizes = copies.sizes("ours", "airflow", format)
        added = {
            rows: copies.figure(Case("ours", "airflow", format, rows), "added_mb").median for rows in sizes
        }
        worst = max(added.values())
        yield Bar(
            f"memory that a copy adds to an idle task process, {format}",
            "≤ 40 MB",
            f"{worst:.0f} MB at the most",
            worst <= 40,
        )
        small, large = SMALL if SMALL in sizes else sizes[0], sizes[-1]
        growth = added[large] / added[small] - 1
        what = f"its growth from {small:,} to {large:,} rows, {format}"
        yield Bar(what, "≤ 10 %", f"{growth:+.0%}", growth <= 0.10)


def _against(copies: Copies, way: str, least: Mapping[str, float]) -> Iterator[Bar]:
    for format, bar in least.items():
        ratios = {
            rows: copies.ratio(
                Case("ours", "bare", format, rows), Case(way, "bare", format, rows), "rows_per_second"
            )
            for rows in copies.sizes(way, "bare", format)
        }
        name = "the seed's way" if way == "seed" else way
        yield _ratio(f"rows/s against {name}, {format}", bar, ratios)


def _ratio(what: str, bar: float, ratios: Mapping[int, float]) -> Bar:
    found = ", ".join(f"{ratio:.1f}× at {rows:,}" for rows, ratio in ratios.items())
    return Bar(what, f"≥ {bar:g}×", found, min(ratios.values()) >= bar)


def _memory_of_dlt(copies: Copies) -> Iterator[Bar]:
    for format in FORMATS:
        parts = {
            rows: copies.ratio(
                Case("ours", "bare", format, rows), Case("dlt", "bare", format, rows), "peak_mb"
            )
            for rows in copies.sizes("dlt", "bare", format)
        }
        found = ", ".join(f"{part:.2f} at {rows:,}" for rows, part in parts.items())
        yield Bar(f"peak memory against dlt, {format}", "≤ 0.25", found, max(parts.values()) <= 0.25)


def _floor(copies: Copies) -> Iterator[Bar]:
    for format in FORMATS:
        ratios = {
            rows: copies.ratio(
                Case("ours", "bare", format, rows), Case("pipe", "bare", "json", rows), "rows_per_second"
            )
            for rows in copies.sizes("pipe", "bare", "json")
        }
        found = ", ".join(f"{ratio:.2f}× at {rows:,}" for rows, ratio in ratios.items())
        yield Bar(
            f"throughput against bytes piped unread, {format}", "≥ 0.3×", found, min(ratios.values()) >= 0.3
        )


def _runs(compared: Sequence[Ran]) -> Iterator[Bar]:
    seconds = {
        dag_id: statistics.median(ran.seconds for ran in compared if ran.dag_id == dag_id)
        for dag_id in (OURS, SEED, NO_OP)
    }
    maps = compared[0].maps
    for other, bar, name in ((SEED, 0.4, "the seed's DAG"), (NO_OP, 1.5, f"{maps} maps that do nothing")):
        ratio = seconds[OURS] / seconds[other]
        what = f"whole run of {maps} batches against {name}"
        yield Bar(what, f"≤ {bar:g}× the time", f"{ratio:.2f}×", ratio <= bar)


def _everything(ran: Ran) -> Bar:
    return Bar(
        f"whole run of {ran.rows:,} rows, 4 copies at a time",
        "completes without a retry",
        f"{ran.seconds:.0f} s, {ran.retries} retries",
        ran.retries == 0,
    )


def _parses(parses: Mapping[str, Mapping[str, Any]]) -> Bar:
    cpu = {name: statistics.median(each["cpu_seconds"]) for name, each in parses.items()}
    slowest = max(cpu, key=lambda name: cpu[name])
    heavy = sorted({module for each in parses.values() for module in each["heavy"]})
    loads = f", and {', '.join(heavy)} loaded at top level" if heavy else ", nothing heavy loaded"
    return Bar(
        "parse of any DAG file above `import airflow.sdk`",
        "≤ 0.3 s CPU, nothing heavy",
        f"{cpu[slowest]:.2f} s at the most ({slowest}){loads}",
        cpu[slowest] <= 0.3 and not heavy,
    )


def _api(copies: Copies, api: Mapping[str, float]) -> Iterator[Bar]:
    rows = copies.sizes("ours", "bare", "csv")[-1]
    drained = copies.figure(Case("drain", "bare", "json", rows), "rows_per_second").median
    fastest = max(
        copies.figure(Case("ours", "bare", format, rows), "rows_per_second").median for format in FORMATS
    )
    ratio = drained / fastest
    yield Bar(f"the sample API against the fastest copy, {rows:,} rows", "≥ 3×", f"{ratio:.1f}×", ratio >= 3)
    growth = api["peak_mb"] - api["idle_mb"]
    what = "the sample API's memory over everything it served"
    yield Bar(what, "flat (≤ 10 MB)", f"{growth:+.0f} MB", growth <= 10)
