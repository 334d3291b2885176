"""Rows and answers that come twice in a run, in memory that does not depend on how many there are."""

import tempfile
from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

from include.transfer.commit.receipt import Receipt
from include.transfer.commit.stored_hashes import read_hashes, with_pages
from include.transfer.errors import Finding
from include.transfer.formats.unreadable import Unreadable
from include.transfer.source.row_hashes import CHECK_PAGING
from include.transfer.store.bucket import Bucket
from include.transfer.store.keys import Prefix

_NUMBERS_IN_MEMORY = 1 << 16
_MOST_PARTS = 256
_CLEAR = "clear this batch's copy"


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
    findings: list[Finding] = field(default_factory=list)


class Repeats:
    """Which of many numbers of 64 bits come more than once.

    They are sorted into files by their first bits, so that one file at a time is looked at.
    """

    def __init__(self, expected: int, opened: ExitStack) -> None:
        parts = min(_MOST_PARTS, max(1, expected // _NUMBERS_IN_MEMORY))
        self._bounds = [(1 << 64) * part // parts for part in range(parts + 1)]
        self._files = [opened.enter_context(tempfile.TemporaryFile()) for _ in range(parts)]  # noqa: SIM115

    def add(self, numbers: "array[int]") -> None:
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


def compare_rows(
    bucket: Bucket, prefix: Prefix, receipts: Sequence[Receipt], duplicates: str, wanted: bytes = b""
) -> Distinct:
    """Compare all rows of a run, and all answers that brought them.

    `duplicates`: as in a dataset. `wanted`: hashes to look for among the rows.
    """
    result = Distinct(unknown=set(array("Q", wanted)))
    with ExitStack() as opened:
        total = sum(receipt.rows for receipt in receipts)
        rows, pages = Repeats(total, opened), Repeats(total, opened)
        for receipt in receipts:
            answers = array("Q")
            try:
                pieces = read_hashes(bucket, prefix, receipt)
                result.unproven += pieces is None
                for piece, page in with_pages(pieces or iter(())):
                    rows.add(piece.hashes)
                    result.rows += len(piece.hashes)
                    result.pages += piece.last
                    result.unknown.difference_update(piece.hashes)
                    if page and page.varied:
                        answers.append(page.number)
            except Unreadable as error:
                result.findings.append(Finding(receipt.name, str(error), _CLEAR))
            pages.add(answers)
        if result.findings:
            return result
        (more_pages, twice), (result.repeated, row) = pages.found(), rows.found()
    if twice is not None:
        result.findings.append(_same_pages(bucket, prefix, receipts, twice, more_pages))
    elif row is not None and duplicates == "fail":
        result.findings.append(_same_rows(bucket, prefix, receipts, row, result.repeated))
    return result


def _same_pages(bucket: Bucket, prefix: Prefix, receipts: Sequence[Receipt], page: int, more: int) -> Finding:
    places = []
    for receipt in receipts:
        for piece, found in with_pages(read_hashes(bucket, prefix, receipt) or iter(())):
            if found and found.number == page:
                places.append(receipt.start + piece.at)
    first, again = places[:2]
    got = f"{more:,} answers came twice, such as that to the request for the rows from {first:,} on, again "
    return Finding("the source", f"{got}to that for the rows from {again:,} on", CHECK_PAGING)


def _same_rows(bucket: Bucket, prefix: Prefix, receipts: Sequence[Receipt], row: int, more: int) -> Finding:
    places: list[str] = []
    for receipt in receipts:
        if len(places) < 2:
            done = 0
            for piece in read_hashes(bucket, prefix, receipt) or ():
                numbers = [done + n for n, found in enumerate(piece.hashes) if found == row]
                places += [f"row {number:,} of {receipt.name}" for number in numbers]
                done += len(piece.hashes)
    got = f"{more:,} rows came twice, such as {places[0]} and {places[1]}"
    fix = (
        "let the API sort by a key that is unique (the dataset's query), check first_page and first_offset, "
        "then clear the whole run; or set duplicates to allow, if the source has equal rows"
    )
    return Finding("the source", got, fix)
