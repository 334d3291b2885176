"""A source of as many rows as one likes that keeps none of them: `python -m tests.servers.endless PORT ROWS`.

It answers as the sample API does (`/api/count`, `/api/get?start=&limit=`): real wildfires again and again,
each time under other numbers. `/requests` says how many requests it has answered, those for it left out.
"""

import contextlib
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

from tests.real_fires import real_fires


def _line(fire: dict[str, object]) -> bytes:
    """The row as JSON, with a place for the number that makes it unique."""
    rest = json.dumps(
        {name: value for name, value in fire.items() if name != "FOD_ID"}, separators=(",", ":")
    )
    return b'{"FOD_ID":%d,' + rest[1:].replace("%", "%%").encode()


LINES = [_line(fire) for fire in real_fires()]
BLOCK = len(LINES)  # rows made at a time
WHOLE = b",".join(LINES)  # filled in at once, which is several times as fast as row by row


def block(start: int, stop: int) -> bytes:
    """Rows [start, stop), at most BLOCK, with commas between them."""
    at, count = start % BLOCK, stop - start
    lines = WHOLE if (at, count) == (0, BLOCK) else b",".join((LINES[at:] + LINES[:at])[:count])
    return lines % tuple(range(start, stop))


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.0"  # the end of the connection is the end of the body
    rows = 0
    answered = 0
    counting = threading.Lock()

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""

    def do_GET(self) -> None:
        split = urlsplit(self.path)
        query = dict(parse_qsl(split.query))
        if split.path != "/requests":
            with self.counting:
                Handler.answered += 1
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("ETag", f'"rows-{self.rows}"')
        self.end_headers()
        with contextlib.suppress(OSError):  # who has read enough may leave
            if split.path == "/requests":
                self.wfile.write(b"%d" % self.answered)
            elif split.path == "/api/count":
                self.wfile.write(b"%d" % self.rows)
            else:
                self._rows(int(query["start"]), int(query["limit"]))

    def _rows(self, start: int, limit: int) -> None:
        stop = min(start + limit, self.rows)
        between = b"["
        for first in range(start, stop, BLOCK):
            self.wfile.write(between + block(first, min(first + BLOCK, stop)))
            between = b","
        self.wfile.write(b"]" if start < stop else b"[]")


def main(port: int, rows: int) -> None:
    Handler.rows = rows
    ThreadingHTTPServer.request_queue_size = 64
    with contextlib.suppress(KeyboardInterrupt):
        ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
