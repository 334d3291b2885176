"""Rows and answers that come twice in a run, in memory that does not depend on how many there are."""

import tempfile
from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import IO

from include.transfer.commit.key_order import Keys, Range, compare_keys
from include.transfer.commit.receipt import Receipt
from include.transfer.commit.stored_hashes import Piece, read_hashes, with_pages
from include.transfer.errors import Finding
from include.transfer.formats.unreadable import Unreadable
from include.transfer.source.row_hashes import CHECK_PAGING
from include.transfer.store.bucket import Bucket
from include.transfer.store.keys import Prefix

_NUMBERS_IN_MEMORY = 1 << 16
_MOST_PARTS = 256
_CLEAR = "clear this batch's copy"
_OR_ALLOW = "set duplicates to allow, if the source has equal rows"


@dataclass
class Distinct:
    """What a comparison of all hashes found. `rows`, `pages`: how many were compared.

    `unproven`: batches without hashes, or with those of an earlier release. `unknown`: hashes that were
    looked for and are not among the rows.
    """

    rows: int = 0
    repeated: int = 0
    pages: int = 0
    unproven: int = 0
    unknown: set[int] = field(default_factory=set)
    key: Keys | None = None
    findings: list[Finding] = field(default_factory=list)


class Repeats:
    """Which of many numbers of 64 bits come more than once.

    They are sorted into files by their first bits, so that one file at a time is looked at.
    """

    def __init__(self, expected: int, opened: ExitStack) -> None:
        parts = min(_MOST_PARTS, max(1, expected // _NUMBERS_IN_MEMORY))
        self._bounds = [(1 << 64) * part // parts for part in range(parts + 1)]
        self._opened = opened
        self._files: list[IO[bytes]] = []  # none before there is a number

    def add(self, numbers: "array[int]") -> None:
        if numbers and not self._files:
            new = (tempfile.TemporaryFile() for _ in self._bounds[1:])  # noqa: SIM115
            self._files = [self._opened.enter_context(file) for file in new]
        ordered = array("Q", sorted(numbers))
        ends = [bisect_left(ordered, bound) for bound in self._bounds]
        for file, start, end in zip(self._files, ends, ends[1:], strict=False):
            if end > start:
                file.write(ordered[start:end].tobytes())

    def found(self) -> tuple[int, int | None]:
        """How many numbers are repetitions, and one that is repeated."""
        surplus, example = 0, None
        for file in self._files:
            file.seek(0)
            numbers = array("Q", file.read())
            more = len(numbers) - len(set(numbers))
            if more and example is None:
                example = Counter(numbers).most_common(1)[0][0]
            surplus += more
        return surplus, example


@dataclass(frozen=True)
class _Seen:
    pages: Repeats
    rows: Repeats
    keys: Repeats


def compare_rows(
    bucket: Bucket, prefix: Prefix, receipts: Sequence[Receipt], duplicates: str, wanted: bytes = b""
) -> Distinct:
    """Compare all rows of a run or of several, their keys, and all answers that brought them.

    `duplicates`: as in a dataset. `wanted`: hashes to look for among the rows. Keys of other columns in other
    runs are not compared.
    """
    result, ranges = Distinct(unknown=set(array("Q", wanted))), list[Range]()
    with ExitStack() as opened:
        total = sum(receipt.rows for receipt in receipts)
        seen = _Seen(*(Repeats(total, opened) for _ in range(3)))
        for receipt in receipts:
            try:
                stored = read_hashes(bucket, prefix, receipt)
                ranges.append((receipt, stored.key if stored else None))
                result.unproven += stored is None
                _take(stored or (), seen, result)
            except Unreadable as error:
                result.findings.append(Finding(receipt.name, str(error), _CLEAR))
        if result.findings:
            return result
        (pages, page), (result.repeated, row), (keys, key) = (
            numbers.found() for numbers in (seen.pages, seen.rows, seen.keys)
        )
    result.key = compare_keys(ranges)
    if page is not None:
        result.findings.append(_same_pages(bucket, prefix, receipts, page, pages))
    elif row is not None and duplicates == "fail":
        places = _places(bucket, prefix, receipts, row, "hashes")
        result.findings.append(_twice(f"{result.repeated:,} rows", places, _OR_ALLOW))
    elif key is not None and len({tuple(found["columns"]) for _, found in ranges if found}) == 1:
        places = _places(bucket, prefix, receipts, key, "keys")
        result.findings.append(_twice(f"{keys:,} keys", places, "correct the dataset's key"))
    elif result.key:
        result.findings += result.key.findings
    return result


def _take(stored: Iterable[Piece], seen: _Seen, result: Distinct) -> None:
    """Add one batch to what is compared."""
    answers = array("Q")
    for piece, page in with_pages(stored):
        seen.rows.add(piece.hashes)
        seen.keys.add(piece.keys)
        result.rows += len(piece.hashes)
        result.pages += piece.last
        result.unknown.difference_update(piece.hashes)
        if page and page.varied:
            answers.append(page.number)
    seen.pages.add(answers)


def _same_pages(bucket: Bucket, prefix: Prefix, receipts: Sequence[Receipt], page: int, more: int) -> Finding:
    places = []
    for receipt in receipts:
        for piece, found in with_pages(read_hashes(bucket, prefix, receipt) or ()):
            if found and found.number == page:
                places.append(receipt.start + piece.at)
    first, again = places[:2]
    got = f"{more:,} answers came twice, such as that to the request for the rows from {first:,} on, again "
    return Finding("the source", f"{got}to that for the rows from {again:,} on", CHECK_PAGING)


def _places(bucket: Bucket, prefix: Prefix, receipts: Sequence[Receipt], number: int, of: str) -> list[str]:
    """The first rows that have this hash; `of`: the attribute of a piece that it is one of."""
    places: list[str] = []
    for receipt in receipts:
        if len(places) < 2:
            done = 0
            for piece in read_hashes(bucket, prefix, receipt) or ():
                rows = [done + n for n, found in enumerate(getattr(piece, of)) if found == number]
                places += [f"row {row:,} of {receipt.name}" for row in rows]
                done += len(piece.hashes)
    return places


def _twice(what: str, places: list[str], otherwise: str) -> Finding:
    fix = (
        "let the API sort by a key that is unique (the dataset's query), check paging's first, "
        f"then clear the whole run; or {otherwise}"
    )
    return Finding("the source", f"{what} came twice, such as in {places[0]} and {places[1]}", fix)
