"""Whether the keys of a run ascend from its first row to its last, so that its batches do not overlap."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from include.transfer.commit.receipt import Receipt
from include.transfer.errors import Finding

# Fewer rows than this may ascend by accident: the order of eight is one of 40,320.
_NO_ACCIDENT = 8

Range = tuple[Receipt, dict[str, Any] | None]  # a batch and its keys, as stored_hashes.py reads them


@dataclass(frozen=True)
class Keys:
    """The key of a run's rows. `ordered`: it ascends through all batches."""

    columns: list[str]
    ordered: bool
    findings: list[Finding] = field(default_factory=list)


def compare_keys(ranges: Sequence[Range]) -> Keys | None:
    """Compare the ends of neighbouring batches; None where a batch has no keys, or another key.

    A batch that begins before the one in front of it has ended is a finding where the keys of every batch
    ascend, and not by accident.
    """
    keys = [key for _, key in ranges if key]
    if not keys or len(keys) < len(ranges) or any(key["columns"] != keys[0]["columns"] for key in keys):
        return None
    columns = keys[0]["columns"]
    if any(key["first"] is None for key in keys):
        return Keys(columns, ordered=False)
    in_order = sorted(ranges, key=lambda each: (each[0].window, each[0].start))
    # Windows are not cut by the key, so that it need not ascend from one to the next.
    pairs = [pair for pair in pairwise(in_order) if pair[0][0].window == pair[1][0].window]
    try:
        overlaps = [pair for pair in pairs if not _meet(*pair)]
    except TypeError:  # numbers in one batch, texts in the next
        return Keys(columns, ordered=False)
    told = [pair for pair in overlaps if min(receipt.rows for receipt, _ in pair) >= _NO_ACCIDENT]
    return Keys(columns, not overlaps, [_overlap(before, after) for (before, _), (after, _) in told])


def _meet(before: Range, after: Range) -> bool:
    return bool((before[1] or {})["last"] < (after[1] or {})["first"])


def _overlap(before: Receipt, after: Receipt) -> Finding:
    got = f"its first key does not come behind the last of {before.name}, though keys ascend in every batch"
    fix = "let the API sort by the key (the dataset's query), then clear the whole run; or leave the key out"
    return Finding(after.name, got, fix)
