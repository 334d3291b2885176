"""An API that filters by time, behind the transport of `requests`: no sockets, so that runs are quick."""

import io
import json
from collections.abc import Callable
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import requests
from requests.adapters import BaseAdapter
from urllib3 import HTTPResponse

from include.transfer.dataset import Dataset
from include.transfer.source.api import Api
from include.transfer.source.pace import Patience

Row = dict[str, Any]
Lies = Callable[[Row, dict[str, str]], bool]
QUICK = Patience(attempts=2, first_wait=0.001, longest_wait=0.001, longest_retry_after=0.01)


def lies_between(row: Row, query: dict[str, str]) -> bool:
    """What an honest server answers: `since` is closed, `until` open."""
    at = datetime.fromisoformat(row["at"])
    return all(
        (
            "since" not in query or datetime.fromisoformat(query["since"]) <= at,
            "until" not in query or at < datetime.fromisoformat(query["until"]),
        )
    )


class WindowedSource(BaseAdapter):
    """`GET /count` and `GET /get?start=…&limit=…`, both with `since` and `until`. `asked`: each request."""

    def __init__(self, rows: list[Row], lies: Lies = lies_between) -> None:
        super().__init__()
        self.rows, self.lies, self.counts = rows, lies, lies
        self.version: str | None = None
        self.asked: list[tuple[str, dict[str, str]]] = []

    def api(self, **settings: Any) -> Api:
        """A dataset of it, opened; windows of a day by the field `at`."""
        window = {"field": "at", "start": "2026-01-01", **settings.pop("window", {})}
        shape = {"format": "ndjson", "batch_size": 100, "key": ["id"], "window": window} | settings
        dataset = Dataset(name="fires", count_path="/count", rows_path="/get", **shape)
        api = Api(requests.Session(), "http://fires.example", dataset, QUICK)
        api._session.mount("http://", self)
        return api

    def send(self, request: requests.PreparedRequest, **_: Any) -> requests.Response:  # type: ignore[override]
        split = urlsplit(request.url or "")
        query = dict(parse_qsl(str(split.query)))
        self.asked.append((str(split.path), query))
        if split.path == "/count":
            found: Any = sum(self.counts(row, query) for row in self.rows)
        else:
            matching = [row for row in self.rows if self.lies(row, query)]
            start = int(query.get("start", 0))
            found = matching[start : start + int(query.get("limit", len(matching)))]
        return self._answer(request, found)

    def _answer(self, request: requests.PreparedRequest, found: Any) -> requests.Response:
        response = requests.Response()
        response.status_code, response.url, response.request = 200, str(request.url), request
        response.headers["Content-Type"] = "application/json"
        if self.version:
            response.headers["ETag"] = self.version
        body = io.BytesIO(json.dumps(found).encode())
        response.raw = HTTPResponse(body, headers=dict(response.headers), status=200, preload_content=False)
        return response

    def close(self) -> None:
        """Nothing is open."""
