"""The generator: FPA-FOD-shaped rows, deterministic, with the published totals (see `published`)."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from services.wildfires_api.dataset import Meta
from services.wildfires_api.errors import DatasetError
from services.wildfires_api.generator.plan import Plan, make_plan
from services.wildfires_api.generator.published import COLUMNS, FIRES
from services.wildfires_api.generator.records import Block, encoded
from services.wildfires_api.writer import DatasetWriter

BLOCK_ROWS = 10_000  # part of the format of the data: another number gives other rows
SERIAL_ROWS = 60_000  # below it, starting processes costs more than it saves


def generate(
    rows: int, folder: Path, seed: int = 0, progress: Callable[[int], object] = lambda rows: None
) -> Meta:
    """Write a dataset of `rows` rows; the same rows and seed give the same bytes on every machine.

    `progress` is called with the number of rows of each block written. Raises DatasetError.
    """
    if not 0 <= rows <= FIRES:
        raise DatasetError(
            f"--rows is {rows}; it must be from 0 to {FIRES} (the number of rows of the real data)."
        )
    with DatasetWriter(folder, COLUMNS, {"kind": "generated", "seed": seed}) as writer:
        for block in _encoded_blocks(make_plan(rows, seed), seed):
            writer.write(block)
            progress(block.count(b"\n"))
    return writer.meta


def _encoded_blocks(plan: Plan, seed: int) -> Iterator[bytes]:
    processes = min(os.cpu_count() or 1, 4)
    if processes == 1 or len(plan) < SERIAL_ROWS:
        yield from map(encoded, blocks(plan, seed))
        return
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        waiting: list[Future[bytes]] = []
        try:
            for block in blocks(plan, seed):
                waiting.append(pool.submit(encoded, block))
                if len(waiting) > 2 * processes:  # bounds the memory of blocks not yet written
                    yield waiting.pop(0).result()
            while waiting:
                yield waiting.pop(0).result()
        finally:
            pool.shutdown(cancel_futures=True)


def blocks(plan: Plan, seed: int) -> Iterator[Block]:
    """The plan cut into blocks that can be made independently of one another."""
    for first in range(0, len(plan), BLOCK_ROWS):
        yield Block(seed, first, len(plan), plan.part(first, BLOCK_ROWS))
