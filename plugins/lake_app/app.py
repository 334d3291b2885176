"""The page's addresses. Each one asks Airflow who is there and what that user may read, then renders."""

from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

from airflow.api_fastapi.common.db.common import SessionDep
from airflow.api_fastapi.core_api.security import GetUserDep, requires_access_dag
from fastapi import Depends, FastAPI, HTTPException, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException as StarletteHTTPException

from include.lake_page import detail
from include.lake_page.render import DOCS_CSP, PAGE_CSP, REPORT_CSP, STATIC, render
from include.lake_page.stored_runs import is_object_name, is_report_name
from include.transfer.errors import TransferError
from plugins.lake_app.pages import Pages

MEDIA_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".json": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
}


def make_app() -> FastAPI:
    """The app that is served below /lake."""
    app = FastAPI(title="Lake", docs_url=None, redoc_url=None, openapi_url=None)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    app.middleware("http")(_guarded)
    app.add_exception_handler(StarletteHTTPException, _explained)
    may_look = [Depends(requires_access_dag("GET"))]
    for path, page in (
        ("/", overview),
        ("/datasets/{dataset}", dataset_runs),
        ("/runs/{dataset}/{run}", run_page),
        ("/runs/{dataset}/{run}/docs", run_docs),
        ("/runs/{dataset}/{run}/objects/{name:path}", run_object),
        ("/runs/{dataset}/{run}/report/{name}", run_report),
    ):
        app.get(path, dependencies=may_look, response_class=HTMLResponse)(page)
    return app


async def _guarded(request: Request, call_next: Any) -> Response:
    """Headers of every answer; what a page is allowed to load is this app's own alone."""
    response: Response = await call_next(request)
    response.headers.setdefault("Content-Security-Policy", PAGE_CSP)
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "same-origin"
    if not request.url.path.startswith(f"{request.scope.get('root_path', '')}/static/"):
        response.headers["Cache-Control"] = "no-store"
    return response


async def _explained(request: Request, error: Exception) -> Response:
    """An error as a page that says what to do."""
    status = getattr(error, "status_code", 500)
    detail_text = str(getattr(error, "detail", "") or "")
    html = render("error.html", request.scope, status=status, detail=detail_text)
    return HTMLResponse(html, status, headers=getattr(error, "headers", None))


def pages(session: SessionDep, user: GetUserDep) -> Pages:
    return Pages(session, user)


PagesDep = Annotated[Pages, Depends(pages)]
PageNumber = Annotated[int, Query(ge=1, le=10_000)]


def overview(request: Request, lake: PagesDep) -> HTMLResponse:
    return HTMLResponse(render("overview.html", request.scope, **lake.overview()))


def dataset_runs(request: Request, lake: PagesDep, dataset: str, page: PageNumber = 1) -> HTMLResponse:
    return HTMLResponse(render("dataset.html", request.scope, **lake.dataset(dataset, page)))


def run_page(
    request: Request,
    lake: PagesDep,
    dataset: str,
    run: str,
    sort: str = "start",
    order: str = "asc",
    page: PageNumber = 1,
) -> HTMLResponse:
    sort = sort if sort in detail.SORTS else "start"
    shown = lake.run(dataset, run, sort, order == "desc", page)
    return HTMLResponse(render("run.html", request.scope, **shown))


def run_object(lake: PagesDep, dataset: str, run: str, name: str) -> Response:
    """One object of a run, as a download."""
    if not is_object_name(name):
        raise HTTPException(404, "A run has no object of this name.")
    return _download(lake, dataset, run, name)


def run_docs(request: Request, lake: PagesDep, dataset: str, run: str) -> HTMLResponse:
    """dbt's documentation of a run's report, in a frame of this app's page."""
    return HTMLResponse(render("docs.html", request.scope, prefix=lake.prefix(dataset, run)))


def run_report(request: Request, lake: PagesDep, dataset: str, run: str, name: str) -> Response:
    """One object of a run's report. Its HTML was made elsewhere: it may load nothing and reach nothing."""
    if not is_report_name(name):
        raise HTTPException(404, "A report has no object of this name.")
    if name == "docs.html" and request.headers.get("Sec-Fetch-Dest") == "document":
        # A program in a window of its own could lead it to any site.
        return RedirectResponse("../docs", 303)
    media_type = MEDIA_TYPES.get(Path(name).suffix)
    response = _download(lake, dataset, run, f"_report/{name}", media_type)
    response.headers["Content-Security-Policy"] = DOCS_CSP if name == "docs.html" else REPORT_CSP
    return response


def _download(lake: Pages, dataset: str, run: str, name: str, media_type: str | None = None) -> Response:
    """Stream an object; shown in place where `media_type` is given, else saved."""
    try:
        stored, pieces = lake.object(dataset, run, name)
    except TransferError as error:
        raise HTTPException(503, str(error)) from error
    headers = {"Content-Length": str(stored.bytes)}
    if media_type is None:
        filename = quote(f"{dataset}-{run}-{Path(name).name}")
        headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{filename}"
    return StreamingResponse(pieces, media_type=media_type or "application/octet-stream", headers=headers)
