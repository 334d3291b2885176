"""Fires per year: counted in each copied batch, then added up."""

from collections import Counter
from collections.abc import Iterable, Mapping

from include.transfer.errors import Unverified
from include.transfer.source.json_rows import decode


def count_years(pieces: Iterable[bytes]) -> Counter[int]:
    """Fires by FIRE_YEAR in an NDJSON object, read in blocks."""
    years: Counter[int] = Counter()
    for block in decode(pieces, ndjson=True):
        years.update(row["FIRE_YEAR"] for row in block.rows)
    return years


def add_years(counts: Iterable[Mapping[str, int]], rows: int) -> dict[str, int]:
    """One total. Raises Unverified if the years do not add up to the `rows` that were committed."""
    total: Counter[str] = Counter()
    for years in counts:
        total.update(years)
    if (counted := sum(total.values())) != rows:
        raise Unverified([f"{counted:,} fires were counted; expected the {rows:,} committed rows"])
    return dict(sorted(total.items()))
