"""Counting: where an API says how many rows it has, as a dataset's `total` and `count_path`."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlencode

from include.transfer.errors import TransferError
from include.transfer.probe.asking import Asker, Pairs
from include.transfer.probe.totals_seen import Seen, leaves, place_of
from include.transfer.source.count import whole_number

NO_TOTAL = {"total": "none"}
_LONGEST = 4096


def totals_of(asker: Asker, seen: Seen, limit: str, rows: int) -> list[dict[str, Any]]:
    """Where the total is said, the best first: beside the rows, else at a path of its own; none: nowhere.

    `rows`: that the first answer had, so that there are as many at least.
    """
    if seen.totals:
        query: Pairs = [(limit, "1")] if limit else []
        path = asker.path + (f"?{urlencode(query)}" if query else "")
        return [{"total": place, "count_path": path} for place, _ in seen.totals[:2]]
    return list(_beside(asker, rows))


def _beside(asker: Asker, rows: int) -> Iterator[dict[str, Any]]:
    path = asker.path.rstrip("/")
    paths = (f"{path}/count", f"{path.rpartition('/')[0]}/count", f"{path}/$count")
    arcgis = (f"{path}?returnCountOnly=true",) if path.endswith("/query") else ()
    for beside in dict.fromkeys((*arcgis, *paths)):
        place, number = _stated(asker, beside)
        if place and number >= rows:
            asker.tell(f"GET {beside}: {number:,}")
            yield {"total": place, "count_path": beside}
            return


def _stated(asker: Asker, path: str) -> tuple[str, int]:
    """The one number of an answer, and its place; an empty place: there is no such."""
    try:
        path, _, query = path.partition("?")
        body = asker.fetch(parse_qsl(query), path)
        value = json.loads(body.text if len(body.text) <= _LONGEST else b"")
    except TransferError as error:
        asker.tell(f"GET {path}: {error.got}")
        return "", 0
    except ValueError:
        asker.tell(f"GET {path}: no number")
        return "", 0
    named: list[tuple[str, Any]] = [(place_of(keys), each) for keys, each in leaves(value)]
    named = named if isinstance(value, dict) else [("body", value)]
    numbers = [(place, number) for place, each in named if (number := whole_number(each)) is not None]
    return numbers[0] if len(numbers) == 1 else ("", 0)
