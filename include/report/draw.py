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
from include.report.origin import Origin
from include.report.pictures import Picture
from include.transfer.commit.manifest import Manifest
from include.transfer.memory import peak_rss_mb
from include.transfer.store.bucket import Bucket
from include.transfer.store.keys import Prefix

log = logging.getLogger(__name__)

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
    origin = Origin.of(Manifest.from_dict(bucket.get_json(prefix.manifest), prefix))
    rows = exported_marts.read(bucket, marts)
    created_at = datetime.now(UTC).isoformat(timespec="seconds")
    name = f"{loaded['dataset']} {loaded.get('partition', '')}".strip()
    of = f"{loaded['rows']:,} rows of {name}, run {prefix.run[:15]}"
    figures = FIGURES if loaded["rows"] else ()
    pictures = [Picture.of(figure, rows, origin, [of]) for figure in figures]
    charts = [_stored(bucket, prefix, picture) for picture in pictures]
    _put(bucket, prefix, "index.html", html.render(rows, pictures, loaded, origin, created_at).encode())
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


def _stored(bucket: Bucket, prefix: Prefix, picture: Picture) -> dict[str, str]:
    """Write one chart in light and dark, as SVG and PNG; gives its entry in the index."""
    entry = {"name": picture.figure.name, "title": picture.heading.title}
    for look, mark in ((theme.LIGHT, ""), (theme.DARK, "dark_")):
        name = f"{picture.figure.name}{'_dark' if mark else ''}"
        svg, png = picture.svg(look, theme.WIDE), theme.png(picture.spec(look, theme.WIDE))
        entry[f"{mark}svg"] = _put(bucket, prefix, f"{name}.svg", svg.encode())
        entry[f"{mark}png"] = _put(bucket, prefix, f"{name}.png", png)
    return entry


def _put(bucket: Bucket, prefix: Prefix, name: str, content: bytes) -> str:
    """Write an object of the report; gives its name there."""
    bucket.put_bytes(prefix.report + name, content, _TYPES[Path(name).suffix])
    return name
