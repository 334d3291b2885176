"""How a dataset names its table, and what it must be for that."""

import re

TABLE_PATTERN = r"^[a-z0-9_]+(\.[a-z0-9_]+)+$"  # what every engine takes without quotes


def wrong_with_table(table: str, format_: str) -> str:
    """What keeps a dataset of this format from having the table; empty: nothing."""
    if not table:
        return ""
    if not re.fullmatch(TABLE_PATTERN, table):
        return f"table is {table[:80]!r}, not namespace.name in small letters, digits and _"
    return "" if format_ == "parquet" else f"table needs format parquet: {format_} objects cannot be in one"
