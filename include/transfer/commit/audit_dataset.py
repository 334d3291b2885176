"""A dataset as the newest entry of its log has it, read again from outside."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from include.transfer.commit.audit import Tick, around, proven, read_manifest, read_objects
from include.transfer.commit.entry import Entry
from include.transfer.commit.live import Live, gaps
from include.transfer.commit.live_windows import lines_by_run, live_windows, misfits
from include.transfer.commit.log import newest
from include.transfer.commit.manifest import Manifest
from include.transfer.commit.receipt import Receipt
from include.transfer.commit.repeats import compare_rows
from include.transfer.documents import brief
from include.transfer.errors import Finding, Unverified
from include.transfer.store.bucket import Bucket
from include.transfer.store.keys import Prefix

_AGAIN = "copy it again (a backfill)"
_MOVED = "a row that moved from one window to another is in both: copy both again (a backfill)"


@dataclass
class DatasetAudit:
    """What was read, and everything that is wrong; nothing wrong: `findings` is empty.

    `entry`: the newest of the log; None where there is none, or none that can be read. `windows`, `receipts`:
    what is live. `proven`: what holds for all rows of the dataset.
    """

    entry: Entry | None
    windows: int = 0
    receipts: list[Receipt] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    proven: list[str] = field(default_factory=list)

    @property
    def rows(self) -> int:
        return sum(receipt.rows for receipt in self.receipts)

    @property
    def bytes(self) -> int:
        return sum(receipt.bytes for receipt in self.receipts)


def audit_dataset(bucket: Bucket, any_run: Prefix, tick: Tick = lambda text: None) -> DatasetAudit:
    """Read each run that the log's newest entry names, and every object in it that is live.

    Memory holds a receipt an object, and not its columns. Raises the errors of the store; what is wrong with
    the dataset is a finding, never an error.
    """
    try:
        entry = newest(bucket, any_run)
    except Unverified as error:
        return DatasetAudit(None, findings=list(error.findings))
    audit, repeated = DatasetAudit(entry), False
    runs = lines_by_run(entry) if entry else {}
    for number, (run, lines) in enumerate(runs.items(), 1):
        prefix = any_run.of(run)
        if entry is None or prefix is None:
            audit.findings.append(Finding("the log", f"it names {run!r}, which cannot be a run", _AGAIN))
            continue
        told = f"run {number} of {len(runs)}: " if len(runs) > 1 else ""
        manifest = _run(bucket, prefix, entry, lines, audit, _prefixed(tick, told))
        repeated = repeated or bool(manifest and _repeats(manifest))
    if entry:
        audit.findings += _gaps(entry)
        tick("comparing the hashes of all rows")
        _together(bucket, any_run, audit, repeated)
    return audit


def _prefixed(tick: Tick, before: str) -> Tick:
    return lambda text: tick(before + text)


def _run(
    bucket: Bucket, prefix: Prefix, entry: Entry, lines: Sequence[Live], audit: DatasetAudit, tick: Tick
) -> Manifest | None:
    manifest, etag, findings = read_manifest(bucket, prefix)
    audit.findings += findings
    if manifest is None:
        return None
    audit.findings += _as_entered(bucket, prefix, entry, lines)
    receipts = manifest.receipts
    if lines:
        live = live_windows(manifest, lines)
        audit.findings += misfits(manifest, lines, live)
        audit.windows += len(live)
        receipts = [receipt for each in live for receipt in each.receipts]
    audit.findings += read_objects(bucket, manifest, receipts, etag, tick)
    audit.findings += around(bucket, manifest, etag)
    audit.receipts += [replace(receipt, columns=[], types={}) for receipt in receipts]
    return manifest


def _as_entered(bucket: Bucket, prefix: Prefix, last: Entry, lines: Sequence[Live]) -> Iterator[Finding]:
    """The manifest is the one that the log entered, unless that entry was swept."""
    number = max((line.number for line in lines), default=last.number)
    said: Any = {"run": last.run, "sha256": last.sha256}
    if number != last.number:
        said, there = bucket.get_document(prefix.entry(number))  # a megabyte, of which two texts are wanted
        if not there:
            return
    sha256 = hashlib.sha256(bucket.get_bytes(prefix.manifest)).hexdigest()
    entered = [said.get("run"), said.get("sha256")] if isinstance(said, Mapping) else []
    if entered != [prefix.run, sha256]:
        got = f"its sha256 is {sha256}; entry {number} of the log has {brief(entered)}"
        yield Finding(bucket.uri(prefix.manifest), got, _AGAIN)


def _repeats(manifest: Manifest) -> bool:
    """Whether the run was committed with rows that come twice."""
    return bool(((manifest.proof or {}).get("rows") or {}).get("repeated"))


def _gaps(entry: Entry) -> Iterator[Finding]:
    for since, until in gaps(entry.windows):
        yield Finding(f"{since} to {until}", "no window of it is committed", "copy it (a backfill)")
    if entry.windows and entry.watermark not in [line.until for line in entry.windows]:
        got = f"its watermark is {entry.watermark}, where no window ends"
        yield Finding(f"entry {entry.number} of the log", got, "correct or delete it")


def _together(bucket: Bucket, any_run: Prefix, audit: DatasetAudit, repeated: bool) -> None:
    """No row and no key is in two windows."""
    distinct = compare_rows(bucket, any_run, audit.receipts, "allow" if repeated else "fail")
    for finding in distinct.findings:
        twice = audit.windows and finding.where == "the source"
        audit.findings.append(replace(finding, fix=_MOVED) if twice else finding)
    audit.proven += proven(distinct)
    entry = audit.entry
    if entry and entry.windows and not audit.findings:
        audit.proven.append(f"no gap from {entry.windows[0].since} to {entry.watermark}")
