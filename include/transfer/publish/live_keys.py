"""Which objects a table must hold: those that are live by the dataset's commit log."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from include.transfer.commit.entry import Entry
from include.transfer.commit.live import Live
from include.transfer.commit.manifest import Manifest
from include.transfer.errors import Finding, Unverified
from include.transfer.source.marks import short
from include.transfer.store.bucket import Bucket
from include.transfer.store.keys import Prefix, window_in


class LiveKeys(NamedTuple):
    """`keys`: of all live objects with rows; `runs`: those that a table at an earlier entry lacks."""

    keys: set[str]
    runs: list[Manifest]


def live_keys(bucket: Bucket, any_run: Prefix, entry: Entry, known: int, held: Iterable[str]) -> LiveKeys:
    """The objects of the dataset as of `entry`, by those that a table `held` as of the entry `known`.

    Reads the manifests of runs that were entered since, and no others. Raises Unverified where one of these
    cannot be read.
    """
    if not entry.windows:
        run = _manifest(bucket, any_run, entry.run)
        return LiveKeys({receipt.key for receipt in run.receipts if receipt.rows}, [run])
    keys: set[str] = set()
    runs: dict[str, Manifest] = {}
    of_run: dict[str, list[str]] = {}
    for key in held:
        of_run.setdefault(key.split("/")[1], []).append(key)
    for line in entry.windows:
        if line.number <= known:
            keys.update(_within(line, of_run.get(line.run, ())))
            continue
        if line.run not in runs:
            runs[line.run] = _manifest(bucket, any_run, line.run)
        keys.update(_within(line, (receipt.key for receipt in runs[line.run].receipts if receipt.rows)))
    return LiveKeys(keys, list(runs.values()))


def _within(line: Live, keys: Iterable[str]) -> Iterator[str]:
    """Those of the keys that lie in the windows of the line: they sort as their ends do."""
    since, until = short(line.since), short(line.until)
    for key in keys:
        first, _, last = window_in(key).partition("_")
        if since <= first and last <= until:
            yield key


def _manifest(bucket: Bucket, any_run: Prefix, run: str) -> Manifest:
    prefix = any_run.of(run)
    found = Manifest.from_dict(bucket.get_json(prefix.manifest), prefix) if prefix else None
    if found is None:
        where = bucket.uri(prefix.manifest) if prefix else f"run {run!r}"
        fix = "correct it, or clear that run"
        raise Unverified([Finding(where, "the log names this run, and its manifest cannot be read", fix)])
    return found
