"""How much is measured: the full size for the page, a quick one, and one for the tests."""

from __future__ import annotations

from dataclasses import dataclass

FORMATS = ("csv", "ndjson", "parquet")


@dataclass(frozen=True)
class Sizes:
    """`everything`: rows of the whole dataset; `repeat`: batch → repetitions."""

    name: str
    everything: int
    repeat: dict[int, int]
    repeat_everything: int
    maps: int  # of the whole runs that are compared, each of `map_rows`
    map_rows: int
    runs: int  # repetitions of those
    parses: int  # repetitions for each DAG file
    attempts: int  # at a case that other programs disturb


SIZES = {
    sizes.name: sizes
    for sizes in (
        Sizes("full", 1_880_465, {5_000: 5, 50_000: 3, 195_000: 3}, 2, 39, 5_000, 3, 7, 3),
        Sizes("quick", 200_000, {5_000: 3, 50_000: 2}, 1, 8, 5_000, 1, 3, 1),
        Sizes("tiny", 2_000, {500: 1}, 1, 3, 500, 1, 1, 1),
    )
}
