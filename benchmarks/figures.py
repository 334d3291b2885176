"""From single measurements to the figures that are compared: medians, spreads and ratios."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.copies import Case, Measured

Each = Mapping[str, Any]


@dataclass(frozen=True)
class Figure:
    """The median of a case's repetitions, with the least and the most."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Figure:
        return cls(statistics.median(values), min(values), max(values))

    @property
    def spread(self) -> float:
        """How far the repetitions lie apart, as a part of the median."""
        return (self.most - self.least) / self.median if self.median else 0.0


class Copies:
    """Figures of the cases by name: `copies.figure(case, "peak_mb")`."""

    def __init__(self, measured: Sequence[Measured], source_bytes: Callable[[int], int]) -> None:
        self.measured = {each.case: each for each in measured}
        self.source_bytes = source_bytes

    def __contains__(self, case: Case) -> bool:
        return case in self.measured

    def figure(self, case: Case, name: str) -> Figure:
        values: dict[str, Callable[[Each], float]] = {
            "rows_per_second": lambda each: case.rows / each["seconds"],
            "mb_per_second": lambda each: self.source_bytes(case.rows) / 1e6 / each["seconds"],
            "added_mb": lambda each: each["peak_mb"] - each["idle_mb"],
        }
        value = values.get(name, lambda each: each[name])
        return Figure.of([value(each) for each in self.measured[case].good])

    def ratio(self, case: Case, other: Case, name: str) -> float:
        return self.figure(case, name).median / self.figure(other, name).median

    def sizes(self, way: str, base: str, format: str) -> list[int]:
        """Batches that this way was measured at, the smallest first."""
        return sorted(
            case.rows for case in self.measured if (case.way, case.base, case.format) == (way, base, format)
        )
