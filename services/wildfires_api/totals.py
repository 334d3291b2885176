"""The totals of a snapshot, and those that are published."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import orjson

from include.wildfires import WILDFIRE_TYPES
from services.wildfires_api.fpa_fod import CAUSES, FIRES, FIRES_PER_CLASS, NULLS, SIZE_CLASSES, state_years
from services.wildfires_api.snapshot import Snapshot

COUNTED = ("FIRE_YEAR", "STATE", "STAT_CAUSE_DESCR", "FIRE_SIZE_CLASS")
ROWS_PER_BLOCK = 5_000
FIRE_NAME_TOLERANCE = 1_000  # its nulls are published as a percentage only


@dataclass
class Totals:
    """Rows per value of each COUNTED column, nulls per column, acres per state."""

    rows: int = 0
    values: dict[str, Counter[Any]] = field(default_factory=lambda: {column: Counter() for column in COUNTED})
    nulls: Counter[str] = field(default_factory=Counter)
    acres: Counter[str] = field(default_factory=Counter)

    def add(self, block: bytes) -> None:
        """Count a block of rows."""
        rows = orjson.loads(b"[" + block[:-1].replace(b"\n", b",") + b"]")
        self.rows += len(rows)
        for column, counter in self.values.items():
            counter.update([row[column] for row in rows])
        for row in rows:
            self.acres[row["STATE"]] += row["FIRE_SIZE"]
        for column in WILDFIRE_TYPES:
            self.nulls[column] += [row[column] for row in rows].count(None)


def count(snapshot: Snapshot) -> Totals:
    """Read every row."""
    found = Totals()
    for block in snapshot.lines(0, snapshot.meta.count, ROWS_PER_BLOCK):
        found.add(block)
    return found


def published() -> Totals:
    """The published totals of the 4th edition."""
    known = Totals(rows=FIRES, nulls=Counter(NULLS))
    for group in state_years():
        fires = sum(group.fires)
        known.values["FIRE_YEAR"][group.year] += fires
        known.values["STATE"][group.state] += fires
        known.acres[group.state] += group.acres
        known.values["STAT_CAUSE_DESCR"].update(dict(zip(CAUSES, group.fires, strict=True)))
    known.values["FIRE_SIZE_CLASS"].update(dict(zip(SIZE_CLASSES, FIRES_PER_CLASS, strict=True)))
    return known


def differences(found: Totals) -> list[str]:
    """What differs from the published totals, a line each; acres are not compared."""
    known = published()
    lines = []
    for column in COUNTED:
        ours, theirs = found.values[column], known.values[column]
        for value in sorted({*ours, *theirs}, key=str):
            if ours[value] != theirs[value]:
                lines.append(f"{column} {value}: {ours[value]} rows, {theirs[value]} published")
    for column in WILDFIRE_TYPES:
        allowed = FIRE_NAME_TOLERANCE if column == "FIRE_NAME" else 0
        if abs(found.nulls[column] - known.nulls[column]) > allowed:
            lines.append(f"{column}: {found.nulls[column]} nulls, {known.nulls[column]} published")
    return lines
