"""docs/benchmarks.md, written from what was measured."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from benchmarks.bars import Bar
from benchmarks.copies import DISTURBED, Case
from benchmarks.figures import Copies, Figure
from benchmarks.runs import NO_OP, OURS, SEED, Ran
from benchmarks.sizes import FORMATS

WAYS = {
    "ours": "this project's copy",
    "seed": "the seed's way",
    "dlt": "dlt",
    "pipe": "bytes piped unread",
    "drain": "read and thrown away",
}
DAGS = {OURS: "this project's DAG", SEED: "the seed's DAG", NO_OP: "maps that do nothing"}

INTRODUCTION = """\
Written by `make bench` (`QUICK=1` for a few minutes of it); every single measurement is in
[benchmarks.json](benchmarks.json). All ways ran in one session on the same rows, API and store, in turns,
each case in a process of its own. What each wrote was read back and compared with the source, every value of
every row, and a difference would have ended the command. Figures are medians, with the least and the most in
brackets.
"""
WAYS_TEXT = """\
- **this project's copy**: `include/transfer`: streamed, every row parsed, counted, encoded and hashed, and a
  receipt written.
- **the seed's way**: what the teaching example does, written anew: `requests` reads the whole body, `json`
  makes it a list, pandas {pandas} a table and a temporary file, and one call uploads that.
- **dlt** {dlt}: `rest_api` to `filesystem` with its defaults, columns' types declared, no compression,
  requests of 5,000 rows, in an interpreter of its own. It also writes two columns of its own and its state.
- **bytes piped unread**: from the API's socket to the store's multipart upload. No way can be faster.
"""


def page(
    bars: Sequence[Bar],
    copies: Copies,
    api: Mapping[str, float],
    compared: Sequence[Ran],
    everything: Ran,
    parses: Mapping[str, Mapping[str, Any]],
    about: Mapping[str, str],
) -> str:
    dlt, pandas = about["dlt"], about["pandas"]
    parts = [
        "# Benchmarks",
        INTRODUCTION,
        table(("", ""), about.items()),
        "## The bars",
        f"{sum(bar.met for bar in bars)} of {len(bars)} met.\n",
        table(
            ("what", "bar", "measured", ""),
            ((bar.what, bar.bar, bar.found, "met" if bar.met else "**missed**") for bar in bars),
        ),
        "## One batch, by every way",
        WAYS_TEXT.format(dlt=dlt, pandas=pandas),
        "Seconds and CPU seconds are of the move alone; loading the libraries, which each task pays once, "
        "stands beside them. MB/s are of the API's JSON. Memory is the process's peak; what it adds is "
        "counted from an interpreter that has loaded nothing.\n",
        *(_copies(copies, rows) for rows in copies.sizes("pipe", "bare", "json")),
        "## Memory of one copy, at any size",
        "In a process that has imported `airflow.sdk`, as an idle task has. What the copy imports counts as "
        "the copy's.\n",
        _memory(copies),
        "## Whole runs",
        "Airflow's LocalExecutor on PostgreSQL, 4 maps at a time (the pool `copies_large`), from the trigger "
        "to the run's end by Airflow's own record. Servers and tasks share the machine's cores. Peak: the "
        "largest process of the mapped task.\n",
        _runs(compared, everything),
        "## Parse of the DAG files",
        _parses(parses),
        "## The sample API",
        _api(copies, api),
        "## How quiet it was",
        _quiet(copies),
    ]
    return "\n".join(part.rstrip("\n") + "\n" for part in parts)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] + ["---:" if len(head) > 4 else "---"] * (len(head) - 1), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def shown(figure: Figure, digits: int = 0) -> str:
    if figure.least == figure.most:
        return f"{figure.median:,.{digits}f}"
    return f"{figure.median:,.{digits}f} ({figure.least:,.{digits}f}–{figure.most:,.{digits}f})"


def _copies(copies: Copies, rows: int) -> str:
    head = ("", "format", "rows/s", "MB/s", "CPU s", "CPU s to load", "peak MB", "adds MB")

    def lines() -> Iterator[tuple[str, ...]]:
        for way, format in [(way, format) for format in FORMATS for way in ("ours", "seed", "dlt")] + [
            ("pipe", "json")
        ]:
            case = Case(way, "bare", format, rows)
            yield (
                WAYS[way],
                format,
                shown(copies.figure(case, "rows_per_second")),
                f"{copies.figure(case, 'mb_per_second').median:,.1f}",
                f"{copies.figure(case, 'cpu_seconds').median:.2f}",
                f"{copies.figure(case, 'loading_cpu_seconds').median:.2f}",
                shown(copies.figure(case, "peak_mb")),
                f"{copies.figure(case, 'added_mb').median:,.0f}",
            )

    return f"### {rows:,} rows\n\n{table(head, lines())}"


def _memory(copies: Copies) -> str:
    sizes = copies.sizes("ours", "airflow", "csv")
    rows = []
    for rows_ in sizes:
        found = [copies.figure(Case("ours", "airflow", format, rows_), "added_mb") for format in FORMATS]
        speed = [
            copies.figure(Case("ours", "airflow", format, rows_), "rows_per_second") for format in FORMATS
        ]
        rows.append(
            [f"{rows_:,}", *(shown(each) for each in found), *(f"{each.median:,.0f}" for each in speed)]
        )
    head = [
        "rows in the batch",
        *(f"{format}: adds MB" for format in FORMATS),
        *(f"{format}: rows/s" for format in FORMATS),
    ]
    return table(head, rows)


def _runs(compared: Sequence[Ran], everything: Ran) -> str:
    rows = []
    for dag_id in (OURS, SEED, NO_OP):
        mine = [ran for ran in compared if ran.dag_id == dag_id]
        rows.append(_run_line(DAGS[dag_id], mine))
    rows.append(_run_line("this project's DAG, everything", [everything]))
    head = ("", "rows", "maps", "seconds", "rows/s", "median s of a map", "peak MB", "retries")
    return table(head, rows)


def _run_line(name: str, ran: Sequence[Ran]) -> list[str]:
    seconds = Figure.of([each.seconds for each in ran])
    each = ran[0]
    return [
        name,
        f"{each.rows:,}",
        str(each.maps),
        shown(seconds, 1),
        f"{each.rows / seconds.median:,.0f}" if each.rows else "–",
        f"{statistics.median(second for one in ran for second in one.task_seconds):.2f}",
        f"{statistics.median(one.peak_mb for one in ran):,.0f}",
        str(sum(one.retries for one in ran)),
    ]


def _parses(parses: Mapping[str, Mapping[str, Any]]) -> str:
    return table(
        ("file", "CPU s above `import airflow.sdk`", "heavy modules at top level"),
        (
            (name, shown(Figure.of(each["cpu_seconds"]), 3), ", ".join(each["heavy"]) or "none")
            for name, each in parses.items()
        ),
    )


def _api(copies: Copies, api: Mapping[str, float]) -> str:
    rows = [
        (
            f"{size:,}",
            shown(copies.figure(Case("drain", "bare", "json", size), "rows_per_second")),
            f"{copies.figure(Case('drain', 'bare', 'json', size), 'mb_per_second').median:,.0f}",
        )
        for size in copies.sizes("drain", "bare", "json")
    ]
    return (
        "A client that reads and throws away, on another core than the API's.\n\n"
        + table(("rows in the answer", "rows/s", "MB/s"), rows)
        + f"\nIts memory: {api['idle_mb']:.0f} MB when it had started, {api['peak_mb']:.0f} MB at its peak, "
        "after all cases of all ways.\n"
    )


def _quiet(copies: Copies) -> str:
    """What the machine did besides."""
    good = [each for measured in copies.measured.values() for each in measured.good]
    aside = sum(len(measured.put_aside) for measured in copies.measured.values())
    others = [each["others"] for each in good]
    wide = [
        f"{case} ({spread:.0%})"
        for case in copies.measured
        if (spread := copies.figure(case, "seconds").spread) > 0.25
    ]
    lines = [
        f"Other programs used {statistics.median(others):.0%} of the machine's processor time during the "
        f"median case, {max(others):.0%} during the most disturbed one. A case during which they used more "
        f"than {DISTURBED:.0%} was measured again, and the calmest attempt counts: {aside} were put aside "
        "(they are in the JSON file too).",
        "",
        "Repetitions that lie more than 25 % of their median apart: " + ("; ".join(wide) or "none") + ".",
    ]
    return "\n".join(lines)
