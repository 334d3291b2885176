"""A source of as many rows as one likes that keeps none of them: `python -m tests.servers.endless PORT ROWS`.

It answers as the sample API does (`/api/count`, `/api/get?start=&limit=`); a row follows from its number.
"""

import contextlib
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

BLOCK = 2_000  # rows made at a time
ROW = b'{"id":%d,"name":"fire %d","state":"CA","size":%d.25,"cause":"Lightning","note":null}'


def block(start: int, stop: int) -> bytes:
    """Rows [start, stop), with commas between them."""
    return b",".join(ROW % (n, n, n % 5_000) for n in range(start, stop))


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.0"  # the end of the connection is the end of the body
    rows = 0

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""

    def do_GET(self) -> None:
        split = urlsplit(self.path)
        query = dict(parse_qsl(split.query))
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("ETag", f'"rows-{self.rows}"')
        self.end_headers()
        with contextlib.suppress(OSError):  # who has read enough may leave
            if split.path == "/api/count":
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
