"""Which windows of a run are live by the lines of a log's entry, and which receipts hold their rows."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from include.transfer.commit.entry import Entry
from include.transfer.commit.live import Live
from include.transfer.commit.manifest import Manifest
from include.transfer.commit.receipt import Receipt
from include.transfer.errors import Finding
from include.transfer.source.marks import short


@dataclass(frozen=True)
class LiveWindow:
    """Rows of [since, until); none of a window that is empty."""

    since: str
    until: str
    receipts: list[Receipt]


def lines_by_run(entry: Entry) -> dict[str, list[Live]]:
    """The live lines of each run, in order; of a snapshot its run alone, without any."""
    found: dict[str, list[Live]] = {} if entry.windows else {entry.run: []}
    for line in entry.windows:
        found.setdefault(line.run, []).append(line)
    return found


def live_windows(manifest: Manifest, lines: Sequence[Live]) -> list[LiveWindow]:
    """The windows of the run that lie in these lines of it, in order."""
    by_key: dict[str, list[Receipt]] = {}
    for receipt in manifest.receipts:
        by_key.setdefault(receipt.window, []).append(receipt)
    ends = [(each["since"], each["until"]) for each in manifest.windows or []]
    live = [each for each in ends if any(line.covers(*each) for line in lines)]
    return [LiveWindow(*each, by_key.get("_".join(map(short, each)), [])) for each in live]


def misfits(manifest: Manifest, lines: Sequence[Live], live: Sequence[LiveWindow]) -> Iterator[Finding]:
    """What the log says of the run's windows and its manifest does not."""
    run, said = manifest.prefix.run, _rows(manifest)
    for line in lines:
        own = [each for each in live if line.covers(each.since, each.until)]
        ends = [line.since, *(end for each in own for end in (each.since, each.until)), line.until]
        for before, after in [*pairwise(ends)][::2]:
            if before != after:
                got = f"the log names run {run}, whose manifest has no such window"
                yield Finding(f"{before} to {after}", got, "copy it again (a backfill)")
    for each in live:
        rows = sum(receipt.rows for receipt in each.receipts)
        if rows != said[each.since]:
            got = f"the manifest of run {run} says {said[each.since]:,} rows, and its receipts have {rows:,}"
            yield Finding(f"{each.since} to {each.until}", got, "copy it again (a backfill)")


def _rows(manifest: Manifest) -> Mapping[str, Any]:
    return {each["since"]: each.get("rows", 0) for each in manifest.windows or []}
