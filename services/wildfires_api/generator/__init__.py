"""The generator: rows like those of the FPA-FOD, the same every time, with the published totals."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from include.wildfires import WILDFIRE_TYPES
from services.wildfires_api.fpa_fod import FIRES
from services.wildfires_api.generator.frame import make_frame
from services.wildfires_api.generator.rows import records
from services.wildfires_api.snapshot import Meta, SnapshotError
from services.wildfires_api.snapshot_writer import SnapshotWriter

BLOCK_ROWS = 2_000  # another number gives other rows


def generate(rows: int, folder: Path, seed: int = 0) -> Meta:
    """Write a snapshot of `rows` rows; the same rows and seed give the same bytes on every machine.

    Raises SnapshotError.
    """
    if not 0 <= rows <= FIRES:
        raise SnapshotError(f"Cannot generate {rows} rows. Give --rows a number from 0 to {FIRES}.")
    with SnapshotWriter(folder, WILDFIRE_TYPES, {"kind": "generated", "seed": seed}) as writer:
        for block in make_frame(rows, seed).blocks(BLOCK_ROWS):
            lines = (orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in records(block))
            writer.write(b"".join(lines))
    return writer.meta


def fires(rows: int, seed: int = 0) -> Iterator[dict[str, Any]]:
    """The rows that `generate` writes."""
    for block in make_frame(rows, seed).blocks(BLOCK_ROWS):
        yield from records(block)
