"""An answer is read as far as it can be of use, whatever its headers say of it."""

import gzip
import itertools
import zlib
from functools import cache

import pytest

from include.transfer.errors import BodyBroken, NotRows, SourceRefused, TransferError
from include.transfer.source.answers import LARGEST_COUNT_BYTES
from tests.servers.raw_http import RawServer
from tests.unit.transfer.test_redirects import api_at

MB = 1 << 20
ENDLESS = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


def blanks():
    return itertools.repeat(b" " * MB)


def chunked(pieces):
    for piece in pieces:
        yield b"%x\r\n%b\r\n" % (len(piece), piece)


def bomb():
    """Blanks for ever, a thousandth of their size."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    return (packer.compress(piece) + packer.flush(zlib.Z_SYNC_FLUSH) for piece in blanks())


COUNTS = {
    "without a length": lambda: itertools.chain([ENDLESS + b"\r\n"], blanks()),
    "longer than its length": lambda: itertools.chain(
        [ENDLESS + b"Content-Length: 99999999999\r\n\r\n"], blanks()
    ),
    "of two lengths": lambda: itertools.chain(
        [ENDLESS + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n"], chunked(blanks())
    ),
    "chunked": lambda: itertools.chain([ENDLESS + b"Transfer-Encoding: chunked\r\n\r\n"], chunked(blanks())),
    "one chunk": lambda: itertools.chain(
        [ENDLESS + b"Transfer-Encoding: chunked\r\n\r\nffffffffff\r\n"], blanks()
    ),
    "packed": lambda: itertools.chain([ENDLESS + b"Content-Encoding: gzip\r\n\r\n"], bomb()),
    "packed twice": lambda: [ENDLESS + b"Content-Encoding: gzip, gzip\r\n\r\n" + packed_twice()],
}


@cache
def packed_twice():
    return gzip.compress(gzip.compress(b" " * (256 * MB)))


@pytest.mark.parametrize("kind", COUNTS)
def test_a_count_without_end(kind):
    packed_twice()  # which may take longer than a client waits for an answer
    with RawServer(lambda _: COUNTS[kind]()) as server, pytest.raises(NotRows) as raised:
        api_at(server.url).count()
    assert f"{LARGEST_COUNT_BYTES >> 20} MB" in raised.value.got
    assert server.sent < 64 * MB


def test_a_count_of_fewer_bytes_than_it_says():
    with RawServer(lambda _: [ENDLESS + b"Content-Length: 9\r\n\r\n12"]) as server, pytest.raises(BodyBroken):
        api_at(server.url).count()


@pytest.mark.parametrize("status", ["302 Found\r\nLocation: /again", "401 No", "503 No"])
@pytest.mark.parametrize("length", ["X-Length: none", "Transfer-Encoding: chunked", "Content-Encoding: gzip"])
def test_what_stands_in_a_redirect_or_a_refusal(status, length):
    def answer(_):
        body = {"T": lambda: chunked(blanks()), "C": bomb}.get(length[0], blanks)
        return itertools.chain([f"HTTP/1.1 {status}\r\n{length}\r\n\r\n".encode()], body())

    with RawServer(answer) as server, pytest.raises((SourceRefused, TransferError)):
        api_at(server.url).count()
    assert server.sent < 64 * MB * len(server.targets)
