"""Which range of a dataset's windows a run takes. It is decided once, before anything is counted."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from include.transfer.commit.entry import Entry
from include.transfer.commit.history import catch_up
from include.transfer.commit.live import Live
from include.transfer.commit.log import newest
from include.transfer.commit.manifest import Manifest
from include.transfer.dataset import Dataset
from include.transfer.errors import BadSettings, Finding, Unverified
from include.transfer.payloads import Due, StandingRun
from include.transfer.source.windows import Span, Window
from include.transfer.store.bucket import Bucket
from include.transfer.store.keys import Prefix

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Interval:
    """What a run is about: marks as `Window.read` has them.

    `since`: of a backfill, or a run that names its own; empty: it goes on from the watermark. `until`: empty:
    as far as the window's `end`.
    """

    since: str = ""
    until: str = ""


def due(dataset: Dataset, bucket: Bucket, run: str, interval: Interval) -> Due | None:
    """The range that the run takes; None: nothing is new.

    Raises BadSettings where nothing says where it begins or ends.
    """
    window, prefix = window_of(dataset), Prefix(dataset.name, run)
    entry = catch_up(bucket, prefix)
    done = Manifest.from_dict(bucket.get_json(prefix.manifest), prefix)
    if done and done.windows:  # cleared after its commit: it takes what it took
        interval = Interval(done.windows[0]["since"], done.windows[-1]["until"])
    span = _own(window, interval) if interval.since else _next(window, interval, entry)
    if span.until <= span.since:
        log.info("nothing is new: the dataset goes to %s", entry.watermark if entry else "nowhere")
        return None
    whole = _to_borders(bucket, prefix, window, span, entry)
    if whole != span:
        log.info(
            "from %s to %s instead of %s to %s: windows are replaced whole",
            *(*window.texts(whole), *window.texts(span)),
        )
    since, until = window.texts(whole)
    base = entry.number if entry else 0
    if done and done.base is not None and not _replaced(entry, prefix.run, done.base, since, until):
        base = done.base  # so that the same rows give the same manifest
    return {
        "since": since,
        "until": until,
        "base": base,
        "anchor": _anchor(window, whole),
    }


def refuse_taken(bucket: Bucket, prefix: Prefix, base: int, since: str, until: str) -> None:
    """Raise Unverified where another run has committed some of this range since it was decided on.

    The commit would be refused, too: this saves the copies.
    """
    if lines := _replaced(newest(bucket, prefix), prefix.run, base, since, until):
        got = f"run {lines[0].run} has committed some of these windows after this run began"
        raise Unverified([Finding(f"{since} to {until}", got, "clear the whole run")])


def _replaced(entry: Entry | None, run: str, base: int, since: str, until: str) -> list[Live]:
    """What other runs have committed of this range after the entry `base`."""
    own = Live(since, until, run)
    return [line for line in _lines(entry) if line.number > base and line.run != run and line.overlaps(own)]


def _lines(entry: Entry | None) -> Sequence[Live]:
    return entry.windows if entry else ()


def standing_windows(dataset: Dataset, bucket: Bucket, run: str) -> StandingRun:
    """The run that committed last, for one with nothing to copy. Raises BadSettings where there is none."""
    prefix = Prefix(dataset.name, run)
    entry = newest(bucket, prefix)
    if entry is None:
        got = "the dataset has no window yet, and its first is not over"
        raise BadSettings(got, where="window", fix="correct window's start, step or settle, or wait")
    return {"manifest": bucket.uri(entry.manifest), "run": entry.run, "rows": 0}


def window_of(dataset: Dataset) -> Window:
    """The dataset's window. Raises BadSettings where it has none."""
    if dataset.window is None:
        raise BadSettings("it has no window", where=f"dataset {dataset.name!r}")
    return dataset.window


def _own(window: Window, interval: Interval) -> Span:
    until = interval.until or window.end
    if not until:
        raise BadSettings("it begins and has no end", where="the run's interval", fix="give it until")
    return window.span(interval.since, until)


def _next(window: Window, interval: Interval, entry: Entry | None) -> Span:
    """From the watermark on, with what is looked back at, to the last border that has settled."""
    watermark = window.read(entry.watermark) if entry and entry.watermark else None
    start = window.read(window.start) if window.start else watermark
    if start is None:
        raise BadSettings(
            "the dataset has no window yet, and nothing says where the first begins",
            where="window",
            fix="give it start, or the run since",
        )
    end = window.read(window.end) if window.end else None
    if interval.until:
        settled = window.moved(window.read(interval.until), window.settle, back=True)
        end = window.floor(settled, start) if end is None or settled < end else end
    if end is None:
        fix = "give the run until, or it end"
        raise BadSettings("nothing says where the run ends", where="window", fix=fix)
    if watermark is None:
        return Span(start, end)
    since = window.floor(window.moved(watermark, window.lookback, back=True), start)
    return Span(max(start, since), max(watermark, end))


def _anchor(window: Window, span: Span) -> str:
    return window.start or window.axis.text(span.since)


def _to_borders(bucket: Bucket, any_run: Prefix, window: Window, span: Span, entry: Entry | None) -> Span:
    """The range with all of the live windows that it would cut: no half of an object can be replaced."""
    since, until = span.since, span.until
    for line in _lines(entry):
        live = window.span(line.since, line.until)
        if live.since < since < live.until or live.since < until < live.until:
            for inner in _windows_in(bucket, any_run, window, line):
                since = inner.since if inner.since < since < inner.until else since
                until = inner.until if inner.since < until < inner.until else until
    return Span(since, until)


def _windows_in(bucket: Bucket, any_run: Prefix, window: Window, line: Live) -> list[Span]:
    """The windows of a line of the log, which are those of its run's manifest."""
    run = any_run.of(line.run)
    manifest = Manifest.from_dict(bucket.get_json(run.manifest), run) if run else None
    if manifest is None or manifest.windows is None:
        return [window.span(line.since, line.until)]
    return [window.span(each["since"], each["until"]) for each in manifest.windows]
