"""The written page, docs/scale.md, and its picture."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import vl_convert
from jinja2 import StrictUndefined, Template

from include.pools import wanted
from services.local.airflow_env import PARALLELISM
from tests.scale.measuring import CPU, REQUESTS, Measured
from tests.scale.model import COMPUTED, Model, cost_of, fitted

PAGE, PICTURE = "scale.md", "scale.svg"
PROGRAMS = {"api-server": "API server", "postgres": "database", "s3": "store", "api": "sample API"}
PROGRAMS |= {"dag-processor": "DAG processor"}
LARGE_ROWS, LARGE_MAPS = (100_000_000, 1_000_000_000), 1_000
MACHINES = {"one machine": (2, 8, 32), "4 workers of 4 cores": (16,), "16 workers of 8 cores": (128,)}


@dataclass(frozen=True)
class Series:
    """Runs by rows and by maps, each from small to large, and how many rows a batch of the first has."""

    by_rows: Sequence[Measured]
    by_maps: Sequence[Measured]
    batch_rows: int

    @property
    def held_back(self) -> tuple[Measured, Measured]:
        """The largest of each: a model that does not know them is tried on them."""
        return self.by_rows[-1], self.by_maps[-1]

    def models(self, but: Sequence[Measured] = ()) -> dict[str, Model]:
        """Fitted to all runs, `but` for some."""
        known = [run for run in (*self.by_rows, *self.by_maps) if run not in but]
        return {name: fitted(known, name) for name in ("seconds", "computed", *CPU, *REQUESTS)}


def write(folder: Path, series: Series, others: Sequence[Measured], about: Mapping[str, str]) -> list[str]:
    """Write page and picture into the folder; returns what is wrong with the runs, which the page says too.

    `others`: what was measured besides, of which only the seconds and the findings are told.
    """
    models, tried = series.models(), series.models(but=series.held_back)
    runs = (*series.by_rows, *series.by_maps, *others)
    findings = list(dict.fromkeys(each for run in runs for each in run.findings))
    source = Path(__file__).with_name("scale.md.jinja").read_text()
    page = Template(source, trim_blocks=True, keep_trailing_newline=True, undefined=StrictUndefined)
    sizes = [run.rows for run in series.by_rows if run.rows < LARGE_ROWS[0]]
    text = page.render(
        series=series,
        models=models,
        tried=tried,
        others=others,
        about=about,
        findings=findings,
        batches={rows: max(series.batch_rows, -(-rows // LARGE_MAPS)) for rows in (*sizes, *LARGE_ROWS)},
        machines=[(name, cores) for name, each in MACHINES.items() for cores in each],
        large_rows=LARGE_ROWS,
        large_maps=LARGE_MAPS,
        cores=os.cpu_count() or 1,
        slots=wanted()["copies_large"]["slots"],
        parallelism=PARALLELISM,
        cost_of=cost_of,
        computed=COMPUTED,
        cpu=CPU,
        requests=REQUESTS,
        program=lambda name: PROGRAMS.get(name, name),
        each_map=lambda name, run: run.costs[name] / run.maps,
        duration=duration,
    )
    folder.mkdir(parents=True, exist_ok=True)
    (folder / PAGE).write_text(text)
    (folder / PICTURE).write_text(vl_convert.vegalite_to_svg(_picture(series, tried["seconds"])))
    return findings


def duration(seconds: float) -> str:
    """As a person says it: 42 s, 12 min, 3.4 h."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7_200 else f"{seconds / 3_600:.1f} h"


def _picture(series: Series, model: Model) -> dict[str, Any]:
    """Wall time over rows and over maps, measured and by the model: Vega-Lite."""

    def panel(title: str, runs: Sequence[Measured], of: str) -> dict[str, Any]:
        values = [
            {"x": getattr(run, of), "seconds": run.costs["seconds"], "model": model.at(run.rows, run.maps)}
            | {"what": "measured, held back" if run in series.held_back else "measured"}
            for run in runs
        ]
        x = {"field": "x", "type": "quantitative", "title": title, "scale": {"type": "log"}}
        y = {"type": "quantitative", "title": "seconds", "scale": {"type": "log"}}
        color = {"field": "what", "title": None, "scale": {"range": ["#c4511d", "#1d6fc4"]}}
        points = {"y": {**y, "field": "seconds"}, "color": color}
        return {
            "width": 320,
            "data": {"values": values},
            "encoding": {"x": x},
            "layer": [
                {"mark": {"type": "line", "color": "#b8bcc2"}, "encoding": {"y": {**y, "field": "model"}}},
                {"mark": {"type": "point", "filled": True, "size": 70}, "encoding": points},
            ],
        }

    panels = [panel("rows", series.by_rows, "rows"), panel("maps", series.by_maps, "maps")]
    return {"title": "Wall time, and the model's line", "background": "white", "hconcat": panels}
