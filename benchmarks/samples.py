"""What was measured: one value a round for every case and measure."""

import statistics
from collections.abc import Sequence
from typing import NamedTuple


class Case(NamedTuple):
    """`setting`: "process" (a bare interpreter), "task" (one that has imported airflow.sdk, as an idle task
    has), "dag" (a whole run) or "parse". `way`: what copies (benchmarks/ways), a DAG's id, or a DAG file."""

    setting: str
    way: str
    format: str = ""
    rows: int = 0  # of one batch


class Spread(NamedTuple):
    median: float
    least: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        return cls(statistics.median(values), min(values), max(values))

    def text(self, digits: int = 0) -> str:
        middle, least, most = (f"{value:,.{digits}f}" for value in self)
        return middle if least == most else f"{middle} ({least}–{most})"


class Samples(dict[Case, dict[str, list[float]]]):
    """Case → measure → its values, in the order of the rounds."""

    def add(self, case: Case, **measures: float) -> None:
        for name, value in measures.items():
            self.setdefault(case, {}).setdefault(name, []).append(value)

    def spread(self, case: Case, measure: str) -> Spread:
        return Spread.of(self[case][measure])

    def cases(self, setting: str, way: str = "", format: str = "") -> list[Case]:
        """Those of the setting, and of the way and format if given; the smallest batches first."""
        found = (case for case in self if case.setting == setting)
        chosen = (case for case in found if way in ("", case.way) and format in ("", case.format))
        return sorted(chosen, key=lambda case: (case.rows, case.format, case.way))

    def at(self, setting: str, way: str, format: str, rows: int) -> Case | None:
        """The case of so many rows in this format; a way without a choice of formats serves for all."""
        found = [case for case in self.cases(setting, way) if case.rows == rows]
        return next((case for case in found if case.format == format), found[0] if len(found) == 1 else None)
