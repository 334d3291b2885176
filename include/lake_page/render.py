"""Templates: what a page needs to be drawn, and what a browser may do with it."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from include.lake_page import number_format

HERE = Path(__file__).parent
STATIC = HERE / "static"

# A page loads its own style, scripts and pictures, and asks only its own server; it may be framed by Airflow.
PAGE_CSP = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
    "frame-src 'self'; frame-ancestors 'self'; base-uri 'none'; form-action 'none'"
)
# A report may be styled and hold pictures; it runs nothing, and is a stranger to this origin.
REPORT_CSP = (
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data: 'self'; font-src data:; "
    "frame-ancestors 'self'; base-uri 'none'; form-action 'none'"
)
# dbt's documentation is a program in one page. It runs as such a stranger, too: without the user's cookies
# and storage, and it can ask no server for anything.
DOCS_CSP = (
    "sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; "
    "style-src 'unsafe-inline'; img-src data:; font-src data:; "
    "frame-ancestors 'self'; base-uri 'none'; form-action 'none'"
)


@cache
def _templates() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "rows": number_format.rows,
        "rate": number_format.rate,
        "size": number_format.size,
        "seconds": number_format.seconds,
        "mebibytes": number_format.mebibytes,
        "segment": lambda text: quote(str(text), safe=""),
    }
    return environment


def render(template: str, scope: Mapping[str, Any], **values: Any) -> str:
    """A page; `scope`: the request's ASGI scope: its root path tells where page and Airflow are."""
    root = str(scope.get("root_path") or "")
    airflow = root.removesuffix("/lake")
    return _templates().get_template(template).render(root=root, airflow=airflow, **values)
