"""No copy at all: the answer read and thrown away as fast as a socket gives it, to measure the API itself."""

from __future__ import annotations

from benchmarks.ways.measured import Job, Move, measure


def load(job: Job) -> Move:
    import http.client
    from urllib.parse import urlsplit

    parts = urlsplit(job["url"])
    buffer = bytearray(1 << 20)

    def move() -> dict[str, int]:
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port)
        connection.request("GET", f"/api/get?start={job['start']}&limit={job['rows']}")
        response = connection.getresponse()
        received = 0
        while count := response.readinto(buffer):
            received += count
        connection.close()
        return {"bytes": received}

    return move


if __name__ == "__main__":
    measure(load)
