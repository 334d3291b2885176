"""Where a redirect may lead: to no address of an inner network, unless the connection is there.

An API could otherwise make a worker ask what only the worker reaches: its own services, a cloud's metadata.
All addresses of a name are looked at before a connection is made, and again the one that it was made to: a
name can have another a moment later. A proxy resolves names itself, so that its own rules decide on them;
addresses are refused there, too.
"""

import socket
from collections.abc import Callable, Iterable
from functools import cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from include.transfer.errors import SourceRefused

_NAT64 = IPv6Network("64:ff9b::/96")
_METADATA = {"100.100.100.200", "fd00:ec2::254"}  # of clouds, besides the link-local 169.254.169.254


class Guard:
    """Refuses addresses of the inside that are of another kind than those of the host `own`."""

    def __init__(self, own: str) -> None:
        self.own = own
        self._own_kinds = cache(lambda: {kind_of(address) for address in _resolved(own)})

    def check(self, host: str, addresses: Iterable[str]) -> None:
        """Raises SourceRefused for the first that is refused; `host`: what the redirect names."""
        for kind in map(kind_of, addresses):
            if kind and host != self.own and kind not in self._own_kinds():
                raise SourceRefused(
                    f"it redirects to {host}, a {kind} address",
                    fix="if that server is meant, set the connection's host to it",
                )

    def check_literal(self, host: str) -> None:
        """As `check`, where the host is an address, however written, or a name of this machine."""
        if host == "localhost" or host.endswith(".localhost"):
            self.check(host, ["127.0.0.1"])
        self.check(host, _literal(host))


def kind_of(address: str) -> str:
    """`loopback`, `link-local` or `private`; empty: an address of the internet."""
    ip = _inner(ip_address(address.partition("%")[0]))
    if str(ip) in _METADATA or ip.is_link_local:
        return "link-local"
    if ip.is_loopback or ip.is_unspecified:
        return "loopback"
    site_local = isinstance(ip, IPv6Address) and ip.is_site_local
    return "private" if not ip.is_global or ip.is_multicast or ip.is_reserved or site_local else ""


def _inner(ip: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The IPv4 address that one of IPv6 stands for."""
    if isinstance(ip, IPv6Address):
        if ip in _NAT64:
            return IPv4Address(int(ip) & 0xFFFFFFFF)
        return ip.ipv4_mapped or ip.sixtofour or ip
    return ip


def _literal(host: str) -> list[str]:
    try:
        return [str(ip_address(host.strip("[]").partition("%")[0]))]
    except ValueError:
        pass
    try:
        return [socket.inet_ntoa(socket.inet_aton(host))]  # 127.1, 0x7f000001: as the resolver reads them
    except (OSError, UnicodeError):
        return []


def _resolved(host: str) -> list[str]:
    try:
        found = socket.getaddrinfo(host.strip("[]"), None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    return [str(address[0]) for *_, address in found]


class GuardedAdapter(HTTPAdapter):
    """Connects to where `guard` allows; before a request is sent, and a second time when connected."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        super().__init__()

    def init_poolmanager(self, *args: Any, **named: Any) -> None:
        super().init_poolmanager(*args, **named)
        self.poolmanager.pool_classes_by_scheme = _pools(self._guard)


def _pools(guard: Guard) -> dict[str, type[HTTPConnectionPool]]:
    def connect(connection: HTTPConnection, really: Callable[[], None]) -> None:
        own = connection.host == guard.own
        guard.check(connection.host, [] if own else _resolved(connection.host))
        really()
        guard.check(connection.host, [] if own else [connection.sock.getpeername()[0]])

    class Plain(HTTPConnection):
        def connect(self) -> None:
            connect(self, super().connect)

    class Tls(HTTPSConnection):
        def connect(self) -> None:
            connect(self, super().connect)

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class TlsPool(HTTPSConnectionPool):
        ConnectionCls = Tls

    return {"http": PlainPool, "https": TlsPool}
