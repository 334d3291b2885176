"""The bars set beforehand, in one table, and the judging of what was measured by them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import reduce
from operator import sub, truediv
from typing import Any, NamedTuple

from benchmarks.profiles import FORMATS
from benchmarks.samples import Samples, Spread

COPY_DAG, SEED_DAG, NO_OP_DAG, BARE_DAG = "wildfires_to_s3", "seed_way", "no_op", "bare_way"
SMALL = 50_000  # rows; a larger batch must not need more memory
TEXT, CSV = ("csv", "ndjson"), ("csv",)


@dataclass(frozen=True)
class Bar:
    """`way` in `setting` is compared with each of `against` in turn, round by round, in batches of the same
    size (or of `base_rows`): their ratio, or what is left when they are taken off (`sub`). `floor`: a way
    that does less than a copy must, compared likewise wherever the bar is missed."""

    what: str
    sign: str  # "≤" or "≥"
    limit: float
    unit: str
    measure: str
    setting: str
    way: str
    against: tuple[tuple[str, str], ...] = ()
    formats: tuple[str, ...] = FORMATS
    compared: Callable[[float, float], float] = truediv
    base_rows: int = 0
    from_rows: int = 0
    digits: int = 2
    floor: str = ""


class Verdict(NamedTuple):
    """`mark`: "met"; "missed"; or "floor": wherever the bar is missed, its floor misses it too."""

    what: str
    bar: str
    found: str
    mark: str


COPY, LOOP, GROUP = (("process", way) for way in ("copy", "bare_loop", "row_group"))
DLT, UNPROVEN = (("process", way) for way in ("dlt", "unproven"))
TASK, RUN, SEED_RUN, NO_OP = ("task", "copy"), ("dag", COPY_DAG), ("dag", SEED_DAG), ("dag", NO_OP_DAG)
SPEED, SECONDS, CPU, ADDED, PEAK = "rows_per_second", "seconds", "cpu_seconds", "added_mb", "peak_mb"
OF_RUNS: Any = {"formats": CSV, "floor": BARE_DAG}
LEFT: Any = OF_RUNS | {"compared": sub}
BARS = (
    Bar("memory a copy adds to an idle task", "≤", 40, " MB", ADDED, *TASK, (), TEXT, digits=0),
    Bar("the same, against 50,000 rows", "≤", 1.1, "×", ADDED, *TASK, (TASK,), TEXT, truediv, SMALL, SMALL),
    Bar("peak memory against pyarrow with one row group", "≤", 1.2, "×", PEAK, *COPY, (GROUP,), ("parquet",)),
    Bar("rows/s against dlt", "≥", 4, "×", SPEED, *COPY, (DLT,), from_rows=SMALL, floor="bare_loop"),
    Bar("CPU against a bare loop", "≤", 1.3, "×", CPU, *COPY, (LOOP,), CSV),
    Bar("CPU without hashes, against a copy", "≥", 0.9, "×", CPU, *UNPROVEN, (COPY,), TEXT, from_rows=SMALL),
    Bar("time of a run against maps that do nothing", "≤", 1.25, "×", SECONDS, *RUN, (NO_OP,), **OF_RUNS),
    Bar("time of a run against the seed's DAG", "≤", 0.45, "×", SECONDS, *RUN, (SEED_RUN,), **OF_RUNS),
    Bar("requests of a map above a no-op's", "≤", 3, "", "requests", *RUN, (NO_OP,), **LEFT),
    Bar("CPU of a map above a no-op's and the copy's", "≤", 0.15, " s", CPU, *RUN, (NO_OP, COPY), **LEFT),
    Bar("retries in a run", "≤", 0, "", "retries", *RUN, (), CSV, digits=0),
    Bar("CPU to parse a DAG file", "≤", 0.3, " s", CPU, "parse", "", (), ("",)),
)  # fmt: skip


def judge(samples: Samples) -> list[Verdict]:
    return [_verdict(bar, format, samples) for bar in BARS for format in bar.formats]


def _verdict(bar: Bar, format: str, samples: Samples) -> Verdict:
    """By the median of every size, the worst first; what was not measured is missed."""
    sign = 1 if bar.sign == "≤" else -1

    def kept(spread: Spread) -> bool:
        return sign * spread.median <= sign * bar.limit

    found = sorted(_compared(bar, bar.way, format, samples), key=lambda each: -sign * each[1].median)
    missed = [label for label, spread in found if not kept(spread)]
    floors = list(_compared(bar, bar.floor, format, samples)) if bar.floor else []
    floors = [each for each in floors if each[0] in missed]
    mark = "missed" if missed or not found else "met"
    if missed and {label for label, spread in floors if not kept(spread)} == set(missed):
        mark = "floor"
    texts = [f"{spread.text(bar.digits)} {label}" for label, spread in found[:4]]
    texts += [f"floor {spread.text(bar.digits)} {label}" for label, spread in floors]
    what = f"{bar.what}, {format}" if format else bar.what
    return Verdict(what, f"{bar.sign} {bar.limit:g}{bar.unit}", "; ".join(texts) or "not measured", mark)


def _compared(bar: Bar, way: str, format: str, samples: Samples) -> Iterator[tuple[str, Spread]]:
    for case in samples.cases(bar.setting, way, format):
        others = [samples.at(*other, format, bar.base_rows or case.rows) for other in bar.against]
        columns = [samples[each][bar.measure] for each in (case, *others) if each]
        if case.rows >= bar.from_rows and len(columns) == 1 + len(others):
            rounds = zip(*columns, strict=False)  # the largest batches are measured less often
            label = f"at {case.rows:,}" if case.rows else f"({case.way})"
            yield label, Spread.of([reduce(bar.compared, values) for values in rounds])
