"""Is each window of a run in the store as a whole dataset would be, and do all together hold all rows?"""

import hashlib
import logging
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain, pairwise
from typing import Any

from include.transfer.batches import Batch
from include.transfer.commit.receipt import Receipt
from include.transfer.commit.repeats import Distinct, compare_rows
from include.transfer.commit.verify import Verified, read_receipts
from include.transfer.commit.verify_batches import verified_batches
from include.transfer.commit.verify_chain import verified_chain
from include.transfer.errors import Finding, Unverified
from include.transfer.payloads import PlannedBatch, VerifiedRun, VerifiedWindow, Vouched
from include.transfer.policy import Policy
from include.transfer.source.api import Api
from include.transfer.store.bucket import Bucket
from include.transfer.store.keys import Prefix, window_in
from include.transfer.windowed.due import refuse_taken, window_of
from include.transfer.windowed.kept import kept_by
from include.transfer.windowed.plan import Part, Planned, bound, key_of, read_planned

log = logging.getLogger(__name__)

_WHOLE_RUN = "clear the whole run"


def verified_windows(
    api: Api, bucket: Bucket, batches: Sequence[PlannedBatch], copied: Sequence[Vouched], prefix: Prefix
) -> VerifiedRun:
    """As `verify` in run.py, of a dataset with windows. Raises Unverified with all findings."""
    planned, window = read_planned(bucket, prefix), window_of(api.dataset)
    refuse_taken(bucket, prefix, planned.base, planned.parts[0].since, planned.parts[-1].until)
    findings = list(_misplanned(planned, batches))
    found: list[VerifiedRun] = []
    planned_in, copied_in = defaultdict(list), defaultdict(list)
    for batch in batches:
        planned_in[batch["since"]].append(batch)
    for each in copied:
        copied_in[window_in(str(each.get("key", "")))].append(each)
    for part in planned.parts if not findings else []:
        own, said = planned_in[part.since], copied_in[key_of(api.dataset, part.since, part.until)]
        rereads = _rereads(planned, part, api.dataset.reread, prefix.run)
        try:
            found.append(_verified(api, bucket, part, own, said, prefix, rereads))
        except Unverified as unverified:
            name = window.label(window.span(part.since, part.until))
            findings += [replace(each, where=f"{name}: {each.where}") for each in unverified.findings]
    if findings:
        raise Unverified(findings)
    verified = zip(planned.parts, found, strict=True)
    receipts = {part: _receipts(bucket, prefix, api, part, run) for part, run in verified}
    everything = list(chain.from_iterable(receipts.values()))
    distinct = compare_rows(bucket, prefix, everything, api.dataset.duplicates)
    if findings := [*distinct.findings, *_together(planned, found)]:
        raise Unverified(findings)
    windows = kept_by(bucket, prefix, api.dataset, planned, receipts)
    log.info("verified %d windows, %d rows", len(windows), sum(run["rows"] for run in found))
    return _summed(api, planned, found, windows, receipts, distinct)


def _misplanned(planned: Planned, batches: Sequence[PlannedBatch]) -> Iterator[Finding]:
    """The plan in the store is the one whose batches were mapped, and leaves no gap."""
    noted = {(part.since, part.until): part.rows for part in planned.parts if part.rows != 0}
    mapped: dict[tuple[str, str], int | None] = {}
    for batch in batches:
        place = batch["since"], batch["until"]
        mapped[place] = None if batch["limit"] is None else (mapped.get(place) or 0) + batch["limit"]
    counts = [rows for place, rows in noted.items() if mapped.get(place) is not None]
    if noted.keys() != mapped.keys() or counts != [rows for rows in mapped.values() if rows is not None]:
        yield Finding("the plan", "the windows in the store are not those of the batches", _WHOLE_RUN)
    for before, after in pairwise(planned.parts):
        if before.until != after.since:
            yield Finding("the plan", f"nothing is planned from {before.until} to {after.since}", _WHOLE_RUN)


def _rereads(planned: Planned, part: Part, count: int, run: str) -> int:
    """How many requests of this window are made again: of the first, the last, and some that nobody knows."""
    filled = [each for each in planned.parts if each.rows != 0]
    if not filled or part.rows == 0 or not count:
        return 0
    if len(filled) <= count:
        return -(-count // len(filled))
    drawn = (hashlib.sha256(f"{run} {number}".encode()).digest() for number in range(count))
    places = [0, len(filled) - 1, *(int.from_bytes(each[:8]) % len(filled) for each in drawn)][:count]
    return int(filled.index(part) in places)


def _verified(
    api: Api,
    bucket: Bucket,
    part: Part,
    batches: Sequence[PlannedBatch],
    copied: Sequence[Vouched],
    prefix: Prefix,
    rereads: int,
) -> VerifiedRun:
    own = bound(api, part.since, part.until)
    own.dataset = replace(own.dataset, reread=rereads)
    within = prefix.within(key_of(api.dataset, part.since, part.until))
    if part.rows == 0:
        return _empty(own, part)
    if api.dataset.chained:
        return verified_chain(own, bucket, batches[0], copied, within)
    return verified_batches(own, bucket, batches, copied, within, Policy())


def _empty(api: Api, part: Part) -> VerifiedRun:
    """A window that was counted as empty must bring no row."""
    if api.dataset.chained:
        now = api.count().rows
        end = "rows" if now else "empty"
    else:
        end = api.behind(0).end
    if end == "rows":
        got = "it counted no row, and a request for its rows brought some"
        raise Unverified(
            [Finding("the source", got, f"{_WHOLE_RUN}; if it fails again, check count_path and total")]
        )
    proof = {
        "counted_twice": True,
        "end": end,
        "reread": {"requests": 0},
        "version_constant": part.version is not None,
    }
    return {
        "rows": 0,
        "version": part.version,
        "url": api.url,
        "digest": "",
        "batches": [],
        "appended": 0,
        "drift": None,
        "proof": proof,
    }


def _together(planned: Planned, found: Sequence[VerifiedRun]) -> Iterator[Finding]:
    """What no window shows alone: rows between two of them, and versions that differ."""
    rows = sum(run["rows"] for run in found)
    if planned.rows is not None and rows != planned.rows:
        ends = f"{planned.parts[0].since} to {planned.parts[-1].until}"
        got = f"from {ends} it counted {planned.rows:,} rows, and its {len(found)} windows have {rows:,}"
        fix = f"{_WHOLE_RUN}; if it fails again, check window's closed, zone and format"
        yield Finding("the source", got, fix)
    versions = {str(run["version"]) for run in found}
    if len(versions) > 1:
        got = f"it changed during the run: windows are of the versions {', '.join(sorted(versions))}"
        yield Finding("the source", got, _WHOLE_RUN)


def _receipts(bucket: Bucket, prefix: Prefix, api: Api, part: Part, run: VerifiedRun) -> list[Receipt]:
    """The receipts of a window that was verified, as the store has them."""
    within = prefix.within(key_of(api.dataset, part.since, part.until))
    read = read_receipts(bucket, within, [Batch.from_dict(batch) for batch in run["batches"]])
    return [receipt for receipt in read.values() if receipt]


def _summed(
    api: Api,
    planned: Planned,
    found: Sequence[VerifiedRun],
    windows: list[VerifiedWindow],
    receipts: Mapping[Part, list[Receipt]],
    distinct: Distinct,
) -> VerifiedRun:
    new = [part for part, window in zip(planned.parts, windows, strict=True) if not window["kept"]]
    batches: list[PlannedBatch] = []
    for part, run in zip(planned.parts, found, strict=True):
        if part in new:
            batches += [{**batch, "since": part.since, "until": part.until} for batch in run["batches"]]
    return {
        "rows": sum(window["rows"] for window in windows if not window["kept"]),
        "version": found[0]["version"],
        "url": api.url,
        "digest": Verified([each for part in new for each in receipts[part]], []).digest,
        "batches": batches,
        "appended": 0,
        "drift": None,
        "proof": _proof(found, windows, distinct),
        "provenance": next(filter(None, (run.get("provenance") for run in found)), ""),
        "windows": windows,
        "base": planned.base,
    }


_ENDS = ("grown", "refused", "repeated", "reached", "left out", "empty")  # the least that is proven first


def _proof(
    found: Sequence[VerifiedRun], windows: Sequence[VerifiedWindow], distinct: Distinct
) -> dict[str, Any]:
    """As of a whole dataset (proof.py): what holds for every window."""
    proofs = [run["proof"] for run in found]
    key = distinct.key and {"columns": distinct.key.columns, "unique": True, "ordered": False}
    return {
        "counted_twice": all(proof["counted_twice"] for proof in proofs),
        "end": min((proof["end"] for proof in proofs), key=_ENDS.index),
        "pages": None if distinct.unproven else {"compared": distinct.pages},
        "rows": None if distinct.unproven else {"compared": distinct.rows, "repeated": distinct.repeated},
        "key": key,
        "reread": {"requests": sum(proof["reread"]["requests"] for proof in proofs)},
        "version_constant": all(proof["version_constant"] for proof in proofs),
        "windows": {"compared": len(windows), "kept": sum(bool(window["kept"]) for window in windows)},
    }
