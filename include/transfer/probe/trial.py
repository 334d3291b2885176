"""Trial: a candidate used by the engine itself on a little of the source, before anybody is told of it."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from include.transfer.batches import Batch
from include.transfer.errors import Fatal, RowsRepeated, WrongRowCount
from include.transfer.run import count
from include.transfer.source.api import Api
from include.transfer.source.blocks import Block
from include.transfer.source.row_hashes import CHECK_PAGING, ROW_BYTES, RowHashes
from include.transfer.source.walk import Walk

MOST_ROWS = 2_000
_ANSWERS = 2


@dataclass(frozen=True)
class Proven:
    """What the engine read. `rows`: how many there are, None: not known; `sample`: some, from `parts`."""

    rows: int | None
    version: str | None
    sample: list[dict[str, Any]]
    parts: tuple[str, ...]
    notes: tuple[str, ...] = ()


def prove(api: Api, expected: Sequence[dict[str, Any]]) -> Proven:
    """Count, and read first answers; where batches are planned, also the middle and the last.

    `expected`: the rows that the URL itself brought. Raises the engine's errors, Fatal where its rows are
    others.
    """
    counted = count(api)
    rows, version = counted["rows"], counted["version"]
    if api.dataset.chained or rows is None:
        return _proven_chain(api, expected, rows, version)
    parts = dict(_parts(api, rows))
    sample = _joined(parts.values())
    _compare(next(iter(parts.values()), Block([])).rows, expected)
    _refuse_repeats(api, sample)
    notes = tuple(_behind(api, rows, sample))
    return Proven(rows, version, sample.rows, tuple(parts), notes)


def _joined(blocks: Iterable[Block]) -> Block:
    found = list(blocks)
    return Block([row for block in found for row in block.rows], b"".join(block.hashes for block in found))


def _parts(api: Api, total: int) -> Iterator[tuple[str, Block]]:
    size = min(api.dataset.page_size or MOST_ROWS // 2, MOST_ROWS // 2)
    head = min(total, 2 * size)
    yield f"the first {head:,} rows", _read(api, Batch(0, head, total))
    middle, last = total // 2 // size * size, (total - 1) // size * size
    if middle >= head:
        yield f"rows from {middle:,} on", _read(api, Batch(middle, min(size, last - middle or size), total))
    if last >= head:
        yield f"the last {total - last:,} rows", _read(api, Batch(last, total - last, total))


def _read(api: Api, batch: Batch) -> Block:
    return _joined(api.rows(batch, RowHashes(api.url)))


def _behind(api: Api, total: int, sample: Block) -> Iterator[str]:
    """Rows behind the total: those of the last page again, or rows that were not counted."""
    if not total:
        return
    behind = api.behind(total)
    if behind.end != "rows":
        return
    known, found = set(_each(sample.hashes)), _each(behind.hashes)
    if not set(found) <= known:
        raise WrongRowCount(
            f"behind the last of {total:,} rows come others",
            where=f"GET {api.url}",
            fix="the total is too low",
        )
    yield "behind its last row the API gives rows again, which came before; verify compares them in every run"


def _proven_chain(
    api: Api, expected: Sequence[dict[str, Any]], rows: int | None, version: str | None
) -> Proven:
    walk, hashes, answers = Walk(api), RowHashes(api.url), 0
    read: list[Block] = []
    while not walk.ended and answers < _ANSWERS and sum(len(block.rows) for block in read) < MOST_ROWS:
        read += _some(walk.answer(hashes), MOST_ROWS - sum(len(block.rows) for block in read))
        answers += 1
    hashes.end_page()
    walk.close()
    joined = _joined(read)
    sample = joined.rows
    _compare(sample, expected)
    _refuse_repeats(api, joined)
    whole = walk.ended and len(sample) < MOST_ROWS
    if whole and rows not in (None, len(sample)):
        raise WrongRowCount(f"{len(sample):,} rows came, and {rows:,} were counted", where=f"GET {api.url}")
    part = "all rows" if whole else f"the first {len(sample):,} rows"
    return Proven(len(sample) if rows is None and whole else rows, version, sample, (part,))


def _some(blocks: Iterator[Block], most: int) -> Iterator[Block]:
    for block in blocks:
        yield block.part(0, most)
        most -= len(block.rows)
        if most <= 0:
            break


def _compare(sample: Sequence[dict[str, Any]], expected: Sequence[dict[str, Any]]) -> None:
    both = min(len(sample), len(expected))
    if not both or list(sample[:both]) != list(expected[:both]):
        raise Fatal("with these settings other rows come than the URL itself brings")


def _refuse_repeats(api: Api, sample: Block) -> None:
    hashes = _each(sample.hashes) if api.dataset.duplicates == "fail" else []
    if repeated := len(hashes) - len(set(hashes)):
        raise RowsRepeated(
            f"{repeated:,} of {len(hashes):,} rows came twice", where=f"GET {api.url}", fix=CHECK_PAGING
        )


def _each(hashes: bytes) -> list[bytes]:
    return [hashes[at : at + ROW_BYTES] for at in range(0, len(hashes), ROW_BYTES)]
