"""A source over real HTTP/1.1 that serves a table of rows, records what it is asked, and fails when told to.

with ScriptedSource([{"id": 1}, {"id": 2}], rows_key="items", total_key="total") as source:
    source.fault(Fault.status(429, Retry_After="0"), times=2)
    ... requests.get(f"{source.url}/api/get", params={"start": 0, "limit": 2})
    assert [r.status for r in source.requests] == [429, 429, 200]
"""

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from tests.servers.answers import Shape
from tests.servers.faults import Fault, Row
from tests.servers.http_server import Request, Server

RowMaker = Callable[[int], Row]


@dataclass
class _Queued:
    fault: Fault
    times: int | None
    when: Callable[[Request], bool] | None


class ScriptedSource(Shape):
    """Serves ``rows``, a sequence or (with ``count``) a function of the index, on a free port of 127.0.0.1.

    Keyword arguments are the fields of ``Shape``. Everything may be changed while it runs:
    ``source.rows = ...`` and ``source.version = ...`` make a source that changes between two requests.
    """

    def __init__(self, rows: Sequence[Row] | RowMaker = (), count: int | None = None, **shape: Any) -> None:
        super().__init__(**shape)
        if callable(rows) and count is None:
            raise TypeError("a function of rows needs count=")
        self.rows = rows
        self.count = count
        self.requests: list[Request] = []
        self.closing = threading.Event()
        self._faults: list[_Queued] = []
        self._lock = threading.Lock()
        self._server = Server(self)
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )
        self._thread.start()

    @property
    def port(self) -> int:
        """The TCP port it listens on."""
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        """Its address without a path."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def total(self) -> int:
        """How many rows it has: ``count`` if given, so that a source can also lie about them."""
        return len(self.rows) if self.count is None else self.count  # type: ignore[arg-type]

    @property
    def row_requests(self) -> list[Request]:
        """The requests for rows, in order of arrival."""
        return [request for request in self.requests if request.asks_for == "rows"]

    def fault(
        self, fault: Fault, times: int | None = 1, when: Callable[[Request], bool] | None = None
    ) -> "ScriptedSource":
        """Queue a fault for the next ``times`` requests (None: all) for which ``when`` holds.

        Without ``when`` a fault meets requests for rows only. One fault an answer, in the order of queueing.
        """
        with self._lock:
            self._faults.append(_Queued(fault, times, when))
        return self

    def heal(self) -> None:
        """Forget the faults that are still queued."""
        with self._lock:
            self._faults.clear()

    def take_fault(self, request: Request) -> Fault | None:
        """Record the request and return the fault that meets it."""
        with self._lock:
            self.requests.append(request)
            for queued in self._faults:
                meets = queued.when(request) if queued.when else request.asks_for == "rows"
                if not meets or queued.times == 0:
                    continue
                if queued.times is not None:
                    queued.times -= 1
                return queued.fault
        return None

    def window_rows(self, indices: range) -> Iterable[Row]:
        """The rows at these indices, one by one."""
        rows = self.rows
        if callable(rows):
            return (rows(index) for index in indices)
        return (rows[index] for index in indices if index < len(rows))

    def close(self) -> None:
        """Stop at once, also in the middle of answers."""
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._server.drop_connections()
        self._thread.join()

    def __enter__(self) -> "ScriptedSource":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
