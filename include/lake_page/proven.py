"""What a manifest says was proven of its run, in a few words; see include/transfer/commit/proof.py."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from include.transfer.documents import fits

MOST_NAMES = 200  # characters of a key's columns

_ENDS = {
    "empty": ("A request behind the last row brought none.", True),
    "repeated": ("A request behind the last row brought only rows of this run.", True),
    "left out": (
        "A request behind the last row brought only rows outside of the window.",
        True,
    ),
    "grown": ("A request behind the last row brought rows by which the source has grown since.", True),
    "refused": ("A request behind the last row was refused: the total is the source's word alone.", False),
}


@dataclass(frozen=True)
class Point:
    """One thing that was looked at; `proven`: whether the run is the safer for it."""

    text: str
    proven: bool


def points(proof: Any) -> tuple[Point, ...]:
    """What was proven and what was not; nothing of a manifest that was written before there were proofs.

    Fields that are missing or of another type say nothing.
    """
    return tuple(_points(proof)) if isinstance(proof, Mapping) else ()


def _points(proof: Mapping[str, Any]) -> Iterator[Point]:
    if (twice := proof.get("counted_twice")) is True:
        yield Point("The source counted as many rows after the copies as before.", True)
    elif twice is False:
        yield Point("The source counted another number of rows after the copies than before.", False)
    end = proof.get("end")
    if isinstance(end, str) and end in _ENDS:
        yield Point(*_ENDS[end])
    yield from _compared(proof)
    key = proof.get("key")
    if isinstance(key, Mapping) and key.get("unique") is True and isinstance(key.get("columns"), list):
        names = ", ".join(map(str, key["columns"]))[:MOST_NAMES]
        order = ", in order from batch to batch" if key.get("ordered") is True else ""
        yield Point(f"No two rows have the same key ({names}){order}.", True)
    again = _number(proof, "reread", "requests")
    if again:
        yield Point(f"Made again: {_count(again, 'request')}, with the same rows.", True)
    if (constant := proof.get("version_constant")) is True:
        yield Point("The source named one version from the plan to the end.", True)
    elif constant is False:
        yield Point("The source named no version, or not one alone: an edited row may be the old one.", False)


def _compared(proof: Mapping[str, Any]) -> Iterator[Point]:
    if "rows" in proof and proof["rows"] is None:
        yield Point("Rows were not compared: a batch was copied by an earlier release.", False)
    if (pages := _number(proof, "pages", "compared")) is not None:
        yield Point(f"{_count(pages, 'answer')} compared: no two brought the same rows.", True)
    if (rows := _number(proof, "rows", "compared")) is not None:
        repeated = _number(proof, "rows", "repeated")
        if repeated:
            text = f"{_count(rows, 'row')} compared: {repeated:,} came before, as the dataset allows."
        else:
            text = f"{_count(rows, 'row')} compared: no two are the same."
        yield Point(text, not repeated)


def _number(proof: Mapping[str, Any], name: str, part: str) -> int | None:
    inner = proof.get(name)
    value = inner.get(part) if isinstance(inner, Mapping) else None
    return value if fits(value, int) else None


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
