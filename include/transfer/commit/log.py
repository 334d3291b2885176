"""A dataset's commit log: one new object a commit, which says what the dataset is from then on.

Entries have consecutive numbers. The store decides which of two commits at once gets the next one
(store/swap.py); the other reads that entry and goes on from it, or gives way. The manifest stays the commit
of its run: `catch_up` in history.py enters a run whose process died between the two.
"""

import hashlib
import logging
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice

from include.transfer import documents
from include.transfer.commit.entry import Entry, complaints
from include.transfer.commit.live import covered, laid_over, reached, runs_of
from include.transfer.commit.manifest import Manifest
from include.transfer.errors import Finding, Overtaken, Unverified
from include.transfer.store.bucket import Bucket
from include.transfer.store.keys import Prefix
from include.transfer.store.swap import swap_json

log = logging.getLogger(__name__)

_ROUNDS = 1_000  # each lost one is another run's commit
_PAGE = 1_000
_ENTRY = re.compile(r"\d{12}\.json")


def newest(bucket: Bucket, any_run: Prefix) -> Entry | None:
    """The log's last entry; None: there is no log.

    Three requests, however long the log is: the number in `_latest.json`, that entry, and a look for the next
    one. Without that number one listing more, and two HEADs each time the number of entries doubles.
    Raises Unverified where something else stands in the place of an entry.
    """
    entry = _entry_in_latest(bucket, any_run)
    there = entry.number if entry else _first_page_end(bucket, any_run)
    if there == 0:
        return None
    last = _last_from(bucket, any_run, there)
    return entry if entry and entry.number == last else read_entry(bucket, any_run, last)


def read_entry(bucket: Bucket, any_run: Prefix, number: int) -> Entry | None:
    """The entry of this number; None: there is none. Raises Unverified for what is none."""
    key = any_run.entry(number)
    stored, etag = bucket.get_document(key)
    if not etag:
        return None
    entry = Entry.from_dict(stored)
    if entry is None or entry.number != number:
        why = f"its number is {entry.number}" if entry else next(complaints(stored), "")
        raise Unverified([Finding(bucket.uri(key), f"it is no log entry: {why}", "correct or delete it")])
    return entry


def _entry_in_latest(bucket: Bucket, any_run: Prefix) -> Entry | None:
    """The entry that `_latest.json` names, which may be behind."""
    latest = bucket.get_json(any_run.latest)
    number = latest.get("log") if isinstance(latest, dict) else 0
    if not isinstance(number, int) or not 0 < number < 10**12:
        return None
    return read_entry(bucket, any_run, number)


def _first_page_end(bucket: Bucket, any_run: Prefix) -> int:
    """A number that has an entry: the last in the first page of a listing; 0: there is none.

    A listing may lag behind: then the first entry is asked for.
    """
    names = (found.key.removeprefix(any_run.log) for found in islice(bucket.objects(any_run.log), _PAGE))
    numbers = [int(name[:12]) for name in names if _ENTRY.fullmatch(name)]
    return max(numbers) if numbers else int(bucket.head(any_run.entry(1)) is not None)


def _last_from(bucket: Bucket, any_run: Prefix, there: int) -> int:
    """The last number of the log, of which `there` is one: numbers are consecutive."""
    step = 1
    while bucket.head(any_run.entry(there + step)):
        there += step
        step *= 2
    while step > 1:
        step //= 2
        if bucket.head(any_run.entry(there + step)):
            there += step
    return there


def append(bucket: Bucket, manifest: Manifest, before: Entry | None = None) -> Entry:
    """Enter the committed run; returns its entry, or the one that stands where the dataset is ahead of it.

    Safe to run again, at any moment and beside others: a manifest has one entry. `before`: the last entry,
    if it is known. A snapshot gives way to one of a newer run. Windows go on from whatever is there, unless
    another run has committed some of the same since they were planned (`manifest.base`): then Unverified
    names it. Raises Overtaken where the run was removed or committed anew meanwhile.
    """
    prefix, base = manifest.prefix, manifest.base
    for _ in range(_ROUNDS):
        before = before or newest(bucket, prefix)
        base = (before.number if before else 0) if base is None else base
        sha256 = _sha256(bucket, manifest)
        if before and (standing := _standing(bucket, manifest, sha256, before, base)):
            return standing
        entry = _following(manifest, sha256, before)
        key = prefix.entry(entry.number)
        if swap_json(bucket, key, entry.to_dict(), "") and bucket.get_json(key) == entry.to_dict():
            log.info("entered run %s in the log: %s", prefix.run, bucket.uri(key))
            return entry
        before = None
    raise Overtaken("another run committed first at each try", where=bucket.uri(prefix.log))


def _sha256(bucket: Bucket, manifest: Manifest) -> str:
    """Of the manifest's bytes, which must still say what `manifest` does."""
    key = manifest.prefix.manifest
    data = bucket.get_bytes(key)
    try:
        stored = documents.read(data)
    except documents.BadDocument:
        stored = None
    if not manifest.says_the_same(Manifest.from_dict(stored, manifest.prefix)):
        raise Overtaken("it was removed or committed anew meanwhile", where=bucket.uri(key))
    return hashlib.sha256(data).hexdigest()


def _standing(bucket: Bucket, manifest: Manifest, sha256: str, before: Entry, base: int) -> Entry | None:
    """The entry that stands in place of a new one; None: `manifest` is to be entered after `before`."""
    run = manifest.prefix.run
    if (before.run, before.sha256) == (run, sha256):
        return before
    if manifest.windows is None:
        if run < before.seen:
            log.warning("run %s is older than the log's run %s: the dataset stays at that", run, before.seen)
            return before
        return None
    if own := _own(bucket, manifest.prefix, sha256, before.number - 1, base):
        return own
    if findings := list(taken(manifest, before, base)):
        raise Unverified(findings)
    return None


def taken(manifest: Manifest, last: Entry | None, base: int | None) -> Iterator[Finding]:
    """What other runs committed of the manifest's windows after the entry `base`, by the last entry."""
    if manifest.windows is None or last is None or base is None:
        return
    fix, new = "clear the whole run", covered(manifest.windows, manifest.prefix.run)
    if not last.windows and last.number > base:
        yield Finding("the dataset", f"run {last.run} committed all of it anew after this run's plan", fix)
    lines = [line for line in last.windows if line.number > base and line.run != manifest.prefix.run]
    if lost := [line for line in lines if any(line.overlaps(each) for each in new)]:
        got = f"committed by run {', '.join(runs_of(lost))} after this run's plan"
        yield Finding(f"windows {lost[0].since}…{lost[-1].until}", got, fix)


def _own(bucket: Bucket, prefix: Prefix, sha256: str, last: int, base: int) -> Entry | None:
    """This manifest's entry among those after `base`; a swept one is not missed."""
    for number in range(last, base, -1):
        entry = read_entry(bucket, prefix, number)
        if entry and (entry.run, entry.sha256) == (prefix.run, sha256):
            return entry
    return None


def _following(manifest: Manifest, sha256: str, before: Entry | None) -> Entry:
    run, number = manifest.prefix.run, before.number + 1 if before else 1
    lines, watermark, replaces = [], None, runs_of(before.windows) or [before.run] if before else []
    if manifest.windows is not None:
        old, new = before.windows if before else [], covered(manifest.windows, run, number)
        lines = laid_over(old, new)
        watermark = reached(lines, before.watermark if before else None)
        if old:
            replaces = runs_of(line for line in old if any(line.overlaps(each) for each in new))
    return Entry(
        number=number,
        run=run,
        manifest=manifest.prefix.manifest,
        sha256=sha256,
        rows=manifest.rows,
        bytes=manifest.bytes,
        replaces=replaces,
        watermark=watermark,
        windows=lines,
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        seen=max(run, before.seen if before else ""),
    )
