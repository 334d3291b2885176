"""Every row once: what is proven of a run before it is committed, and what the manifest says of that.

Counts alone prove nothing: an API that ignores its offset, or whose order is not stable, gives the right
number of rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from include.transfer.commit.receipt import Receipt
from include.transfer.commit.repeats import Distinct, compare_rows
from include.transfer.commit.reread import make_again
from include.transfer.errors import Finding
from include.transfer.source.api import Api, Behind
from include.transfer.source.count import Count
from include.transfer.store.bucket import Bucket
from include.transfer.store.keys import Prefix


@dataclass(frozen=True)
class Proof:
    """What is proven of a run, and what speaks against it.

    `end`: what a request behind the last row brought: nothing (`empty`), a refusal (`refused`), rows that
    are in the run (`repeated`), or rows by which the source has grown meanwhile (`grown`); `left out`: rows
    behind a window's open end; `reached`: the last answer names no further one.
    """

    distinct: Distinct
    end: str
    counted_twice: bool
    version_constant: bool
    findings: list[Finding]
    reread: int = 0  # requests that were made again

    def to_dict(self) -> dict[str, Any]:
        """For the manifest. `pages` and `rows` are None where a batch of an earlier release has no hashes."""
        found = self.distinct
        rows = {"compared": found.rows, "repeated": found.repeated}
        key = found.key and {"columns": found.key.columns, "unique": True, "ordered": found.key.ordered}
        return {
            "counted_twice": self.counted_twice,
            "end": self.end,
            "pages": None if found.unproven else {"compared": found.pages},
            "rows": None if found.unproven else rows,
            "key": key,
            "reread": {"requests": self.reread},
            "version_constant": self.version_constant,
        }


def behind_the_end(api: Api, receipts: Sequence[Receipt], now: Count) -> Behind:
    """What the source brings behind its last row; `unknown` where rows are missing, which is a finding."""
    complete = sum(receipt.rows for receipt in receipts) == now.rows
    return api.behind(now.rows) if complete else Behind(now.rows, "unknown")


def prove(
    api: Api,
    bucket: Bucket,
    prefix: Prefix,
    receipts: Sequence[Receipt],
    before: Count,
    now: Count,
    behind: Behind,
    grows: bool,
    sound: bool,
) -> Proof:
    """Compare all rows of a run with each other, judge what came `behind` them, and ask for some again.

    `grows`: the source may have more by now. `sound`: nothing else was found, so that asking again says
    something.
    """
    distinct = compare_rows(bucket, prefix, receipts, api.dataset.duplicates, behind.hashes)
    findings, end = list(distinct.findings), behind.end
    if end == "rows" and behind.hashes and not distinct.unknown:
        end = "repeated"
    elif end == "rows" and grows and api.count().rows > now.rows:
        end = "grown"
    elif end == "rows":
        got = f"it counts {now.rows:,} rows, and a request for those from {behind.at:,} on brought some"
        fix = "check count_path and total: a page's own, estimated or capped number is no total"
        findings.append(Finding("the source", got, fix))
    elif end == "capped":
        got = f"it counts {now.rows:,} rows, and refuses every request that reaches behind them"
        fix = "that is a cap, not a total: copy it by a cursor, or by a query for each part of it"
        findings.append(Finding("the source", got, fix))
    made, others = make_again(api, bucket, prefix, receipts) if sound and not findings else (0, [])
    versions = {receipt.source_version for receipt in receipts}
    versions |= {count.version for count in (before, now) if count.version is not None}
    return Proof(
        distinct,
        end,
        counted_twice=before.rows == now.rows,
        version_constant=len(versions) == 1 and None not in versions,
        findings=[*findings, *others],
        reread=made,
    )
