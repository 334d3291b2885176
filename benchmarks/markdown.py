"""The written page, docs/benchmarks.md, and its picture."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import vl_convert
from jinja2 import StrictUndefined, Template

from benchmarks.bars import BARE_DAG, COPY_DAG, NO_OP_DAG, SEED_DAG, Verdict
from benchmarks.samples import Samples

PAGE, PICTURE = "benchmarks.md", "benchmarks.svg"
WAYS = {"copy": "this project's copy", "unproven": "the same without hashes", "seed": "the seed's way"}
WAYS |= {"dlt": "dlt", "http_to_s3": "HttpToS3Operator", "pipe": "bytes piped unread"}
WAYS |= {"bare_loop": "a bare loop"}
DAGS = {COPY_DAG: "this project's DAG", SEED_DAG: "the seed's DAG", NO_OP_DAG: "maps that do nothing"}
DAGS |= {BARE_DAG: "maps of bare loops"}


def write(folder: Path, samples: Samples, verdicts: Sequence[Verdict], about: Mapping[str, str]) -> None:
    source = Path(__file__).with_name("benchmarks.md.jinja").read_text()
    page = Template(source, trim_blocks=True, keep_trailing_newline=True, undefined=StrictUndefined)
    sizes = sorted({case.rows for case in samples.cases("process")})
    text = page.render(samples=samples, verdicts=verdicts, about=about, sizes=sizes, ways=WAYS, dags=DAGS)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / PAGE).write_text(text)
    (folder / PICTURE).write_text(vl_convert.vegalite_to_svg(_picture(samples, sizes[-1])))


def _picture(samples: Samples, rows: int) -> dict[str, Any]:
    """Rows a second, and the memory that they took, by format and way, the best first: Vega-Lite."""
    measures = {"rows/s": "rows_per_second", "peak memory, MB": "peak_mb"}
    values = [
        {"format": case.format, "way": WAYS[case.way], "ours": case.way == "copy"}
        | {title: samples.spread(case, measure).median for title, measure in measures.items()}
        for case in samples.cases("process")
        if case.rows == rows and case.way in {*WAYS} - {"unproven"}
    ]

    def panel(title: str, sort: str) -> dict[str, Any]:
        encoding = {
            "row": {"field": "format", "title": None},
            "y": {"field": "way", "sort": sort, "title": None},
            "x": {"field": title, "type": "quantitative", "axis": {"tickCount": 5}},
            "color": {"field": "ours", "scale": {"range": ["#b8bcc2", "#c4511d"]}, "legend": None},
        }
        return {"mark": "bar", "encoding": encoding, "resolve": {"scale": {"y": "independent"}}}

    head = {"title": f"One batch of {rows:,} rows", "background": "white", "data": {"values": values}}
    return head | {"hconcat": [panel("rows/s", "-x"), panel("peak memory, MB", "x")]}
