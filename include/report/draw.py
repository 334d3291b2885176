"""The report's objects, beside the run's own: `{dataset}/{run}/_report/`."""

import logging
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from include.report import html, theme
from include.report import marts as exported_marts
from include.report.charts import FIGURES
from include.report.errors import RunGone
from include.transfer.memory import peak_rss_mb
from include.transfer.store.bucket import Bucket
from include.transfer.store.keys import Prefix

log = logging.getLogger(__name__)

_SOURCE = (
    "Source: FPA-FOD, 4th edition (Short 2017, doi 10.2737/RDS-2013-0009.4), as the copied API served it"
)
_TYPES = {".svg": "image/svg+xml", ".png": "image/png", ".html": "text/html; charset=utf-8"}


def publish(bucket: Bucket, loaded: Mapping[str, Any], marts: Mapping[str, str]) -> dict[str, Any]:
    """Draw and write the report of the run that was loaded; returns where it is.

    `marts`: name → key of the exported Parquet. `index.json` comes last: whoever finds it finds all that it
    names. Safe to run again: the same objects over the same keys. Raises RunGone if the run was removed
    meanwhile: nothing is written beside a run that is not there.
    """
    started = time.monotonic()
    prefix = Prefix(loaded["dataset"], loaded["run"])
    _still_there(bucket, prefix)
    rows = exported_marts.read(bucket, marts)
    created_at = datetime.now(UTC).isoformat(timespec="seconds")
    pictures: dict[tuple[str, str], str] = {}
    charts = []
    if loaded["rows"]:
        about = f"{loaded['rows']:,} fires of {loaded['dataset']}, run {loaded['run']}\n{_SOURCE}"
        charts = [_draw(bucket, prefix, figure, rows, about, pictures) for figure in FIGURES]
    _put(bucket, prefix, "index.html", html.render(rows, pictures, loaded, created_at).encode())
    parquet = sorted(key.removeprefix(prefix.report) for key in marts.values())
    index = {"created_at": created_at, "charts": charts, "marts": parquet}
    bucket.put_json(f"{prefix.report}index.json", index)
    _still_there(bucket, prefix)
    log.info("the report is %s", bucket.uri(f"{prefix.report}index.html"))
    return {
        "report": bucket.uri(f"{prefix.report}index.html"),
        "charts": len(charts),
        "seconds": round(time.monotonic() - started, 3),
        "peak_rss_mb": peak_rss_mb(),
    }


def _still_there(bucket: Bucket, prefix: Prefix) -> None:
    """Leave nothing beside a run that retention removed meanwhile: who comes last sees the other."""
    if bucket.head(prefix.manifest) is None:
        for stored in list(bucket.objects(prefix.report)):
            bucket.delete(stored.key)
        raise RunGone("it was removed while its report was made", where=bucket.uri(prefix.manifest))


def keep_docs(bucket: Bucket, run: str, dataset: str, target: Path) -> None:
    """Put dbt's documentation, one page, beside the report."""
    _put(bucket, Prefix(dataset, run), "docs.html", (target / "static_index.html").read_bytes())


def _draw(
    bucket: Bucket,
    prefix: Prefix,
    figure: Any,
    rows: Mapping[str, Any],
    about: str,
    pictures: dict[tuple[str, str], str],
) -> dict[str, str]:
    """Write one figure in light and dark, as SVG and PNG; gives its entry in the index."""
    entry = {"name": figure.name, "title": figure.title}
    for look, mark in ((theme.LIGHT, ""), (theme.DARK, "dark_")):
        spec = theme.finished(figure.draw(rows, look), figure.title, about, look)
        pictures[figure.name, look.name] = theme.svg(spec)
        suffix = "_dark" if mark else ""
        for kind, content in (("svg", pictures[figure.name, look.name].encode()), ("png", theme.png(spec))):
            entry[f"{mark}{kind}"] = _put(bucket, prefix, f"{figure.name}{suffix}.{kind}", content)
    return entry


def _put(bucket: Bucket, prefix: Prefix, name: str, content: bytes) -> str:
    """Write an object of the report; gives its name there."""
    bucket.put_bytes(prefix.report + name, content, _TYPES[Path(name).suffix])
    return name
