"""Names: what APIs usually call the parameters of paging, the most usual first."""

import re
from collections.abc import Mapping


def _listed(text: str) -> tuple[str, ...]:
    return tuple(text.split())


LIMITS = _listed(
    "limit per_page page_size pageSize size count take n _limit $top rows maxResults $limit "
    "resultRecordCount perPage pagesize page[size] page[limit] max_results results max top num "
    "itemsPerPage items_per_page _size hitsPerPage"
)
POSITIONS = _listed(
    "offset start skip page _start $skip p pageNumber page_number startIndex $offset resultOffset from "
    "startAt page[number] page[offset] _page pageNo pageIndex currentPage pg"
)
# The positions that go with a limit of such a name, tried before the others.
PARTNERS: Mapping[str, tuple[str, ...]] = {
    "limit": ("offset", "start", "page", "skip"),
    "per_page": ("page",),
    "perPage": ("page",),
    "page_size": ("page", "page_number"),
    "pageSize": ("page", "pageNumber", "pageIndex", "pageNo", "currentPage"),
    "pagesize": ("page",),
    "size": ("page", "from", "offset"),
    "_size": ("_page", "page"),
    "take": ("skip",),
    "n": ("p", "page", "start"),
    "_limit": ("_start", "_page"),
    "$top": ("$skip",),
    "$limit": ("$offset",),
    "rows": ("start", "offset", "page"),
    "count": ("startIndex", "start", "offset", "page"),
    "maxResults": ("startAt", "startIndex"),
    "resultRecordCount": ("resultOffset",),
    "page[size]": ("page[number]",),
    "page[limit]": ("page[offset]",),
}
CURSORS = _listed(
    "cursor page_token pageToken next_token nextToken token after continuation continuationToken "
    "continuation_token next page offset start cursorMark marker starting_after page[cursor] page[after] "
    "scroll_id next_cursor nextCursor pagetoken"
)
ROW_CURSORS = _listed(
    "starting_after after after_id since_id last_id lastId start_after cursor min_id from_id since marker "
    "afterId page[after] startAfter sinceId"
)
# Sent first to APIs that give a token to those alone who ask for one: Crossref, Solr.
FIRST_CURSORS = (("cursor", "*"), ("cursorMark", "*"))

# Words of the names of numbers that are no number of rows, though they may stand beside one.
NO_TOTALS = frozenset(
    _listed(
        "page pages limit per offset skip start current remaining took time ms id status code version shards "
        "max min from next prev previous first last index retry rate ratelimit api age"
    )
)


def words(name: str) -> set[str]:
    """Of a name in camelCase, snake_case or Header-Case."""
    return set(re.split(r"[^a-z0-9]+", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()))
