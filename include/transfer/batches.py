"""Which rows each copy takes: pure arithmetic, decided once per run."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from include.transfer.errors import BadSettings
from include.transfer.payloads import PlannedBatch
from include.transfer.source.marks import short


@dataclass(frozen=True)
class Batch:
    """Rows [start, start + limit) of the source, counted from 0.

    `total`: of how many rows, as the source counted them at plan; None: not known. `window`: the one in which
    rows are counted, as `Prefix.window`; empty: none.
    """

    start: int
    limit: int
    total: int | None = field(default=None, compare=False)
    window: str = field(default="", compare=False)

    @classmethod
    def from_dict(cls, batch: Mapping[str, Any]) -> "Batch":
        window = "_".join(short(str(batch[name])) for name in ("since", "until") if name in batch)
        return cls(int(batch["start"]), int(batch["limit"]), batch.get("total"), window)

    def to_dict(self) -> dict[str, int | None]:
        return {"start": self.start, "limit": self.limit, "total": self.total}

    def planned(self, version: str | None) -> PlannedBatch:
        """As it crosses to the copy; `version`: of the source when it was planned."""
        return {
            "start": self.start,
            "limit": self.limit,
            "total": self.total,
            "version": version,
            "label": str(self),
        }

    @property
    def stop(self) -> int:
        return self.start + self.limit

    def __str__(self) -> str:
        rows = f"rows {self.start:,}–{self.stop - 1:,}"
        return f"{rows} of {self.window.replace('_', '–')}" if self.window else rows


def plan_batches(total: int, batch_size: int, max_maps: int, multiple: int = 1) -> list[Batch]:
    """Cut `total` rows into batches of `batch_size`, the last one shorter.

    More than `max_maps` batches could not be mapped (Airflow refuses a longer list), so the batches
    grow instead: safe, because a copy's memory does not depend on its batch. `multiple` keeps every
    start on a page border, for APIs that count in pages.

    Raises BadSettings where a number makes no sense. No rows: no batches.
    """
    if total < 0 or batch_size < 1 or max_maps < 1 or multiple < 1:
        raise BadSettings(
            f"total={total}, batch_size={batch_size}, max_maps={max_maps}, page size={multiple}",
            where="planning the batches",
            fix="the total must be 0 or more, the others 1 or more",
        )
    size = max(batch_size, math.ceil(total / max_maps))
    size = math.ceil(size / multiple) * multiple
    return [Batch(start, min(size, total - start), total) for start in range(0, total, size)]
