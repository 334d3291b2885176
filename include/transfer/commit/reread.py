"""Some requests made again before a commit: a source whose order changes, or that was edited, shows here.

A version that stayed the same does not make it needless: not every server changes it with its rows.
"""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

from include.transfer.batches import Batch
from include.transfer.commit.receipt import Receipt
from include.transfer.commit.sealed import HIDDEN
from include.transfer.commit.stored_hashes import first_and_last, read_hashes
from include.transfer.errors import Finding, SourceRefused, WrongRowCount
from include.transfer.formats.unreadable import Unreadable
from include.transfer.source.api import Api
from include.transfer.source.row_hashes import ROW_BYTES, RowHashes
from include.transfer.source.walk import Walk
from include.transfer.store.bucket import Bucket
from include.transfer.store.keys import Prefix

MOST_ROWS = 5_000  # that are compared of one answer: it may be a whole batch


@dataclass(frozen=True)
class Asked:
    """A request of a copy, from row `at` of its batch on. `hashes`: of its rows, `MOST_ROWS` at the most."""

    batch: Batch
    at: int
    hashes: bytes


def make_again(
    api: Api, bucket: Bucket, prefix: Prefix, receipts: Sequence[Receipt]
) -> tuple[int, list[Finding]]:
    """Make the dataset's `reread` requests again; returns how many were made, and what brought other rows."""
    if api.dataset.chained:
        return _chain_again(api, bucket, prefix, receipts)
    rows = _chosen_rows(prefix.run, receipts, api.dataset.reread)
    made, findings = 0, []
    for asked in _holding(rows, bucket, prefix, receipts):
        made += 1
        if got := _difference(api, asked):
            source = "its order changes between requests, or it was edited during the run"
            fix = "let the API sort by a key that is unique (the dataset's query), then clear the whole run"
            where = f"the request for the rows from {asked.batch.start + asked.at:,} on"
            findings.append(Finding(where, f"made again, it brought {got}: {source}", fix))
    return made, findings


def _chain_again(
    api: Api, bucket: Bucket, prefix: Prefix, receipts: Sequence[Receipt]
) -> tuple[int, list[Finding]]:
    """Ask again for the first answer of objects that hold the chosen rows."""
    rows = _chosen_rows(prefix.run, receipts, api.dataset.reread)
    made, findings = 0, []
    for receipt in receipts:
        known = HIDDEN not in (receipt.chain.get("begins") or "")
        if known and any(0 <= row - receipt.start < receipt.rows for row in rows):
            made += 1
            if not answers_again(api, bucket, prefix, receipt):
                where = f"the request for the rows from {receipt.start:,} on"
                got = "made again, it brought other rows: the source was edited, or is not stable"
                findings.append(Finding(where, got, "clear the whole run"))
    return made, findings


def answers_again(api: Api, bucket: Bucket, prefix: Prefix, receipt: Receipt) -> bool:
    """Whether a chain's object begins with the same rows when its first request is made again."""
    seen = RowHashes(api.asked)
    try:
        ends = first_and_last(bucket, prefix, receipt)
        for _ in Walk(api, receipt.chain["begins"], receipt.start).answer(seen):
            pass
    except (Unreadable, SourceRefused, WrongRowCount):  # a token that has expired is no proof of anything
        return False
    return bool(ends) and seen.digest == ends[0].digest


def _chosen_rows(run: str, receipts: Sequence[Receipt], count: int) -> list[int]:
    """The first row, the last, and others that nobody knows before the run is named."""
    total = sum(receipt.rows for receipt in receipts)
    drawn = (hashlib.sha256(f"{run} {number}".encode()).digest() for number in range(count))
    rows = [0, total - 1, *(int.from_bytes(each[:8]) % max(1, total) for each in drawn)]
    return rows[:count]


def _holding(
    rows: Sequence[int], bucket: Bucket, prefix: Prefix, receipts: Sequence[Receipt]
) -> Iterator[Asked]:
    """The requests that brought these rows, each once, as far as their hashes are stored."""
    for receipt in receipts:
        wanted = {row - receipt.start for row in rows if 0 <= row - receipt.start < receipt.rows}
        batch, first, held = Batch(receipt.start, receipt.rows), b"", 0
        with suppress(Unreadable):  # a finding of its own: see repeats.py
            for piece in (read_hashes(bucket, prefix, receipt) or ()) if wanted else ():
                first = first or piece.hashes[:MOST_ROWS].tobytes()
                held += len(piece.hashes)
                if piece.last:
                    if any(piece.at <= row < piece.at + held for row in wanted):
                        yield Asked(batch, piece.at, first)
                    first, held = b"", 0


def _difference(api: Api, asked: Asked) -> str:
    """What the request brings now that it did not bring before; empty: the same."""
    count = len(asked.hashes) // ROW_BYTES
    try:
        now = api.again(asked.batch, asked.at, count)
    except WrongRowCount:
        return "more rows than were asked for"
    if now == asked.hashes:
        return ""
    if len(now) < len(asked.hashes):
        return f"{len(now) // ROW_BYTES:,} rows instead of {count:,} or more"
    rows, others = _split(asked.hashes), _split(now)
    if sorted(rows) == sorted(others):
        return "the same rows in another order"
    other = next(number for number, pair in enumerate(zip(rows, others, strict=True)) if pair[0] != pair[1])
    return f"other rows, first row {asked.batch.start + asked.at + other:,}"


def _split(hashes: bytes) -> list[bytes]:
    return [hashes[at : at + ROW_BYTES] for at in range(0, len(hashes), ROW_BYTES)]
