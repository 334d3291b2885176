"""The strip of a run's batches: a bar each, as tall as its copy took. Geometry; a template draws it."""

from collections.abc import Sequence
from dataclasses import dataclass

from include.lake_page import number_format
from include.lake_page.detail import BatchRow

HEIGHT = 72.0
STEP = 10.0
LEAST = 3.0  # a bar that can still be seen


@dataclass(frozen=True)
class Bar:
    x: float
    y: float
    width: float
    height: float
    kind: str  # a class of the style sheet
    label: str


@dataclass(frozen=True)
class Strip:
    """Bars in a box of `width` by `height`; `median_y` is None where nothing was measured."""

    bars: tuple[Bar, ...]
    width: float
    height: float
    median_y: float | None
    kinds: dict[str, int]  # how many bars of each kind


def draw(rows: Sequence[BatchRow], median: float | None) -> Strip:
    """Bars in the order of the rows: failed ones of full height, planned ones a trace at the bottom."""
    tallest = max((row.seconds or 0.0 for row in rows), default=0.0)
    gap = 1.0 if len(rows) > 200 else 2.0
    bars: list[Bar] = []
    kinds: dict[str, int] = {}
    for number, row in enumerate(rows):
        height = HEIGHT if row.state == "failed" else LEAST
        if row.seconds and tallest:
            height = max(LEAST, HEIGHT * row.seconds / tallest)
        kind = "slow" if row.slow else row.state
        took = number_format.seconds(row.seconds) if row.seconds is not None else ""
        label = ", ".join(filter(None, (row.name, row.state, took, "slow" if row.slow else "")))
        x = round(number * STEP, 1)
        bars.append(
            Bar(x, round(HEIGHT - height, 1), STEP - gap, round(height, 1), kind.replace(" ", "-"), label)
        )
        kinds[kind] = kinds.get(kind, 0) + 1
    line = HEIGHT - HEIGHT * median / tallest if median and tallest else None
    return Strip(
        tuple(bars), max(len(rows) * STEP, STEP), HEIGHT, None if line is None else round(line, 1), kinds
    )
