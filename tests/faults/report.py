"""What many rounds came to, as Markdown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from tests.faults import plan
from tests.faults import weather as w
from tests.faults.coverage import MET
from tests.faults.judgement import ORDER, Result

_PLACES = {
    "of the source": {*w.SOURCE_KINDS},
    "of the store": {*w.STORE_KINDS},
    "of processes, people and data": {*plan.INCIDENTS},
    "of servers of other styles": {*plan.STYLES},
}


def markdown(results: Sequence[Result], minutes: float, broken: Sequence[str]) -> str:
    """`broken`: what was wrong with the stack itself when it had to be started anew, a line each."""
    faults = sum((result.faults for result in results), Counter())
    lines = [
        "# Chaos report",
        "",
        f"{len(results)} rounds in {minutes:.0f} minutes, {sum(faults.values()):,} faults injected, "
        f"{sum(bool(result.bugs) for result in results)} rounds with a finding. "
        "Written by `make chaos`; a seed is played again by `python -m tests.faults.chaos --replay SEED`.",
        "",
        "Each round is a run, or two, of `api_to_s3` on the real scheduler, store and sample API. Afterwards "
        "a checker that shares no code with the copy reads the lake and the source and compares every value. "
        "Rounds go on side by side: a server that one of them kills is missing to the others too.",
        "",
        *_table(("outcome", "rounds"), Counter(result.outcome for result in results), ORDER),
        "",
    ]
    for place, kinds in _PLACES.items():
        lines += [f"## Faults {place}", ""]
        lines += [*_table(("fault", "injected"), Counter({k: faults[k] for k in kinds if faults[k]})), ""]
    lines += ["## Where each fault is met", "", *_met(faults), "", "## Why runs failed", ""]
    reasons = Counter(short(reason) for result in results for reason in result.reasons if reason)
    lines += [*_table(("reason", "runs"), reasons), "", "## Findings", ""]
    found = [f"- seed {result.seed} ({result.incident}): {bug}" for result in results for bug in result.bugs]
    lines += found or ["None."]
    if broken:
        lines += ["", "## Starts of a new stack", "", *(f"- {line}" for line in broken)]
    return "\n".join(lines) + "\n"


def _met(faults: Counter[str]) -> list[str]:
    """The table of faults: how often the rounds met each, and the tests that meet it by itself."""
    rows = ["| fault | in rounds | in a test of its own |", "|---|---:|---|"]
    for fault, places in MET.items():
        tests = [f"`{place.rpartition('::')[2]}`" for place in places if "::" in place]
        rows.append(f"| {fault} | {sum(faults[place] for place in places)} | {', '.join(tests)} |")
    return rows


def short(reason: str) -> str:
    """A reason's task and error class, or its first words."""
    task, _, text = reason.partition(": ")
    return f"{task}: {text.partition(':')[0]}"


def _table(head: tuple[str, str], counts: Counter[str], order: Iterable[str] | None = None) -> list[str]:
    rows = order or [name for name, _ in counts.most_common()]
    return [
        f"| {head[0]} | {head[1]} |",
        "|---|---:|",
        *(f"| {name} | {counts[name]} |" for name in rows),
    ]
