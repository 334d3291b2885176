"""The HTTP API over one snapshot folder: how it is put together, and its pages."""

import html
from pathlib import Path
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse
from fastapi.routing import APIRoute
from starlette.middleware.gzip import GZipMiddleware

from services.wildfires_api import routes
from services.wildfires_api.row_stream import StreamLimit
from services.wildfires_api.snapshot import SnapshotFolder

DESCRIPTION = """Wildfire records, one JSON object a fire.

Answers under /api carry an ETag that names the data's version, and say in Data-Provenance what its rows are:
generated, or of which file. Rows keep their order within a version.
`Accept: application/x-ndjson` gives one row a line instead of an array; `Accept-Encoding: gzip` is honoured.
`since` and `until` ask for the rows discovered between two days. `PUT /api/as_of?day=2003-05-20` lets the
server play that day: what was discovered later is not there yet, and of the last week some rows are missing
or not in their last form.
Above the bound of concurrent streams the answer is 503 with Retry-After."""
GZIP_LEVEL = 1  # about three times faster than the default for a quarter more bytes
EXAMPLES = {
    "/api/get": "?start=0&limit=10",
    "/api/get_small": "?start=0&limit=10",
    "/api/get_for_columns": "?start=0&limit=10&columns=FIRE_YEAR&columns=STATE",
    "/api/get_with_delay": "?start=0&limit=10&delay=1",
    "/api/sample": "?limit=10&seed=1",
}

pages = APIRouter()


def create_app(folder: Path, max_limit: int, max_concurrency: int) -> FastAPI:
    """The API over `folder`; `max_limit` rows at most in one answer, `max_concurrency` streams at once.

    Raises SnapshotMissing, or SnapshotError when the folder's files do not belong together.
    """
    # FastAPI's own documentation pages load scripts from a CDN; /openapi.json and / need none.
    app = FastAPI(title="Wildfires API", version="1", docs_url=None, redoc_url=None, description=DESCRIPTION)
    app.state.data = SnapshotFolder(folder)
    app.state.as_of = None
    app.state.max_limit = max_limit
    app.state.stream_limit = StreamLimit(max_concurrency)
    app.add_exception_handler(RequestValidationError, _unprocessable)
    app.add_middleware(GZipMiddleware, compresslevel=GZIP_LEVEL)
    for route in _endpoints():
        # HEAD apart from GET, so that the schema names each operation once.
        app.add_api_route(
            route.path,
            route.endpoint,
            methods=["HEAD"],
            include_in_schema=False,
            response_class=route.response_class,
        )
    app.include_router(routes.router)
    app.include_router(pages)
    return app


def _endpoints() -> list[APIRoute]:
    found = [route for route in (*routes.router.routes, *pages.routes) if isinstance(route, APIRoute)]
    return [route for route in found if "GET" in route.methods]


async def _unprocessable(_: Request, error: Exception) -> JSONResponse:
    """422 with every reason in one line a person can read."""
    if not isinstance(error, RequestValidationError):
        raise error
    reasons = []
    for found in error.errors():
        given = "" if found["type"] == "missing" else f", not {found['input']!r}"
        reasons.append(f"{'.'.join(map(str, found['loc'][1:]))}: {found['msg']}{given}")
    return JSONResponse({"detail": "; ".join(reasons)}, 422)


@pages.get("/health")
async def health(request: Request) -> dict[str, Any]:
    """200 with the number of rows and the data's version."""
    meta = request.app.state.data.current().meta
    return {"status": "ok", "count": meta.count, "version": meta.version}


@pages.get("/", response_class=HTMLResponse)
async def welcome(request: Request) -> str:
    """What is served, with links."""
    meta = request.app.state.data.current().meta
    links = "".join(
        f"<li><a href='{route.path.lstrip('/') or '.'}{EXAMPLES.get(route.path, '')}'>{route.path}</a>: "
        f"{route.description}</li>"
        for route in _endpoints()
    )
    return (
        "<!doctype html><meta charset=utf-8><title>Wildfires API</title><h1>Wildfires API</h1>"
        f"<p>{meta.count:,} rows, version {meta.version}, {html.escape(meta.provenance)}.</p><ul>{links}</ul>"
        "<p>Described for programs in <a href='openapi.json'>openapi.json</a>.</p>"
    )
