"""Fires per year: counted in each copied batch, then added up."""

from collections import Counter
from collections.abc import Iterable, Mapping

from include.transfer.errors import Finding, Unverified
from include.transfer.source.json_rows import decode
from include.transfer.store.bucket import Bucket


def count_years(bucket: Bucket, key: str) -> dict[str, int]:
    """Fires by FIRE_YEAR in an NDJSON object, read in blocks. Keys are text: JSON has no others."""
    years: Counter[int] = Counter()
    for block in decode(bucket.get(key), ndjson=True):
        years.update(row["FIRE_YEAR"] for row in block.rows)
    return {str(year): fires for year, fires in sorted(years.items())}


def add_years(counts: Iterable[Mapping[str, int]], rows: int) -> dict[str, int]:
    """One total. Raises Unverified if the years do not add up to the `rows` that were committed."""
    total: Counter[str] = Counter()
    for years in counts:
        total.update(years)
    if (counted := sum(total.values())) != rows:
        got = f"{counted:,} fires were counted in {rows:,} committed rows"
        raise Unverified([Finding("fires per year", got, "clear the whole run")])
    return dict(sorted(total.items()))
