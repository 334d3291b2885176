"""The bars set beforehand, in one table, and the judging of what was measured by them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import reduce
from operator import sub, truediv
from typing import NamedTuple

from benchmarks.profiles import FORMATS
from benchmarks.samples import Samples, Spread

COPY_DAG, SEED_DAG, NO_OP_DAG = "wildfires_to_s3", "seed_way", "no_op"
SMALL = 50_000  # rows; a larger batch must not need more memory
TEXT, CSV = ("csv", "ndjson"), ("csv",)


@dataclass(frozen=True)
class Bar:
    """`way` in `setting` is compared with each of `against` in turn, round by round, in batches of the same
    size (or of `base_rows`): their ratio, or what is left when they are taken off (`sub`)."""

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


class Verdict(NamedTuple):
    what: str
    bar: str
    found: str
    met: bool


COPY, PIPE, LOOP, GROUP = (("process", way) for way in ("copy", "pipe", "bare_loop", "row_group"))
SEED, DLT, UNPROVEN = (("process", way) for way in ("seed", "dlt", "unproven"))
TASK, RUN, SEED_RUN, NO_OP = ("task", "copy"), ("dag", COPY_DAG), ("dag", SEED_DAG), ("dag", NO_OP_DAG)
SPEED, SECONDS, CPU, ADDED, PEAK = "rows_per_second", "seconds", "cpu_seconds", "added_mb", "peak_mb"
BARS = (
    Bar("memory a copy adds to an idle task", "≤", 40, " MB", ADDED, *TASK, (), TEXT, digits=0),
    Bar("the same, against 50,000 rows", "≤", 1.1, "×", ADDED, *TASK, (TASK,), TEXT, truediv, SMALL, SMALL),
    Bar("peak memory against pyarrow with one row group", "≤", 1.2, "×", PEAK, *COPY, (GROUP,), ("parquet",)),
    Bar("peak memory against dlt", "≤", 0.25, "×", PEAK, *COPY, (DLT,)),
    Bar("rows/s against dlt", "≥", 4, "×", SPEED, *COPY, (DLT,), from_rows=SMALL),
    Bar("rows/s against the seed's way", "≥", 2.5, "×", SPEED, *COPY, (SEED,), CSV),
    Bar("rows/s against the seed's way", "≥", 3, "×", SPEED, *COPY, (SEED,), ("ndjson", "parquet")),
    Bar("rows/s against bytes piped unread", "≥", 0.3, "×", SPEED, *COPY, (PIPE,)),
    Bar("CPU against a bare loop", "≤", 1.3, "×", CPU, *COPY, (LOOP,), CSV),
    Bar("CPU against a copy without hashes", "≤", 1.1, "×", CPU, *COPY, (UNPROVEN,), TEXT, from_rows=SMALL),
    Bar("time of a run against maps that do nothing", "≤", 1.25, "×", SECONDS, *RUN, (NO_OP,), CSV),
    Bar("time of a run against the seed's DAG", "≤", 0.45, "×", SECONDS, *RUN, (SEED_RUN,), CSV),
    Bar("requests of a map above a no-op's", "≤", 3, "", "requests", *RUN, (NO_OP,), CSV, sub, digits=0),
    Bar("CPU of a map above a no-op's and the copy's", "≤", 0.15, " s", CPU, *RUN, (NO_OP, COPY), CSV, sub),
    Bar("retries in a run", "≤", 0, "", "retries", *RUN, (), CSV, digits=0),
    Bar("CPU to parse a DAG file above `import airflow.sdk`", "≤", 0.3, " s", CPU, "parse", "", (), ("",)),
)  # fmt: skip


def judge(samples: Samples) -> list[Verdict]:
    return [_verdict(bar, format, samples) for bar in BARS for format in bar.formats]


def _verdict(bar: Bar, format: str, samples: Samples) -> Verdict:
    """Met where the median of every size keeps to the bar; what was not measured is missed."""
    sign = 1 if bar.sign == "≤" else -1
    worst_first = sorted(_compared(bar, format, samples), key=lambda each: -sign * each[1].median)
    met = bool(worst_first) and sign * worst_first[0][1].median <= sign * bar.limit
    found = "; ".join(f"{spread.text(bar.digits)} {label}" for label, spread in worst_first[:4])
    what = f"{bar.what}, {format}" if format else bar.what
    return Verdict(what, f"{bar.sign} {bar.limit:g}{bar.unit}", found or "not measured", met)


def _compared(bar: Bar, format: str, samples: Samples) -> Iterator[tuple[str, Spread]]:
    for case in samples.cases(bar.setting, bar.way, format):
        others = [samples.at(*other, format, bar.base_rows or case.rows) for other in bar.against]
        columns = [samples[each][bar.measure] for each in (case, *others) if each]
        if case.rows >= bar.from_rows and len(columns) == 1 + len(others):
            rounds = zip(*columns, strict=False)  # the largest batches are measured less often
            label = f"at {case.rows:,}" if case.rows else f"({case.way})"
            yield label, Spread.of([reduce(bar.compared, values) for values in rounds])
