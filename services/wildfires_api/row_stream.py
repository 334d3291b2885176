"""Answers that stream rows in flat memory, as a JSON array or NDJSON; never too many at once."""

from collections.abc import Iterator

from starlette.requests import Request
from starlette.responses import JSONResponse, StreamingResponse
from starlette.types import Receive, Scope, Send

JSON, NDJSON = "application/json", "application/x-ndjson"
RETRY_AFTER_SECONDS = 2


class StreamLimit:
    """How many streams may be under way at once, and how many are."""

    def __init__(self, most: int) -> None:
        self.most, self.active = most, 0


class RowStream(StreamingResponse):
    """Streams rows given as newline-terminated JSON objects, `pieces` cut anywhere.

    `size` is their number of bytes when it is known before they are read: it makes a Content-Length, so
    that a client can tell a cut answer from a whole one. 503 when as many streams as allowed are under way.
    """

    def __init__(
        self, request: Request, pieces: Iterator[bytes], size: int | None, headers: dict[str, str]
    ) -> None:
        ndjson = NDJSON in request.headers.get("accept", "")
        if size is not None:
            headers["Content-Length"] = str(size if ndjson else max(size + 1, len(b"[]")))
        body = pieces if ndjson else as_json_array(pieces)
        super().__init__(
            iter(()) if request.method == "HEAD" else body,
            headers=headers | {"Vary": "Accept"},
            media_type=NDJSON if ndjson else JSON,
        )
        self._limit: StreamLimit = request.app.state.stream_limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        limit = self._limit
        if limit.active >= limit.most:
            detail = f"{limit.most} answers are being streamed, the most that --max-concurrency allows."
            retry = {"Retry-After": str(RETRY_AFTER_SECONDS)}
            await JSONResponse({"detail": detail}, 503, headers=retry)(scope, receive, send)
            return
        limit.active += 1
        try:
            await super().__call__(scope, receive, send)
        finally:
            limit.active -= 1


def as_json_array(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The same rows as one JSON array: one byte longer than the lines, `[]` when there are none.

    No newline stands inside a row (JSON escapes it), so every newline ends one and becomes a comma.
    """
    pending = None
    for piece in pieces:
        yield b"[" if pending is None else pending
        pending = piece.replace(b"\n", b",")
    yield b"[]" if pending is None else pending[:-1] + b"]"
