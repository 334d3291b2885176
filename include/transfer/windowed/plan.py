"""The windows of a run and the batches in them, each window counted with its filter."""

import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from include.transfer.batches import Batch, plan_batches
from include.transfer.dataset import Dataset
from include.transfer.documents import fits
from include.transfer.errors import Finding, Unverified
from include.transfer.payloads import Counted, Due, PlannedBatch
from include.transfer.plan import write_plan
from include.transfer.source.api import Api
from include.transfer.source.count import Count
from include.transfer.source.windows import Span, Window
from include.transfer.store.bucket import Bucket
from include.transfer.store.keys import Prefix
from include.transfer.windowed.due import refuse_taken, window_of

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Part:
    """One window of a run; `rows`: as the source counted them at plan, None where it does not count."""

    since: str
    until: str
    rows: int | None
    version: str | None


@dataclass(frozen=True)
class Planned:
    """What a run takes, as it stands in its folder. `rows`: of all of it, counted at once."""

    parts: list[Part]
    rows: int | None
    base: int

    def to_dict(self) -> dict[str, Any]:
        return {"version": 1, **asdict(self)}


def bound(api: Api, since: str, until: str) -> Api:
    """The source, asked for the rows of this window alone."""
    window = window_of(api.dataset)
    return api.within(window, window.span(since, until))


def key_of(dataset: Dataset, since: str, until: str) -> str:
    """The window as `Prefix.window`."""
    window = window_of(dataset)
    return window.key(window.span(since, until))


def plan_windows(api: Api, bucket: Bucket, counted: Counted, name: str, max_maps: int) -> list[PlannedBatch]:
    """Count each window of the range that was counted, and cut those with rows into batches.

    All of them, the empty ones too, are noted in the run's folder for verify and commit.
    """
    due, prefix = counted["due"], Prefix(api.dataset.name, name)
    refuse_taken(bucket, prefix, due["base"], due["since"], due["until"])
    window, spans = _cut(api.dataset, due, max_maps)
    parts = []
    for span in spans:
        since, until = window.texts(span)
        whole = len(spans) == 1
        found = Count(counted["rows"] or 0, counted["version"]) if whole else None
        parts.append(_counted(bound(api, since, until), since, until, found))
    batches = _batches(api.dataset, window, parts, max_maps)
    planned = Planned(parts, counted["rows"], due["base"])
    bucket.put_json(prefix.windows, planned.to_dict())
    write_plan(bound(api, due["since"], due["until"]), bucket, prefix, counted, batches)
    log.info(
        "%s to %s: %d windows, %d of them empty; %d batches",
        *(due["since"], due["until"], len(parts), sum(part.rows == 0 for part in parts), len(batches)),
    )
    return batches


def _cut(dataset: Dataset, due: Due, max_maps: int) -> tuple[Window, list[Span]]:
    window = window_of(dataset)
    span, anchor = window.span(due["since"], due["until"]), window.read(due["anchor"])
    steps = window.steps(span, anchor)
    spans = window.cut(span, anchor, max_maps)
    if len(spans) < steps:
        log.warning(
            "%d windows instead of %d of %s each: a task is mapped at most %d times",
            *(len(spans), steps, window.step, max_maps),
        )
    return window, spans


def _counted(api: Api, since: str, until: str, found: Count | None) -> Part:
    if api.dataset.total == "none":
        return Part(since, until, None, api.named_version())
    found = found or api.count()
    return Part(since, until, found.rows, found.version)


def _batches(dataset: Dataset, window: Window, parts: Sequence[Part], max_maps: int) -> list[PlannedBatch]:
    filled = [part for part in parts if part.rows != 0]
    size = _size(dataset, filled, max_maps)
    found: list[PlannedBatch] = []
    for part in filled:
        label = window.label(window.span(part.since, part.until))
        if dataset.chained or part.rows is None:
            rows: list[Batch] = []
            found.append(_batch(part, 0, None, label))
        else:
            rows = plan_batches(part.rows, size, max_maps, _multiple(dataset))
        for batch in rows:
            found.append(
                _batch(part, batch.start, batch.limit, label if len(rows) == 1 else f"{label}, {batch}")
            )
    return [{**each, "maps": len(found)} for each in found]


def _batch(part: Part, start: int, limit: int | None, label: str) -> PlannedBatch:
    return {
        "start": start,
        "limit": limit,
        "total": part.rows,
        "version": part.version,
        "label": label,
        "since": part.since,
        "until": part.until,
    }


def _multiple(dataset: Dataset) -> int:
    return dataset.page_size or 1


def _size(dataset: Dataset, parts: Sequence[Part], max_maps: int) -> int:
    """Rows in a batch: as many as the dataset says, or more, so that all can be mapped."""
    size = dataset.batch_size
    multiple = _multiple(dataset)
    if not dataset.chained:
        while sum(-(-(part.rows or 0) // (-(-size // multiple) * multiple)) for part in parts) > max_maps:
            size *= 2
    if size > dataset.batch_size:
        log.warning(
            "batches have %d rows instead of %d: a task is mapped at most %d times",
            *(size, dataset.batch_size, max_maps),
        )
    return size


def read_planned(bucket: Bucket, prefix: Prefix) -> Planned:
    """What `plan_windows` noted. Raises Unverified where it is gone, or no plan."""
    stored = bucket.get_json(prefix.windows)
    try:
        parts = [Part(**part) for part in stored["parts"]]  # type: ignore[index]
        planned = Planned(parts, stored["rows"], stored["base"])  # type: ignore[index]
    except (TypeError, KeyError):
        planned = None
    if planned is None or not fits(planned.base, int) or not all(fits(p.since, str) for p in planned.parts):
        fix = "clear plan, and with it what follows"
        raise Unverified([Finding(bucket.uri(prefix.windows), "it is gone, or no plan of windows", fix)])
    return planned
