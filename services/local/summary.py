"""The table that `make run` ends with."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import TYPE_CHECKING, Any

from rich import filesize

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.local.read_back import ReadBack


def facts(
    found: Sequence[ReadBack], instances: list[dict[str, Any]], run_seconds: float, wall: float
) -> dict[str, str]:
    """What the run did, by its manifests and Airflow's record of its tasks; times in seconds."""
    receipts = [receipt for each in found for receipt in each.manifest.receipts]
    rows = sum(each.manifest.rows for each in found)
    size_of_all = sum(each.manifest.bytes for each in found)
    reused = sum(1 for receipt in receipts if receipt.reused)
    peaks = [receipt.peak_rss_mb for receipt in receipts if receipt.peak_rss_mb]
    retries = sum(max(instance["try_number"] - 1, 0) for instance in instances)
    copying = span([each for each in instances if each["map_index"] >= 0])
    return {
        "rows": f"{rows:,}",
        "objects": f"{len(receipts):,}" + (f" ({reused:,} reused)" if reused else ""),
        "bytes": f"{size_of_all:,} ({filesize.decimal(size_of_all)})",
        "rows/s": f"{rows / copying:,.0f} while copying" if copying else "–",
        "peak memory of a copy": f"{max(peaks):,.0f} MB" if peaks else "–",
        "retries": str(retries),
        "manifest": ", ".join(each.uri for each in found),
        "run": f"{run_seconds:.1f} s",
        "wall time": f"{wall:.1f} s",
    }


def by_worker(instances: list[dict[str, Any]], workers: Sequence[str]) -> str:
    """How many mapped tasks ended well on each worker, and which worker had none."""
    ran = Counter(
        each["hostname"] for each in instances if each["map_index"] >= 0 and each["state"] == "success"
    )
    return ", ".join(f"{name} {ran[name]}" for name in workers)


def span(instances: list[dict[str, Any]]) -> float:
    """Seconds from the first task's start to the last one's end; 0 when none has ended."""
    ended = [each for each in instances if each["start_date"] and each["end_date"]]
    if not ended:
        return 0.0
    start = min(datetime.fromisoformat(each["start_date"]) for each in ended)
    return (max(datetime.fromisoformat(each["end_date"]) for each in ended) - start).total_seconds()


def table(rows: dict[str, str]) -> str:
    """A line for each row, never wrapped: URIs are there to be copied."""
    width = max(len(name) for name in rows)
    return "\n".join(f"  {name:<{width}}  {value}" for name, value in rows.items())
