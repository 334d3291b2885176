"""What each fault makes of an answer: another answer, another way to the client, or other bytes."""

from __future__ import annotations

import gzip
import re
import socket
import struct
import time
from collections.abc import Callable
from dataclasses import replace

from tests.faults import weather as w
from tests.faults.messages import LOOP_PATH, Answer

STALL_SECONDS = 1.5
DRIP_SECONDS = 1.0
_XML = '<?xml version="1.0" encoding="UTF-8"?><Error><Code>{0}</Code><Message>{0}</Message></Error>'


def reset(client: socket.socket) -> None:
    """End the connection with RST instead of FIN."""
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


def _cut(client: socket.socket, answer: Answer) -> None:
    client.sendall(answer.head() + answer.body[: len(answer.body) // 2])
    time.sleep(0.05)  # a reset at once would also destroy what is on its way
    reset(client)


def _stall(client: socket.socket, answer: Answer) -> None:
    client.sendall(answer.head() + answer.body[: len(answer.body) // 3])
    time.sleep(STALL_SECONDS)


def _drip(client: socket.socket, answer: Answer) -> None:
    client.sendall(answer.head())
    size = max(1, len(answer.body) // 20)
    for start in range(0, len(answer.body), size):
        client.sendall(answer.body[start : start + size])
        time.sleep(DRIP_SECONDS / 20)


def _with_bad_utf8(answer: Answer) -> Answer:
    middle = answer.body.find(b'"', len(answer.body) // 2) + 1
    return replace(answer, body=answer.body[:middle] + b"\xff" + answer.body[middle:])


def _with_short_gzip(answer: Answer) -> Answer:
    """Two thirds of a gzip stream, in an answer that ends properly."""
    packed = answer.body if _is_gzip(answer) else gzip.compress(answer.body, 1)
    headers = [pair for pair in answer.headers if pair[0].lower() != "content-encoding"]
    body = packed[: len(packed) * 2 // 3]
    return replace(answer, headers=[*headers, ("Content-Encoding", "gzip")], body=body)


def _is_gzip(answer: Answer) -> bool:
    return ("content-encoding", "gzip") in [(name.lower(), value) for name, value in answer.headers]


def _of_a_moment_ago(answer: Answer) -> Answer:
    """A listing without what was written last: here, without the second half of its keys."""
    keys = re.findall(rb"<Contents>.*?</Contents>", answer.body, re.DOTALL)
    body = answer.body
    for key in keys[len(keys) // 2 :]:
        body = body.replace(key, b"", 1)
    return replace(answer, body=body)


def _s3_error(status: int, code: str) -> Answer:
    return Answer(status, [("Content-Type", "application/xml")], _XML.format(code).encode())


_PAGE = b"<!doctype html><html><head><title>Sign in</title></head><body>Please sign in.</body></html>"
INSTEAD: dict[str | None, Answer] = {
    w.HTML: Answer(200, [("Content-Type", "text/html")], _PAGE),
    w.LOOP: Answer(302, [("Location", LOOP_PATH)], b""),
    w.TOO_MANY: Answer(429, [], b""),
    w.TOO_MANY_SOON: Answer(429, [("Retry-After", "1")], b""),
    w.TOO_MANY_LATE: Answer(429, [("Retry-After", "600")], b""),
    **{kind: Answer(code, [], b"") for kind, code in w.STATUSES.items()},
    w.SLOW_DOWN: _s3_error(503, "SlowDown"),
    w.NO_PARTS: _s3_error(501, "NotImplemented"),
    w.DISK_FULL: _s3_error(507, "XMinioStorageFull"),
    w.INTERNAL: _s3_error(500, "InternalError"),
}
TRAVEL: dict[str | None, Callable[[socket.socket, Answer], None]] = {
    w.CUT: _cut,
    w.READ_CUT: _cut,
    w.STALL: _stall,
    w.DRIP: _drip,
}
CHANGED: dict[str | None, Callable[[Answer], Answer]] = {
    w.TRUNCATED: lambda answer: replace(answer, body=answer.body[: len(answer.body) * 2 // 3]),
    w.TOO_LONG: lambda answer: replace(answer, length=len(answer.body) + 100),
    w.TOO_SHORT: lambda answer: replace(answer, length=len(answer.body) * 2 // 3),
    w.GZIP_CUT: _with_short_gzip,
    w.LIST_LAGS: _of_a_moment_ago,
    w.BAD_UTF8: _with_bad_utf8,
}
