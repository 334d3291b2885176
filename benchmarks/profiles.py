"""How much is measured: all of it, what fits in three minutes, and the least that runs everything once."""

from dataclasses import dataclass

FORMATS = ("csv", "ndjson", "parquet")


@dataclass(frozen=True)
class Profile:
    name: str
    rounds: dict[int, int]  # rows of a batch → how often every way copies one
    all_rows: int  # of the dataset
    all_rounds: int
    maps: int  # of the compared DAG runs
    map_rows: int
    dag_rounds: int  # of these, and of parses
    formats: tuple[str, ...] = FORMATS


_PROFILES = (
    Profile("full", {5_000: 3, 50_000: 3, 195_000: 3}, 1_880_465, 2, 39, 5_000, 3),
    Profile("quick", {5_000: 1, 50_000: 1}, 100_000, 1, 8, 5_000, 1),
    Profile("tiny", {500: 1}, 2_000, 1, 3, 500, 1, ("csv",)),
)
PROFILES = {profile.name: profile for profile in _PROFILES}
