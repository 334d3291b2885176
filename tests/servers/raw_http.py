"""A server that says what it is given, byte for byte: heads and bodies that no library writes."""

import contextlib
import socketserver
import threading
from collections.abc import Callable, Iterable
from typing import Any

Answer = Callable[[str], Iterable[bytes]]


class RawServer:
    """Calls `answer` with each request's target, sends what it yields and hangs up. `sent`: bytes in all."""

    def __init__(self, answer: Answer) -> None:
        self.targets: list[str] = []
        self.sent = 0
        outer = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                target = self.rfile.readline().decode("latin-1").split(" ")[1]
                while self.rfile.readline().strip():
                    pass
                outer.targets.append(target)
                with contextlib.suppress(OSError):  # who has read enough may leave
                    for piece in answer(target):
                        self.wfile.write(piece)
                        outer.sent += len(piece)

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True
            block_on_close = False

        self._server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )

    def __enter__(self) -> "RawServer":
        self._thread.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self._server.shutdown()
        self._server.server_close()


def says(head: str, body: bytes = b"") -> list[bytes]:
    """An answer with this status line and these headers, one a line."""
    lines = [*head.splitlines(), f"Content-Length: {len(body)}", "Connection: close", "", ""]
    return ["\r\n".join(lines).encode("latin-1"), body]
