"""The endpoints under /api."""

import asyncio
from collections.abc import Iterator
from datetime import date
from typing import Annotated

import orjson
from fastapi import APIRouter, Depends, HTTPException, Query, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse

from services.wildfires_api.dates import ByDate
from services.wildfires_api.row_stream import RowStream
from services.wildfires_api.snapshot import Snapshot, SnapshotFolder

MAX_DELAY_SECONDS = 60
ROWS_PER_BLOCK = 500  # parsed or looked up at a time

router = APIRouter(prefix="/api")


async def _current(request: Request) -> Snapshot:
    data: SnapshotFolder = request.app.state.data
    return data.current()


async def _limit(
    request: Request,
    limit: Annotated[
        int, Query(ge=0, description="how many rows at most; the server sets the largest (--max-limit)")
    ],
) -> int:
    largest = request.app.state.max_limit
    if limit > largest:
        raise HTTPException(422, f"limit: {limit} is above {largest}, the largest that --max-limit allows")
    return limit


Current = Annotated[Snapshot, Depends(_current)]
Limit = Annotated[int, Depends(_limit)]
Start = Annotated[
    int, Query(ge=0, description="number of the first row, from 0; beyond the end there are no rows")
]
Since = Annotated[date | None, Query(description="discovered on this day or later, such as 2015-01-31")]
Until = Annotated[date | None, Query(description="discovered before this day")]
Delay = Annotated[float, Query(ge=0, le=MAX_DELAY_SECONDS, description="seconds to wait before answering")]
Seed = Annotated[int, Query(description="the same seed draws the same rows of the same version")]
Columns = Annotated[list[str], Query(description="column names: repeated, or separated by commas")]


@router.put("/as_of", include_in_schema=False)
async def as_of(request: Request, day: Annotated[date | None, Query()] = None) -> dict[str, str | None]:
    """Serve what was known on the morning of `day`: late and corrected rows come a week later. None: all."""
    request.app.state.as_of = day
    return {"as_of": day.isoformat() if day else None}


@router.get("/count", response_model=int)
async def count(request: Request, snapshot: Current, since: Since = None, until: Until = None) -> Response:
    """The number of rows, as a bare JSON number; with `since` and `until` of those discovered then."""
    if by_date := _by_date(request, snapshot, since, until):
        return _fact(by_date.count(since, until), snapshot, request)
    return _fact(snapshot.meta.count, snapshot, request)


@router.get("/count_small", response_model=int)
async def count_small(request: Request, snapshot: Current) -> Response:
    """The number of rows of the small dataset, as a bare JSON number."""
    return _fact(snapshot.meta.small, snapshot, request)


@router.get("/get_columns", response_model=list[str])
async def get_columns(request: Request, snapshot: Current) -> Response:
    """The names of the columns, in order."""
    return _fact(snapshot.meta.columns, snapshot, request)


@router.get("/get", response_class=Response)
async def get(
    request: Request,
    snapshot: Current,
    start: Start,
    limit: Limit,
    since: Since = None,
    until: Until = None,
) -> Response:
    """Rows [start, start + limit) of the whole dataset; with `since` and `until` of those discovered then."""
    if by_date := _by_date(request, snapshot, since, until):
        rows = by_date.rows(since, until, start, limit, ROWS_PER_BLOCK)
        return RowStream(request, rows, None, _about(snapshot, request))
    return _page(request, snapshot, start, limit, snapshot.meta.count)


@router.get("/get_small", response_class=Response)
async def get_small(request: Request, snapshot: Current, start: Start, limit: Limit) -> Response:
    """Rows [start, start + limit) of the small dataset: the first rows of the whole one."""
    return _page(request, snapshot, start, limit, snapshot.meta.small)


@router.get("/get_with_delay", response_class=Response)
async def get_with_delay(request: Request, start: Start, limit: Limit, delay: Delay = 5) -> Response:
    """As /api/get, after `delay` seconds."""
    await asyncio.sleep(delay)
    snapshot = await _current(request)  # not before: the data may have been replaced meanwhile
    return _page(request, snapshot, start, limit, snapshot.meta.count)


@router.get("/get_for_columns", response_class=Response)
async def get_for_columns(
    request: Request,
    snapshot: Current,
    start: Start,
    limit: Limit,
    columns: Columns = [],  # noqa: B006 (never changed; FastAPI wants a list)
) -> Response:
    """Rows with chosen columns only, in the order asked; without columns, a redirect to /api/get."""
    names = (name.strip() for item in columns for name in item.split(","))
    wanted = list(dict.fromkeys(name for name in names if name))
    if not wanted:
        whole = f"{request.scope.get('root_path', '')}/api/get?start={start}&limit={limit}"
        return RedirectResponse(whole, 303, _about(snapshot, request))
    if unknown := [name for name in wanted if name not in snapshot.meta.columns]:
        raise HTTPException(422, f"columns: no {', '.join(unknown)}; /api/get_columns lists the columns")
    rows = _project(snapshot.lines(start, limit, ROWS_PER_BLOCK), wanted)
    return RowStream(request, rows, None, _about(snapshot, request))


@router.get("/sample", response_class=Response)
async def sample(request: Request, snapshot: Current, limit: Limit, seed: Seed = 0) -> Response:
    """Rows drawn at random, none twice."""
    return RowStream(request, snapshot.sample(limit, seed, ROWS_PER_BLOCK), None, _about(snapshot, request))


def _by_date(request: Request, snapshot: Snapshot, since: date | None, until: date | None) -> ByDate | None:
    """The rows by date; None: neither the request nor the server asks for these."""
    known = request.app.state.as_of
    return ByDate(snapshot, known) if since or until or known else None


def _fact(value: object, snapshot: Snapshot, request: Request) -> Response:
    headers = _about(snapshot, request) | {"Cache-Control": "no-cache"}
    asked = [tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")]
    if "*" in asked or headers["ETag"].removeprefix("W/") in asked:
        return Response(status_code=304, headers=headers)
    return JSONResponse(value, headers=headers)


def _page(request: Request, snapshot: Snapshot, start: int, limit: int, count: int) -> Response:
    begin, end = snapshot.byte_range(start, limit, count)
    return RowStream(request, snapshot.slices(begin, end), end - begin, _about(snapshot, request))


def _about(snapshot: Snapshot, request: Request) -> dict[str, str]:
    """The headers of every answer: the data's version, and what its rows are."""
    # Weak: an array, its NDJSON and their gzip forms are the same version in other bytes.
    known = request.app.state.as_of
    version = f"{snapshot.meta.version}{f'-{known}' if known else ''}"
    return {"ETag": f'W/"{version}"', "Data-Provenance": snapshot.meta.provenance}


def _project(blocks: Iterator[bytes], columns: list[str]) -> Iterator[bytes]:
    for block in blocks:
        rows = orjson.loads(b"[" + block[:-1].replace(b"\n", b",") + b"]")
        yield b"".join(
            orjson.dumps({name: row[name] for name in columns}, option=orjson.OPT_APPEND_NEWLINE)
            for row in rows
        )
