"""Counting a dataset and comparing it with the published totals."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from services.wildfires_api.dataset import Dataset
from services.wildfires_api.generator.published import (
    CAUSES,
    COLUMNS,
    FIRES,
    FIRES_PER_CLASS,
    NULLS,
    SIZE_CLASSES,
    state_years,
)

COUNTED = ("FIRE_YEAR", "STATE", "STAT_CAUSE_DESCR", "FIRE_SIZE_CLASS")
ROWS_PER_BLOCK = 5_000
FIRE_NAME_TOLERANCE = 1_000  # its nulls are published as a percentage only


@dataclass
class Tally:
    """Rows per value of each COUNTED column, nulls per column, acres per state."""

    rows: int = 0
    values: dict[str, Counter[Any]] = field(default_factory=lambda: {column: Counter() for column in COUNTED})
    nulls: Counter[str] = field(default_factory=Counter)
    acres: Counter[str] = field(default_factory=Counter)

    def add(self, block: bytes) -> int:
        """Count a block of rows; gives their number."""
        rows = orjson.loads(b"[" + block[:-1].replace(b"\n", b",") + b"]")
        self.rows += len(rows)
        for column, counter in self.values.items():
            counter.update([row[column] for row in rows])
        for row in rows:
            self.acres[row["STATE"]] += row["FIRE_SIZE"]
        for column in COLUMNS:
            self.nulls[column] += [row[column] for row in rows].count(None)
        return len(rows)


def tally(dataset: Dataset, progress: Callable[[int], object] = lambda rows: None) -> Tally:
    """Read every row of the dataset; `progress` gets the number of rows of each block."""
    found = Tally()
    for block in dataset.lines(0, dataset.meta.count, dataset.meta.count, ROWS_PER_BLOCK):
        progress(found.add(block))
    return found


def published() -> Tally:
    """The published totals of the 4th edition."""
    known = Tally(rows=FIRES, nulls=Counter(NULLS))
    for group in state_years():
        fires = sum(group.fires)
        known.values["FIRE_YEAR"][group.year] += fires
        known.values["STATE"][group.state] += fires
        known.acres[group.state] += group.acres
        known.values["STAT_CAUSE_DESCR"].update(dict(zip(CAUSES, group.fires, strict=True)))
    known.values["FIRE_SIZE_CLASS"].update(dict(zip(SIZE_CLASSES, FIRES_PER_CLASS, strict=True)))
    return known


def differences(found: Tally) -> list[str]:
    """What differs from the published totals, a line each; acres are not compared."""
    known = published()
    lines = []
    for column in COUNTED:
        ours, theirs = found.values[column], known.values[column]
        for value in sorted({*ours, *theirs}, key=str):
            if ours[value] != theirs[value]:
                lines.append(f"{column} {value}: {ours[value]} rows, {theirs[value]} published")
    for column in COLUMNS:
        allowed = FIRE_NAME_TOLERANCE if column == "FIRE_NAME" else 0
        if abs(found.nulls[column] - known.nulls[column]) > allowed:
            lines.append(f"{column}: {found.nulls[column]} nulls, {known.nulls[column]} published")
    return lines


def report(folder: Path, progress: Callable[[int], object] = lambda rows: None) -> int:
    """Print what the dataset holds; 1 when it has the published number of rows but other totals, else 0."""
    dataset = Dataset(folder)
    meta = dataset.meta
    print(f"{meta.count} rows ({meta.small} in the small dataset), version {meta.version}, {meta.source}")
    if meta.count != FIRES:
        print(f"Not compared: the published totals are those of {FIRES} rows.")
        return 0
    found = tally(dataset, progress)
    acres, known = sum(found.acres.values()), sum(published().acres.values())
    print(f"{acres:,.0f} acres burned, {known:,} published")
    lines = differences(found)
    print(
        "\n".join(lines)
        or "Rows per year, state, cause and size class, and nulls per column, are as published."
    )
    return 1 if lines else 0
