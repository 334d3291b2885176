"""The rows of a snapshot per year, state, cause and size class, and those that are published."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import orjson

from services.wildfires_api.fpa_fod import CAUSES, FIRES, FIRES_PER_CLASS, SIZE_CLASSES, state_years
from services.wildfires_api.snapshot import Snapshot

COUNTED = ("FIRE_YEAR", "STATE", "STAT_CAUSE_DESCR", "FIRE_SIZE_CLASS")
ROWS_PER_BLOCK = 5_000


@dataclass
class Totals:
    """Rows, and rows per value of each COUNTED column."""

    rows: int = 0
    values: dict[str, Counter[Any]] = field(default_factory=lambda: {column: Counter() for column in COUNTED})

    def add(self, block: bytes) -> None:
        """Count a block of rows."""
        rows = orjson.loads(b"[" + block[:-1].replace(b"\n", b",") + b"]")
        self.rows += len(rows)
        for column, counter in self.values.items():
            counter.update([row[column] for row in rows])


def count(snapshot: Snapshot) -> Totals:
    """Read every row."""
    found = Totals()
    for block in snapshot.lines(0, snapshot.meta.count, ROWS_PER_BLOCK):
        found.add(block)
    return found


def published() -> Totals:
    """The published totals of the 4th edition."""
    known = Totals(rows=FIRES)
    for group in state_years():
        fires = sum(group.fires)
        known.values["FIRE_YEAR"][group.year] += fires
        known.values["STATE"][group.state] += fires
        known.values["STAT_CAUSE_DESCR"].update(dict(zip(CAUSES, group.fires, strict=True)))
    known.values["FIRE_SIZE_CLASS"].update(dict(zip(SIZE_CLASSES, FIRES_PER_CLASS, strict=True)))
    return known
