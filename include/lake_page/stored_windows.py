"""The windows that committed runs brought, as their manifests have them."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

from include.lake_page.kept import Kept
from include.transfer.commit.manifest import Manifest
from include.transfer.documents import fits
from include.transfer.store.bucket import Bucket
from include.transfer.store.keys import Prefix

MOST_WINDOWS = 10_000  # of one run
_READERS = 8


@dataclass(frozen=True)
class StoredWindow:
    """Rows of [since, until)."""

    since: str
    until: str
    rows: int


def stored_windows(bucket: Bucket, runs: Iterable[Prefix]) -> dict[Prefix, tuple[StoredWindow, ...]]:
    """The windows of those runs that have a manifest with any: a HEAD each, a GET for a new one."""
    wanted = list(runs)
    with ThreadPoolExecutor(_READERS) as readers:
        found = list(readers.map(partial(_windows, bucket), wanted))
    return {prefix: windows for prefix, windows in zip(wanted, found, strict=True) if windows}


def _windows(bucket: Bucket, prefix: Prefix) -> tuple[StoredWindow, ...]:
    stored = bucket.head(prefix.manifest)
    if stored is None:
        return ()
    known = (bucket.name, stored.key, stored.etag)
    if (windows := _read.get(known)) is None:
        manifest = Manifest.from_dict(bucket.get_json(prefix.manifest), prefix)
        listed = (manifest.windows or []) if manifest else []
        right = len(listed) <= MOST_WINDOWS and all(fits(each.get("rows"), int) for each in listed)
        windows = tuple(StoredWindow(each["since"], each["until"], each["rows"]) for each in listed if right)
        _read.put(known, windows)
    return windows


_read: Kept[tuple[StoredWindow, ...]] = Kept(most=500)
